"""A plain folder of images, with or without labels."""

import csv
import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simgan_jax.data import decoding, folders, gaze_angles
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.data.source import FittedSource
from simgan_jax.machine.errors import InputError

_SUFFIXES = '.bmp .jpeg .jpg .npy .pgm .png .ppm .tif .tiff'.split()
_TABLE = 'labels.csv'
_LABELS = ('gaze_x', 'gaze_y', 'gaze_z'), ('yaw', 'pitch')


class _Row(NamedTuple):
  """An image and its labels."""

  file: str
  subject: int = 0  # 0 means unknown
  gaze: Any = (np.nan,) * 3  # NaN means unknown
  label_file: Path | None = None
  unusable: str = ''  # why a label counts as unknown
  damage: str = ''  # what is wrong with the file of labels


class ImageFolder(FittedSource):
  """Images by sorted name, in subfolders too.

  If there is a `labels.csv`, it lists the images: column `file` (relative to
  the folder), then `gaze_x`, `gaze_y`, `gaze_z` or `yaw`, `pitch` in radians
  (convention: simgan_jax.data.gaze_angles), or neither, and `subject`, a
  number, if known. Without a table the labels of NAME.png may stand in
  NAME.json, as an object with the same names. Empty cells are unknown. Cells
  that cannot be used are unknown too, with a warning: the refiner needs no
  labels. Other columns are ignored.
  """

  name = 'image_folder'

  def stamp(self) -> str:
    """Return the state of all images and of their labels."""
    files = folders.list_files(self.path, _SUFFIXES, recursive=True)
    table = self.label_table
    labels = {table or file.with_suffix('.json') for file in files}
    found = sorted(file for file in labels if os.path.lexists(file))
    return folders.stamp(self.path, files + found)

  @property
  def label_table(self) -> Path | None:
    """The `labels.csv`, if there is one."""
    table = self.path / _TABLE
    return table if os.path.lexists(table) else None

  @property
  def label_shapes(self) -> Mapping[str, tuple[int, ...]]:
    """Gaze, if an image has one."""
    known = any(not np.isnan(row.gaze).any() for row in self._rows)
    return {'gaze': (3,)} if known else {}

  @property
  def label_warning(self) -> str:
    """How many labels cannot be used, and why the first cannot."""
    unusable = [row.unusable for row in self._rows if row.unusable]
    if not unusable:
      return ''
    return (
        f'the labels of {len(unusable):,} of {len(self._rows):,} images count'
        f' as unknown, the first because {unusable[0]}'
    )

  @functools.cached_property
  def _rows(self) -> list[_Row]:
    if self.label_table:
      return _read_table(self.label_table)
    files = folders.list_files(self.path, _SUFFIXES, recursive=True)
    rows = [_read_labels(file, self.path) for file in files]
    return sorted(rows, key=lambda row: row.file)

  def list_entries(self) -> Iterator[Entry]:
    """Yield the images of the table, or of the folder, by name."""
    for row in self._rows:
      read = functools.partial(self._read, row)
      file = self.path / row.file
      yield Entry(row.file, row.subject, read, row.label_file, file)

  def _read(self, row: _Row) -> Sample:
    if row.damage:
      raise Damaged(row.damage)
    return self._fit(decoding.read_image(self.path / row.file), row.gaze)


def _read_labels(file: Path, folder: Path) -> _Row:
  """Return the row of an image, with the labels of its JSON file if any."""
  name, labels = file.relative_to(folder).as_posix(), file.with_suffix('.json')
  if not os.path.lexists(labels):
    return _Row(name)
  try:
    cells = json.loads(labels.read_text(encoding='utf-8'))
  except (OSError, RecursionError, ValueError) as error:
    return _Row(name, damage=f'{labels}: {error}')
  if isinstance(cells, dict):
    return _make_row(name, cells, str(labels))._replace(label_file=labels)
  return _Row(name, label_file=labels, unusable=f'{labels}: it holds no object')


def _make_row(name: str, cells: Mapping[Any, Any], where: str) -> _Row:
  """Return the row of an image; labels that cannot be used are unknown."""
  row = _Row(name)
  readers: dict[str, Callable[..., Any]] = {'subject': _subject, 'gaze': _gaze}
  for label, read in readers.items():
    try:
      row = row._replace(**{label: read(cells)})
    # The cell may hold anything.
    except (OverflowError, RecursionError, TypeError, ValueError) as error:
      row = row._replace(unusable=f'{where}: {label}: {error}')
  return row


def _read_table(table: Path) -> list[_Row]:
  """Return the rows of a labels.csv, sorted by file, or raise InputError."""
  rows: dict[str, _Row] = {}
  try:
    with table.open(newline='', encoding='utf-8-sig', errors='replace') as text:
      reader = csv.DictReader(text)
      if 'file' not in (reader.fieldnames or ()):
        raise InputError(
            f"{table} has no column 'file'; name the columns in its first line."
        )
      for cells in reader:
        where = f'{table}, line {reader.line_num}'
        name = _check_name(cells['file'] or '', where)
        if name in rows:
          raise InputError(f'{where}: {name} is there twice; remove one.')
        rows[name] = _make_row(name, cells, where)
  except (OSError, csv.Error) as error:
    raise InputError(
        f'{table} cannot be read ({error}); correct or remove it.'
    ) from error
  if not rows:
    raise InputError(f'{table} has no rows; add some or remove the file.')
  return [rows[name] for name in sorted(rows)]


def _check_name(name: str, where: str) -> str:
  """Return the path of an image in the folder without ./ and //."""
  if not name:
    raise InputError(f'{where} names no file; add it or remove the line.')
  if name[0] == '/' or '..' in Path(name).parts:
    raise InputError(
        f'{where}: {name} lies outside of the folder; name files in it.'
    )
  return Path(name).as_posix()


def _subject(cells: Mapping[Any, Any]) -> int:
  """Return the number of the person, 0 when unknown."""
  number = int(cells.get('subject') or 0)
  if not 0 <= number < 2**31:
    raise ValueError(f'{number} is not between 0 and {2**31 - 1}')
  return number


def _gaze(cells: Mapping[Any, Any]) -> np.ndarray:
  """Return the gaze as a unit vector [3], NaN when unknown."""
  columns = next((s for s in _LABELS if not set(s).isdisjoint(cells)), ())
  missing = [column for column in columns if column not in cells]
  if missing:
    raise ValueError(f'no {" and no ".join(missing)} of {", ".join(columns)}')
  values = [cells[column] for column in columns]
  if all(value == '' for value in values):
    return np.full(3, np.nan)
  numbers = [float(value) for value in values]
  vector = np.array(numbers)
  if len(numbers) == 2 and np.isfinite(vector).all():
    vector = gaze_angles.vector_from_angles(*vector)
  length = np.linalg.norm(vector)
  if not 0 < length < np.inf:
    raise ValueError(f'{numbers} is no direction')
  return vector / length
