"""A plain folder of images, with or without labels."""

import dataclasses
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from simgan_jax.data import companions as companions_lib
from simgan_jax.data import decoding, folders, label_cells, label_values, tables
from simgan_jax.data import label_tables as tables_lib
from simgan_jax.data import labels as labels_lib
from simgan_jax.data import pixel_labels as pixels_lib
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.data.source import FittedSource
from simgan_jax.machine.errors import InputError


class _Row(NamedTuple):
  """An image and its labels."""

  file: str
  labels: labels_lib.Labels = labels_lib.Labels()
  label_file: Path | None = None
  damage: str = ''  # what is wrong with the file of labels


@dataclasses.dataclass(kw_only=True)
class ImageFolder(FittedSource):
  """Images by sorted name, in subfolders too.

  `companions.sort_files` says which files are images. Labels come from a
  `labels.csv` in the folder or a subfolder, whose column `file` names images
  relative to it, or from NAME.json for NAME.png, an object of the same names:
  `labels.COLUMNS`. Cells and images without labels are unknown, as are, with a
  warning, labels that cannot be used: the refiner needs none.
  """

  name = 'image_folder'

  pattern: str = ''  # glob of the images; '' finds them by their names
  pages: str = 'one'  # 'all': each page of a file is an image
  points: str = ''  # columns or keys of points, such as 'x,y'
  boxes: str = ''  # of boxes, such as 'x,y,width,height'

  @functools.cached_property
  def files(self) -> companions_lib.Sorted:
    """The files by their roles; tables are none of them."""
    tables = {table.path for table in self._tables}
    files = self._all_files
    names = [self._relative(file) for file in files if file not in tables]
    named = {name for table in self._tables for name in table.exact(names)}
    suffixes = {
        *companions_lib.IMAGES,
        *(('.gif',) if self.pages == 'all' else ()),
    }
    found = companions_lib.sort_files(
        names, pattern=self.pattern, named=named, suffixes=suffixes
    )
    if not found.pictures:
      what = f'file that {self.pattern!r} matches' if self.pattern else 'image'
      unread = f' ({folders.count_endings(found.left)})' if found.left else ''
      raise InputError(
          f'{self.path} holds no {what}{unread}; images end in'
          f' {", ".join(sorted(suffixes))}.'
      )
    return found

  @functools.cached_property
  def _all_files(self) -> list[Path]:
    return folders.list_all(self.path)

  @functools.cached_property
  def _tables(self) -> list[tables_lib.LabelTable]:
    return tables_lib.read_all(self.path, self._all_files)

  def _relative(self, file: Path) -> str:
    return file.relative_to(self.path).as_posix()

  @functools.cached_property
  def pixel_labels(self) -> pixels_lib.PixelLabels:
    """The columns and keys that hold points and boxes."""
    values = self._label_values
    declared = pixels_lib.parse(self.points, self.boxes, values)
    for table in self._tables:
      columns = [column for column in table.table.columns if column]
      pixels_lib.check_columns(declared, columns, str(table.path))
    unknown = set(declared.names).difference(self.label_columns)
    if unknown:
      raise InputError(
          f'{self.path}: no labels have {min(unknown)!r}, which points or boxes'
          f' name; they have {", ".join(self.label_columns) or "nothing"}.'
      )
    return declared

  def stamp(self) -> str:
    """Return the state of all images and of their labels."""
    used = [self.path / name for name in self.files.pictures]
    used += [table.path for table in self._tables]
    used += filter(None, (self._label_file(x) for x in self.files.pictures))
    return '\n'.join([folders.stamp(self.path, used), *self.files.left])

  @functools.cached_property
  def label_tables(self) -> Sequence[tables_lib.LabelTable]:
    """Every `labels.csv`, with the images of its rows."""
    return [table.match(self.files.pictures) for table in self._tables]

  @functools.cached_property
  def label_columns(self) -> tuple[str, ...]:
    """Columns of the tables and keys of the JSON files."""
    return tuple(self._label_values)

  @functools.cached_property
  def _label_values(self) -> Mapping[str, list[Any]]:
    """Some values of every column and key."""
    files = filter(None, map(self._label_file, self.files.pictures))
    return label_values.collect([x.table for x in self._tables], files)

  @property
  def label_shapes(self) -> Mapping[str, tuple[int, ...]]:
    """Gaze, if an image has one."""
    known = any(not np.isnan(row.labels.gaze).any() for row in self._rows)
    return {'gaze': (3,)} if known else {}

  @property
  def label_warning(self) -> str:
    """How many labels cannot be used, and why the first cannot."""
    unusable = [x.labels.unusable for x in self._rows if x.labels.unusable]
    if not unusable:
      return ''
    return (
        f'the labels of {len(unusable):,} of {len(self._rows):,} images count'
        f' as unknown, the first because {unusable[0]}'
    )

  @property
  def notes(self) -> list[str]:
    """What was decided about the files and their labels."""
    notes = [note for table in self.label_tables for note in table.notes]
    without = [
        name
        for name in self.files.pictures
        if name not in self._in_tables and not self._label_file(name)
    ]
    if 0 < len(without) < len(self._rows):
      notes.append(
          f'{len(without):,} of {len(self._rows):,} images have no labels,'
          f' first {without[0]}'
      )
    files = self.files
    beside = {x for found in files.companions.values() for x in found}
    images = [x for x in sorted(beside) if _suffix(x) in companions_lib.IMAGES]
    if images:
      notes.append(
          f'{len(images):,} images belong to others and are carried along,'
          f' first {images[0]}; the setting pattern, a glob, chooses the images'
      )
    if files.left:
      notes.append(f'not read: {folders.count_endings(files.left)}')
    return notes

  def find_pixel_labels(self, size: int) -> list[str]:
    """Return names of labels that look like pixels and are not declared."""
    return pixels_lib.look_like_pixels(
        self._label_values, self.pixel_labels, size
    )

  def companions(self, entry: Entry) -> list[Path]:
    """Return the files that belong to an image."""
    assert entry.file
    found = self.files.companions.get(self._relative(entry.file), ())
    return [self.path / name for name in found]

  @functools.cached_property
  def _json_files(self) -> Mapping[str, Path]:
    return label_cells.pair_json(self.path, self.files.companions)

  def read_cells(self) -> Mapping[str, Mapping[str, Any]]:
    """Return the cells of tables and the values of JSON files."""
    cells = label_cells.read(self.label_tables, self._json_files)
    return {
        entry.name: cells.get(self._relative(entry.file), {})
        for entry in self.entries
        if entry.file
    }

  def _label_file(self, picture: str) -> Path | None:
    return self._json_files.get(picture)

  @functools.cached_property
  def _in_tables(self) -> Mapping[str, labels_lib.Labels]:
    return tables_lib.group(self.label_tables)

  @functools.cached_property
  def _rows(self) -> list[_Row]:
    rows = [_Row(name, found) for name, found in self._in_tables.items()]
    for name in self.files.pictures:
      if name not in self._in_tables:
        rows.append(self._read_labels(name))
    return sorted(rows, key=lambda row: row.file)

  def _read_labels(self, name: str) -> _Row:
    """Return the row of an image, with the labels of its JSON file if any."""
    file = self._label_file(name)
    if not file:
      return _Row(name)
    try:
      content = labels_lib.read_json(file)
    except (OSError, RecursionError, ValueError) as error:
      return _Row(name, damage=f'{file}: {error}')
    if not isinstance(content, dict):
      why = f'{file}: it holds no object'
      return _Row(name, labels_lib.Labels(unusable=why), file)
    cells = {tables.normalize(key): value for key, value in content.items()}
    return _Row(name, labels_lib.understand(cells, str(file)), file)

  def list_entries(self) -> Iterator[Entry]:
    """Yield the images by name."""
    _ = self.pixel_labels  # reports a wrong declaration
    for row in self._rows:
      file = self.path / row.file
      pages = decoding.count_pages(file) if self.pages == 'all' else 1
      for page in range(pages):
        name = PurePosixPath(row.file)
        if pages > 1:
          name = name.with_name(f'{name.stem}_page{page:03}{name.suffix}')
        number = page if self.pages == 'all' else None
        read = functools.partial(self._read, row, number)
        yield Entry(str(name), row.labels.subject, read, row.label_file, file)

  def _read(self, row: _Row, page: int | None) -> Sample:
    if row.damage:
      raise Damaged(row.damage)
    decoded = decoding.read_image(self.path / row.file, page)
    return self._fit(decoded, row.labels.gaze)


def _suffix(name: str) -> str:
  return os.path.splitext(name)[1].lower()
