"""The table of labels beside refined images, labels.csv."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Float

from simgan_jax.machine import files as files_lib
from simgan_jax.simulators import hand_images

NAME = 'labels.csv'
_COLUMNS = {
    'gaze': ('gaze_x', 'gaze_y', 'gaze_z'),  # as `data.image_folder` reads it
    'head_pose': ('head_yaw', 'head_pitch'),
    'joints': tuple(
        f'{joint}_{axis}'
        for joint in hand_images.JOINTS
        for axis in ('u', 'v', 'mm')
    ),
    'intrinsics': ('fx', 'fy', 'cx', 'cy'),
}
# A cell as csv reads it, quotes and all, and what ends it.
_CELL = re.compile(
    rb'("(?:[^"]++|"")*+(?:"[^,\r\n]*|\Z)|[^,\r\n]*)(,|\r\n|\r|\n|\Z)'
)


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
  files_lib.write_bytes(str(path), _encode([header, *rows]))


def _split(content: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
  """Yield the rows of a table: cells as they are, and what ends each."""
  row, place = [], 0
  while place < len(content):
    match = _CELL.match(content, place)
    assert match
    row.append((match[1], match[2]))
    place = match.end()
    if match[2] != b',' or place == len(content):
      yield row
      row = []


def _read_cell(cell: bytes) -> str:
  # As `data.image_folder` reads it.
  text = io.StringIO(cell.decode(errors='replace'), newline='')
  return next(csv.reader(text), [''])[0]


def _write_cell(value: str, *, like: bytes) -> bytes:
  quoting = csv.QUOTE_ALL if like.startswith(b'"') else csv.QUOTE_MINIMAL
  text = io.StringIO()
  csv.writer(text, lineterminator='', quoting=quoting).writerow([value])
  return text.getvalue().encode()


def carry_over(source: Path, path: Path, files: Mapping[str, str]) -> None:
  """Write the rows of another table, with other names of files.

  Byte for byte but for the rows that go and the names that change.

  Args:
    source: the table, with a column `file`.
    path: to write to.
    files: from the names that stay to the new ones.
  """
  content = source.read_bytes()
  start = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
  kept, column = [content[:start]], -1
  for row in _split(content[start:]):
    cells = [cell for cell, _ in row]
    if cells == [b'']:
      pass  # an empty line
    elif column < 0:
      column = [_read_cell(cell) for cell in cells].index('file')
    else:
      name = str(PurePosixPath(_read_cell(cells[column])))
      if name not in files:
        continue
      if files[name] != name:
        cells[column] = _write_cell(files[name], like=cells[column])
    kept += [cell + end for cell, (_, end) in zip(cells, row, strict=True)]
  files_lib.write_bytes(str(path), b''.join(kept))
