"""The table of labels beside refined images, labels.csv."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Float

from simgan_jax.machine import files as files_lib
from simgan_jax.simulators import hand_images

NAME = 'labels.csv'
_COLUMNS = {
    'gaze': ('gaze_x', 'gaze_y', 'gaze_z'),  # as `data.image_folder` reads them
    'head_pose': ('head_yaw', 'head_pitch'),
    'joints': tuple(
        f'{joint}_{axis}'
        for joint in hand_images.JOINTS
        for axis in ('u', 'v', 'mm')
    ),
    'intrinsics': ('fx', 'fy', 'cx', 'cy'),
}
# A cell as it is written: perhaps a part in quotes, then up to a comma.
_CELL = re.compile(r'(?:^|,)((?:"(?:[^"]|"")*"?)?[^,]*)')


def row(
    file: str, subject: int, labels: Sequence[Float[np.ndarray, '...']]
) -> list[str]:
  """Return the cells of an image: the shortest numbers, '' for NaN."""
  numbers = (number for values in labels for number in values.ravel())
  return [file, str(subject), *('' if np.isnan(x) else str(x) for x in numbers)]


def _format(rows: Iterable[Sequence[str]], **options: Any) -> str:
  text = io.StringIO()
  csv.writer(text, lineterminator='\n', **options).writerows(rows)
  return text.getvalue()


def _write(path: Path, text: str) -> None:
  # Bytes that are no UTF-8 stay what they are.
  files_lib.write_bytes(str(path), text.encode(errors='surrogateescape'))


def write(
    path: Path, labels: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
  """Write a table: file, subject and the columns of labels.

  `labels` are names of fields of `data.entries.Sample`, `rows` as from `row`.
  """
  header = ['file', 'subject', *(c for name in labels for c in _COLUMNS[name])]
  _write(path, _format([header, *rows]))


def _rename(row: str, column: int, name: str) -> str:
  """Return a row with another name in one column, all else byte for byte."""
  content = row.rstrip('\r\n')
  cells = _CELL.findall(content)
  quoted = cells[column].startswith('"')
  quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
  cells[column] = _format([[name]], quoting=quoting).removesuffix('\n')
  return ','.join(cells) + row[len(content) :]


def carry_over(source: Path, path: Path, files: Mapping[str, str]) -> None:
  """Write the rows of another table, with other names of files.

  All other bytes stay, but the rows of other files go.

  Args:
    source: Table with a column `file`.
    path: Path of the table to write.
    files: New name of each file that stays, by its old name.
  """
  text = source.read_bytes().decode(errors='surrogateescape')
  lines = io.StringIO(text, newline='').readlines()
  lines[0] = lines[0].removeprefix('\ufeff')
  kept, column, start = [text[: text.startswith('\ufeff')]], -1, 0
  reader = csv.reader(lines)
  for cells in reader:
    row = ''.join(lines[start : reader.line_num])
    start = reader.line_num
    if cells and column < 0:
      column = cells.index('file')
    elif cells:
      name = str(PurePosixPath(cells[column]))
      if name not in files:
        continue
      if files[name] != name:
        row = _rename(row, column, files[name])
    kept.append(row)
  _write(path, ''.join(kept))
