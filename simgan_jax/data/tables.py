"""Reading a labels.csv as people and their programs write it.

Separators, encodings and blank lines differ. What is certain is understood. The
raw text is kept, so that a table can be written again with all else byte for
byte.
"""

import codecs
import collections
import csv
import functools
import io
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from simgan_jax.machine.errors import InputError

NAME = 'labels.csv'
_SEPARATORS = {',': 'commas', ';': "';'", '\t': 'tabs', '|': "'|'"}
# Names of the column of files, the usual one first.
_FILE = 'file', 'filename', 'file_name', 'image', 'image_file', 'image_path'
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: 'utf-8',
    codecs.BOM_UTF16_LE: 'utf-16-le',
    codecs.BOM_UTF16_BE: 'utf-16-be',
}


class Text(NamedTuple):
  """The text of a file, and how to write it as it was."""

  text: str  # without the byte order mark
  encoding: str
  mark: bytes = b''

  def encode(self, text: str) -> bytes:
    """Return another text in the encoding of this one."""
    try:
      errors = 'surrogateescape' if self.encoding == 'utf-8' else 'strict'
      return self.mark + text.encode(self.encoding, errors)
    except UnicodeEncodeError:  # a new name that Latin-1 lacks
      return codecs.BOM_UTF8 + text.encode()


class Row(NamedTuple):
  """A row of a table."""

  file: str  # what stands in the column of files
  line: int  # number of its last line; the file's first line is 1
  raw: str  # as it stands in the file, with the end of the line
  cells: Mapping[str, str]  # by column, without outer blanks


class Table(NamedTuple):
  """A table of labels."""

  path: Path
  source: Text
  separator: str
  columns: list[str]  # in the file's order, as `normalize` writes them
  file_column: str
  start: str  # raw text up to and with the line of the columns
  lines: list[Row]  # blank ones, too, which have no cells

  @property
  def rows(self) -> list[Row]:
    """The rows that are not blank."""
    return [row for row in self.lines if row.cells]

  @property
  def remark(self) -> str:
    """What is unusual about the file; empty if nothing is."""
    found = []
    if self.source.encoding != 'utf-8':
      found.append(f'in {self.source.encoding.upper()}')
    if self.separator != ',':
      found.append(f'separated by {_SEPARATORS.get(self.separator, "?")}')
    if self.file_column != 'file':
      found.append(f'with the names of files in {self.file_column!r}')
    return f'{self.path} is read as a table {", ".join(found)}' * bool(found)

  def replace(self, row: Row, cells: Mapping[str, str]) -> str:
    """Return a row's raw text with other cells in some columns."""
    content = row.raw.rstrip('\r\n')
    separator = re.escape(self.separator)
    # A cell as it is written: perhaps a part in quotes, then up to a separator.
    cell = rf'(?:^|{separator})((?: *"(?:[^"]|"")*"?)?[^{separator}]*)'
    found = re.findall(cell, content)
    for column, text in cells.items():
      place = self.columns.index(column)
      old = found[place]
      blanks = len(old) - len(old.lstrip()), len(old.rstrip())
      quote = old.strip().startswith('"') or re.search(
          rf'["\r\n{separator}]', text
      )
      if quote:
        text = '"' + text.replace('"', '""') + '"'
      found[place] = old[: blanks[0]] + text + old[blanks[1] :]
    return self.separator.join(found) + row.raw[len(content) :]


def decode(content: bytes) -> Text:
  """Return the text of a file in UTF-8, UTF-16 or, if in neither, Latin-1.

  With a mark of UTF-8, bytes that are no UTF-8 are kept as surrogates.

  Raises:
    UnicodeError: If the file is in UTF-16 and damaged.
  """
  for mark, encoding in _BYTE_ORDER_MARKS.items():
    if content.startswith(mark):
      rest = content.removeprefix(mark)
      errors = 'surrogateescape' if encoding == 'utf-8' else 'strict'
      return Text(rest.decode(encoding, errors), encoding, mark)
  # UTF-16 without a mark: every other byte of plain text is 0.
  start = content[:200]
  for encoding, zeros in (
      ('utf-16-le', start[1::2]),
      ('utf-16-be', start[::2]),
  ):
    if zeros.count(0) > len(zeros) / 2 and not len(content) % 2:
      return Text(content.decode(encoding), encoding)
  try:
    return Text(content.decode('utf-8'), 'utf-8')
  except UnicodeDecodeError:
    return Text(content.decode('latin-1'), 'latin-1')


