"""The tables of labels in a folder of images, and the images they name."""

import dataclasses
import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from simgan_jax.data import labels, matching, tables
from simgan_jax.machine.errors import InputError


@dataclasses.dataclass(frozen=True)
class LabelTable:
  """A labels.csv, and the image of each row."""

  table: tables.Table
  folder: str  # of the table, relative to that of the images; '.' is the same
  images: Mapping[str, str] = dataclasses.field(default_factory=dict)

  @property
  def path(self) -> Path:
    """Path of the table."""
    return self.table.path

  def place(self, name: str) -> str:
    """Return a name of this table relative to the folder of the images."""
    return str(PurePosixPath(self.folder) / name)

  def exact(self, names: Iterable[str]) -> set[str]:
    """Return those of the names that the table has in this very form."""
    return {self.place(row.file) for row in self.table.rows}.intersection(names)

  def match(self, pictures: Sequence[str]) -> 'LabelTable':
    """Return the table with the images that it names.

    Raises:
      InputError: If a name may be one of two images, or is no file of the
        folder.
    """
    prefix = self.place('') + '/' if self.folder != '.' else ''
    own = [x.removeprefix(prefix) for x in pictures if x.startswith(prefix)]
    known = set(own)
    for row in self.table.rows:
      if row.file not in known and any(letter < ' ' for letter in row.file):
        raise InputError(
            f'{self.path}, line {row.line}: {row.file!r} is no name of a file;'
            ' correct it.'
        )
    names = list(dict.fromkeys(row.file for row in self.table.rows))
    images = matching.match_names(names, own, str(self.path))
    for row in self.table.rows:
      if row.file not in images:
        _check_name(row.file, f'{self.path}, line {row.line}')
    return dataclasses.replace(
        self, images={name: self.place(file) for name, file in images.items()}
    )

  def find_image(self, row: tables.Row) -> str:
    """Return the image of a row; it is missing if none has the name."""
    return self.images.get(row.file) or self.place(row.file)

  @functools.cached_property
  def notes(self) -> list[str]:
    """What is unusual about the table."""
    notes = [self.table.remark] if self.table.remark else []
    if any(
        labels.has_decimal_comma(row.cells.get(column))
        for row in self.table.rows
        for column in labels.COLUMNS
    ):
      notes.append(f'{self.path}: commas in numbers are decimal points')
    other = [
        (name, image)
        for name, image in self.images.items()
        if image != self.place(name)
    ]
    if other:
      name, image = other[0]
      notes.append(
          f'{self.path}: {len(other):,} names are spelled otherwise than their'
          f' files, such as {name} for {image}'
      )
    return notes


def read_all(folder: Path, files: Iterable[Path]) -> list[LabelTable]:
  """Return the tables of a folder and its subfolders."""
  found: dict[Path, LabelTable] = {}
  for file in [folder / tables.NAME, *files]:
    is_table = file.name.lower() == tables.NAME and os.path.lexists(file)
    if is_table and file not in found:
      place = file.parent.relative_to(folder).as_posix()
      found[file] = LabelTable(tables.read(file, labels.COLUMNS), place)
  return list(found.values())


def group(found: Sequence[LabelTable]) -> dict[str, labels.Labels]:
  """Return the labels of the images that tables name."""
  rows: dict[str, list[labels.Labels]] = {}
  for table in found:
    for row in table.table.rows:
      where = f'{table.path}, line {row.line}'
      understood = labels.understand(row.cells, where)
      rows.setdefault(table.find_image(row), []).append(understood)
  return {
      image: labels.merge(same, f'{found[0].path}, {image}')
      for image, same in rows.items()
  }


def _check_name(name: str, where: str) -> None:
  """Raise an InputError if no file of the folder can have a name."""
  if not name:
    raise InputError(f'{where} names no file; add it or remove the line.')
  if name[0] == '/' or '..' in Path(name).parts:
    raise InputError(
        f'{where}: {name} lies outside of the folder; name files in it.'
    )
