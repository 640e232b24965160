"""A plain folder of images, with or without a table of labels."""

import csv
import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simgan_jax.data import crops, folders, gaze, source
from simgan_jax.data.samples import Entry, Sample
from simgan_jax.errors import InputError

_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff')
_TABLE = 'labels.csv'
_LABELS = ('gaze_x', 'gaze_y', 'gaze_z'), ('yaw', 'pitch')


class _Row(NamedTuple):
  file: str
  subject: int  # 0 when unknown
  gaze: np.ndarray  # [3], NaN when unknown


class ImageFolder(source.Source):
  """Images by sorted name (subfolders included), cut to the aspect ratio.

  Where there is a `labels.csv` it says which images there are: column `file`
  (relative to the folder), then `gaze_x`, `gaze_y`, `gaze_z` or `yaw`,
  `pitch` in radians (simgan_jax.data.gaze has the convention), or neither, and
  `subject`, a number, if known.
  """

  @classmethod
  def stamp(cls, config: source.SourceConfig) -> str:
    """See base class."""
    files = folders.list_files(config.path, _SUFFIXES, recursive=True)
    table = config.path / _TABLE
    return folders.stamp(config.path, files + [table] * table.exists())

  def entries(self) -> list[Entry]:
    """See base class."""
    folder = self.builder_config.path
    table = folder / _TABLE
    if table.exists():
      rows = _read_table(table)
    else:
      files = folders.list_files(folder, _SUFFIXES, recursive=True)
      names = sorted(file.relative_to(folder).as_posix() for file in files)
      rows = [_Row(name, 0, np.full(3, np.nan)) for name in names]
    return [
        Entry(
            row.file,
            row.subject,
            functools.partial(self._read, folder / row.file, row.gaze),
        )
        for row in rows
    ]

  def _read(self, file: Path, vector: np.ndarray) -> Sample:
    return Sample(self._cut(crops.read_image(file)), vector)


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
    labels = next((s for s in _LABELS if not set(s).isdisjoint(columns)), ())
    for column in labels:
      if column not in columns:
        raise InputError(
            f'{table} has no column {column!r}, only part of'
            f' {", ".join(labels)}; add it.'
        )
    rows = {}
    for cells in reader:
      where = f'{table}, line {reader.line_num}'
      try:
        row = _Row(
            cells['file'] or '',
            int(cells.get('subject') or 0),
            _gaze([float(cells[column]) for column in labels]),
        )
      except (TypeError, ValueError) as error:
        raise InputError(f'{where}: {error}; correct the label.') from error
      if not row.file:
        raise InputError(f'{where} names no file; add it or remove the line.')
      if row.file in rows:
        raise InputError(f'{where}: {row.file} is there twice; remove one.')
      rows[row.file] = row
  if not rows:
    raise InputError(f'{table} has no rows; add some or remove the file.')
  return [rows[name] for name in sorted(rows)]


def _gaze(numbers: list[float]) -> np.ndarray:
  """Returns the gaze of yaw and pitch, of x, y and z, or NaN of neither."""
  if not numbers:
    return np.full(3, np.nan)
  vector = np.array(numbers)
  if len(numbers) == 2:
    vector = gaze.vector_from_angles(*vector)
  length = np.linalg.norm(vector)
  if not 0 < length < np.inf:
    raise ValueError(f'{numbers} is no direction')
  return vector / length
