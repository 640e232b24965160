"""The table of labels beside refined images, labels.csv."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from simgan_jax import hands, records

NAME = 'labels.csv'
_COLUMNS = {
    'gaze': ('gaze_x', 'gaze_y', 'gaze_z'),  # as `data.image_folder` reads it
    'head_pose': ('head_yaw', 'head_pitch'),
    'joints': tuple(
        f'{joint}_{axis}' for joint in hands.JOINTS for axis in ('u', 'v', 'mm')
    ),
    'intrinsics': ('fx', 'fy', 'cx', 'cy'),
}


def row(
    file: str, subject: int, labels: Sequence[Float[np.ndarray, '...']]
) -> list[str]:
  """Return the cells of an image: the shortest numbers, NaN as nothing."""
  numbers = (number for values in labels for number in values.ravel())
  return [file, str(subject), *('' if np.isnan(x) else str(x) for x in numbers)]


def _encode(rows: Iterable[Sequence[str]]) -> bytes:
  text = io.StringIO()
  csv.writer(text, lineterminator='\n').writerows(rows)
  return text.getvalue().encode(errors='surrogateescape')


def write(
    path: Path, labels: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
  """Write a table: file, subject and the columns of labels.

  Args:
    path: of the table; an interrupted write leaves nothing.
    labels: fields of `data.samples.Sample`.
    rows: of `row`.
  """
  header = ['file', 'subject', *(c for name in labels for c in _COLUMNS[name])]
  records.write_bytes(str(path), _encode([header, *rows]))


def carry_over(source: Path, path: Path, files: Mapping[str, str]) -> None:
  """Write the rows of another table, with other names of files.

  Byte for byte where every row stays and no name changes.

  Args:
    source: the table, with a column `file`.
    path: to write to.
    files: from the names that stay to the new ones.
  """
  content = source.read_bytes()
  text = content.decode('utf-8-sig', errors='surrogateescape')
  header, *rows = filter(None, csv.reader(io.StringIO(text, newline='')))
  column = header.index('file')
  if [files.get(row[column]) for row in rows] != [row[column] for row in rows]:
    for cells in rows:
      cells[column] = files.get(cells[column], '')
    content = _encode([header, *(row for row in rows if row[column])])
  records.write_bytes(str(path), content)