@functools.lru_cache
def normalize(column: str) -> str:
  """Return the name of a column or key as it is compared.

  'File Name' is file_name, 'Yaw [deg]' and yaw-degrees are yaw_deg, and yaw_rad
  is yaw.
  """
  name = re.sub(r'[\s()\[\]_-]+', '_', column.strip().lower()).strip('_')
  name = re.sub('_(?:degrees?|°)$', '_deg', name)
  return re.sub('^(yaw|pitch)_(?:rad|radians?)$', r'\1', name)


def read(path: Path, used: Collection[str] = ()) -> Table:
  """Return the table in a file.

  Args:
    path: File to read.
    used: Columns whose meaning is known.

  Raises:
    InputError: If it cannot be read, has no column `file`, twice a used one, or
      no rows.
  """
  try:
    table = _parse(path, decode(path.read_bytes()), used)
  except (OSError, UnicodeError, csv.Error) as error:
    raise InputError(
        f'{path} cannot be read ({error}); correct or remove it.'
    ) from error
  if not table.rows:
    raise InputError(f'{path} has no rows; add some or remove the file.')
  return table


def _parse(path: Path, source: Text, used: Collection[str]) -> Table:
  lines = io.StringIO(source.text, newline='').readlines()
  number, separator = _find_header(lines)
  separator = separator or _find_separator(lines[number : number + 1])
  reader = csv.reader(
      lines[number:], delimiter=separator, skipinitialspace=True
  )
  columns = [normalize(cell) for cell in next(reader, [])]
  file_column = _find_file_column(columns)
  twice = collections.Counter(
      column for column in columns if column in used or column == file_column
  )
  where = f'{path}, line {number + 1}'
  if not file_column:
    raise InputError(
        f"{where}: there is no column 'file'; the columns, separated by"
        f' {_name_separator(separator)}, are'
        f' {", ".join(filter(None, columns))[:200] or "none"}.'
    )
  if any(count > 1 for count in twice.values()):
    name = max(twice, key=lambda column: twice[column])
    raise InputError(f'{where}: the column {name!r} is there twice; drop one.')
  end = number + reader.line_num
  start, rows = ''.join(lines[:end]), []
  for cells in reader:
    first, line = end + 1, number + reader.line_num
    raw, end = ''.join(lines[end:line]), line
    if not any(cell.strip() for cell in cells):
      rows.append(Row('', line, raw, {}))
    else:
      if '"' in raw and not _is_quoted_well(raw, separator):
        raise InputError(
            f'{path}, line {first}: a quote is not closed, or'
            ' has text after it; correct it.'
        )
      if any(cells[len(columns) :]):
        raise InputError(
            f'{path}, line {line}: there are {len(cells)} cells, but'
            f' {len(columns)} columns; put numbers and names that hold'
            f' {_name_separator(separator)} in quotes.'
        )
      padded = [cell.strip() for cell in cells] + [''] * len(columns)
      by_column = dict(zip(columns, padded, strict=False))
      rows.append(Row(by_column[file_column], line, raw, by_column))
  return Table(path, source, separator, columns, file_column, start, rows)


def _name_separator(separator: str) -> str:
  return _SEPARATORS.get(separator, repr(separator))


def _is_quoted_well(raw: str, separator: str) -> bool:
  """Return whether the quotes of a row enclose whole cells."""
  separator = re.escape(separator)
  plain = rf' *(?:[^" {separator}\r\n][^{separator}\r\n]*)?'
  cell = rf'(?: *"(?:[^"]|"")*" *|{plain})'
  return bool(re.fullmatch(rf'(?:{cell}{separator})*{cell}[\r\n]*', raw))


def _find_header(lines: list[str]) -> tuple[int, str]:
  """Return the number of the columns' line, and what Excel's `sep=` says."""
  separator = ''
  for number, line in enumerate(lines):
    plain = line.strip(' \r\n')
    if plain.lower().startswith('sep=') and len(plain) == 5:
      separator = plain[4]
    elif plain.strip('\t,;|"') and not plain.startswith('#'):
      return number, separator
  return 0, separator


def _find_separator(header: list[str]) -> str:
  """Return the separator with which the header has a column of files."""
  for separator in _SEPARATORS:
    reader = csv.reader(header, delimiter=separator, skipinitialspace=True)
    if _find_file_column([normalize(cell) for cell in next(reader, [])]):
      return separator
  return max(_SEPARATORS, key=header[0].count) if header else ','


def _find_file_column(columns: list[str]) -> str:
  """Return the column of files; empty if there is none or no certain one."""
  found = [name for name in _FILE if name in columns]
  certain = found[:1] == ['file'] or len(found) == 1
  return found[0] if certain else ''
