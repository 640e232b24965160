"""A plain folder of images, with or without labels."""

import csv
import functools
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simgan_jax.data import crops, folders, gaze, source
from simgan_jax.data.samples import Entry, Sample
from simgan_jax.errors import InputError

_SUFFIXES = (
    *('.bmp', '.jpeg', '.jpg', '.npy', '.pgm', '.png', '.ppm', '.tif'),
    '.tiff',
)
_TABLE = 'labels.csv'
_LABELS = ('gaze_x', 'gaze_y', 'gaze_z'), ('yaw', 'pitch')


class _Row(NamedTuple):
  file: str
  subject: int  # 0 when unknown
  gaze: np.ndarray  # [3], NaN when unknown
  label_file: Path | None = None


class ImageFolder(source.Source):
  """Images by sorted name, subfolders included, brought to one size by `fit`.

  Where there is a `labels.csv` it says which images there are: column `file`
  (relative to the folder), then `gaze_x`, `gaze_y`, `gaze_z` or `yaw`,
  `pitch` in radians (simgan_jax.data.gaze has the convention), or neither, and
  `subject`, a number, if known; an empty cell is unknown. Without a table an
  image NAME.png may have the same labels in NAME.json, an object. Other labels
  are left alone.
  """

  CONFIG = source.FittedConfig

  @classmethod
  def stamp(cls, config: source.SourceConfig) -> str:
    """See base class."""
    files = folders.list_files(config.path, _SUFFIXES, recursive=True)
    table = config.path / _TABLE
    labels = [table] if table.exists() else _label_files(files)
    return folders.stamp(config.path, [*files, *labels])

  @property
  def label_table(self) -> Path | None:
    """See base class."""
    table = self.builder_config.path / _TABLE
    return table if table.exists() else None

  @property
  def known_labels(self) -> dict[str, tuple[int, ...]]:
    """See base class."""
    known = any(not np.isnan(row.gaze).any() for row in self._rows())
    return {'gaze': (3,)} if known else {}

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
    folder = self.builder_config.path
    return [
        Entry(
            row.file,
            row.subject,
            functools.partial(self._read, folder / row.file, row.gaze),
            row.label_file,
        )
        for row in self._rows()
    ]

  def _read(self, file: Path, vector: np.ndarray) -> Sample:
    config, image = self.builder_config, crops.read_image(file)
    box = crops.fit_box(image, config.fit, config.height, config.width)
    return Sample(self._cut(image, box), vector, size=image.size)


def _label_files(images: list[Path]) -> list[Path]:
  """Returns the JSON files beside images, each once."""
  files = {image.with_suffix('.json') for image in images}
  return sorted(file for file in files if file.exists())


def _read_labels(file: Path, folder: Path, has_labels: bool) -> _Row:
  """Returns the row of an image with the labels of its JSON file, if any.

  Raises:
    InputError: If the file holds no object, or a label is wrong.
  """
  name = file.relative_to(folder).as_posix()
  if not has_labels:
    return _Row(name, 0, np.full(3, np.nan))
  labels = file.with_suffix('.json')
  try:
    cells = json.loads(labels.read_text(encoding='utf-8'))
    if not isinstance(cells, dict):
      raise TypeError('it holds no object')
    columns = _label_columns(cells, labels)
    return _Row(
        name,
        int(cells.get('subject') or 0),
        _gaze([cells[column] for column in columns]),
        labels,
    )
  except (OSError, TypeError, ValueError) as error:
    raise InputError(
        f'{labels}: {error}; correct the label or remove the file.'
    ) from error


def _label_columns(columns: Collection[str], where: Path) -> tuple[str, ...]:
  """Returns the columns of the gaze, if any.

  Raises:
    InputError: If some of them are missing.
  """
  labels = next((s for s in _LABELS if not set(s).isdisjoint(columns)), ())
  for column in labels:
    if column not in columns:
      raise InputError(
          f'{where} has no column {column!r}, only part of'
          f' {", ".join(labels)}; add it.'
      )
  return labels


def _read_table(table: Path) -> list[_Row]:
  """Returns the rows of a labels.csv, sorted by file.

  Raises:
    InputError: If a column, a file name or a number is missing or wrong.
  """
  with table.open(newline='', encoding='utf-8-sig', errors='replace') as text:
    reader = csv.DictReader(text)
    columns = reader.fieldnames or ()
    if 'file' not in columns:
      raise InputError(
          f"{table} has no column 'file'; name the columns in its first line."
      )
    labels = _label_columns(columns, table)
    rows = {}
    for cells in reader:
      where = f'{table}, line {reader.line_num}'
      try:
        row = _Row(
            cells['file'] or '',
            int(cells.get('subject') or 0),
            _gaze([cells[column] for column in labels]),
        )
      except (TypeError, ValueError) as error:
        raise InputError(f'{where}: {error}; correct the label.') from error
      if not row.file:
        raise InputError(f'{where} names no file; add it or remove the line.')
      if row.file[0] == '/' or '..' in Path(row.file).parts:
        raise InputError(
            f'{where}: {row.file} lies outside of the folder; name files in it.'
        )
      row = row._replace(file=Path(row.file).as_posix())  # without ./ and //
      if row.file in rows:
        raise InputError(f'{where}: {row.file} is there twice; remove one.')
      rows[row.file] = row
  if not rows:
    raise InputError(f'{table} has no rows; add some or remove the file.')
  return [rows[name] for name in sorted(rows)]


def _gaze(cells: list[Any]) -> np.ndarray:
  """Returns the gaze of yaw and pitch, of x, y and z, or NaN of nothing."""
  if all(cell == '' for cell in cells):
    return np.full(3, np.nan)
  numbers = [float(cell) for cell in cells]
  vector = np.array(numbers)
  if len(numbers) == 2:
    vector = gaze.vector_from_angles(*vector)
  length = np.linalg.norm(vector)
  if not 0 < length < np.inf:
    raise ValueError(f'{numbers} is no direction')
  return vector / length
