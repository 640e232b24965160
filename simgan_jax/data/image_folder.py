"""A plain folder of images, with or without labels."""

import csv
import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simgan_jax.data import crops, folders, gaze_angles, source
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.machine.errors import InputError

_SUFFIXES = (
    *('.bmp', '.jpeg', '.jpg', '.npy', '.pgm', '.png', '.ppm', '.tif'),
    '.tiff',
)
_TABLE = 'labels.csv'
_LABELS = ('gaze_x', 'gaze_y', 'gaze_z'), ('yaw', 'pitch')


# What a label that is none of ours makes the functions below raise.
_WRONG = (OverflowError, RecursionError, TypeError, ValueError)


class _Row(NamedTuple):
  file: str
  subject: int = 0  # when unknown
  gaze: Any = (np.nan,) * 3  # when unknown
  label_file: Path | None = None
  unusable: str = ''  # why a label counts as unknown
  damage: str = ''  # of the file of labels


class ImageFolder(source.Source):
  """Images by sorted name, subfolders included, brought to one size by `fit`.

  Where there is a `labels.csv` it says which images there are: column `file`
  (relative to the folder), then `gaze_x`, `gaze_y`, `gaze_z` or `yaw`,
  `pitch` in radians (convention: simgan_jax.data.gaze_angles), or neither, and
  `subject`, a number, if known. Without a table an image NAME.png may have the
  same labels in NAME.json, an object. An empty cell is unknown, and so is, with
  a warning, what is no such label: the refiner needs none. Others are left
  alone.
  """

  CONFIG = source.FittedConfig

  @classmethod
  def stamp(cls, config: source.SourceConfig) -> str:
    """See base class."""
    files = folders.list_files(config.path, _SUFFIXES, recursive=True)
    table = config.path / _TABLE
    labels = [table] if os.path.lexists(table) else _label_files(files)
    return folders.stamp(config.path, [*files, *labels])

  @property
  def label_table(self) -> Path | None:
    """See base class."""
    table = self.builder_config.path / _TABLE
    return table if os.path.lexists(table) else None

  @property
  def known_labels(self) -> dict[str, tuple[int, ...]]:
    """See base class."""
    known = any(not np.isnan(row.gaze).any() for row in self._rows)
    return {'gaze': (3,)} if known else {}

  @property
  def label_warning(self) -> str:
    """See base class."""
    unusable = [row.unusable for row in self._rows if row.unusable]
    if not unusable:
      return ''
    return (
        f'the labels of {len(unusable):,} of {len(self._rows):,} images count'
        f' as unknown, the first because {unusable[0]}'
    )

  @functools.cached_property
  def _rows(self) -> list[_Row]:
    folder = self.builder_config.path
    if self.label_table:
      return _read_table(self.label_table)
    files = folders.list_files(folder, _SUFFIXES, recursive=True)
    labels = set(_label_files(files))
    rows = [
        _read_labels(file, folder, file.with_suffix('.json') in labels)
        for file in files
    ]
    return sorted(rows, key=lambda row: row.file)

  def entries(self) -> list[Entry]:
    """See base class."""
    return [
        Entry(
            *(row.file, row.subject),
            functools.partial(self._read, row),
            row.label_file,
        )
        for row in self._rows
    ]

  def _read(self, row: _Row) -> Sample:
    if row.damage:
      raise Damaged(row.damage)
    config = self.builder_config
    image = crops.read_image(config.path / row.file)
    box = crops.fit_box(image, config.fit, config.height, config.width)
    return Sample(
        self._cut(image, box),
        row.gaze,
        size=(image.shape[1], image.shape[0]),
        levels=crops.levels_of_16_bits(image),
    )


def _label_files(images: list[Path]) -> list[Path]:
  """Returns the JSON files beside images, each once."""
  files = {image.with_suffix('.json') for image in images}
  return sorted(file for file in files if os.path.lexists(file))


def _read_labels(file: Path, folder: Path, has_labels: bool) -> _Row:
  """Returns the row of an image with the labels of its JSON file, if any."""
  name = file.relative_to(folder).as_posix()
  if not has_labels:
    return _Row(name)
  labels = file.with_suffix('.json')
  try:
    cells = json.loads(labels.read_text(encoding='utf-8'))
  except (OSError, RecursionError, ValueError) as error:
    return _Row(name, damage=f'{labels}: {error}')
  if not isinstance(cells, dict):
    row = _Row(name, unusable=f'{labels}: it holds no object')
  else:
    row = _make_row(name, cells, str(labels))
  return row._replace(label_file=labels)


def _make_row(name: str, cells: Mapping[Any, Any], where: str) -> _Row:
  """Returns the row of an image; what cannot be used of labels is unknown."""
  row = _Row(name)
  for label, read in (('subject', _subject), ('gaze', _gaze)):
    try:
      found: Any = read(cells)
      row = row._replace(**{label: found})
    except _WRONG as error:
      row = row._replace(unusable=f'{where}: {label}: {error}')
  return row


def _read_table(table: Path) -> list[_Row]:
  """Returns the rows of a labels.csv, sorted by file.

  Raises:
    InputError: If it cannot be read, or a file's name is missing or wrong.
  """
  try:
    with table.open(newline='', encoding='utf-8-sig', errors='replace') as text:
      rows = _parse_table(csv.DictReader(text), table)
  except (OSError, csv.Error) as error:
    raise InputError(
        f'{table} cannot be read ({error}); correct or remove it.'
    ) from error
  if not rows:
    raise InputError(f'{table} has no rows; add some or remove the file.')
  return [rows[name] for name in sorted(rows)]


def _parse_table(reader: csv.DictReader, table: Path) -> dict[str, _Row]:
  if 'file' not in (reader.fieldnames or ()):
    raise InputError(
        f"{table} has no column 'file'; name the columns in its first line."
    )
  rows: dict[str, _Row] = {}
  for cells in reader:
    where = f'{table}, line {reader.line_num}'
    name = cells['file'] or ''
    if not name:
      raise InputError(f'{where} names no file; add it or remove the line.')
    if name[0] == '/' or '..' in Path(name).parts:
      raise InputError(
          f'{where}: {name} lies outside of the folder; name files in it.'
      )
    name = Path(name).as_posix()  # without ./ and //
    if name in rows:
      raise InputError(f'{where}: {name} is there twice; remove one.')
    rows[name] = _make_row(name, cells, where)
  return rows


def _subject(cells: Mapping[Any, Any]) -> int:
  """Returns the number of the person, 0 when unknown."""
  number = int(cells.get('subject') or 0)
  if not 0 <= number < 2**31:
    raise ValueError(f'{number} is not between 0 and {2**31 - 1}')
  return number


def _gaze(cells: Mapping[Any, Any]) -> np.ndarray:
  """Returns the gaze of yaw and pitch, of x, y and z, or NaN of nothing."""
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
