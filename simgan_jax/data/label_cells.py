"""All labels of images as cells: what a row of a table or a JSON file says.

Whatever an estimator is to learn is read from here, so a source of its own
kind need only yield the cells that a row of labels.csv would have.
"""

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simgan_jax.data import labels as labels_lib
from simgan_jax.data import tables
from simgan_jax.data.label_tables import LabelTable
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.source import Source
from simgan_jax.machine.errors import InputError

Cells = Mapping[str, Any]  # values by column or key, as `tables.normalize` says


@dataclasses.dataclass(frozen=True)
class LabelSet:
  """A data set of a run, with the cells of each of its images."""

  kind: str  # for messages: 'synthetic', 'real' or 'test'
  source: Source
  images: LabelledImages
  cells: Sequence[Cells]

  @functools.cached_property
  def columns(self) -> Mapping[str, list[Any]]:
    """The values of every column, one an image; None where there is none."""
    names = dict.fromkeys(name for cells in self.cells for name in cells)
    return {name: [x.get(name) for x in self.cells] for name in names if name}


def open_set(kind: str, source: Source, images: LabelledImages) -> LabelSet:
  """Return a loaded data set with the cells of its images.

  Args:
    kind: What messages call the set, such as 'test'.
    source: Source that the images were loaded from.
    images: Images of the source. Targets that they have already, of classes or
      of numbers, are read like columns.
  """
  given = images.targets
  if given is None:
    found = source.read_cells()
    return LabelSet(
        kind, source, images, [found.get(str(x), {}) for x in images.names]
    )
  cells: list[Cells] = []
  if given.task == 'class':
    values = given.values.tolist()
    cells = [{'value': given.names[x] if x >= 0 else None} for x in values]
  elif given.task == 'regression':
    rows = given.values.tolist()
    cells = [dict(zip(given.names, row, strict=True)) for row in rows]
  return LabelSet(kind, source, images, cells)


def pair_json(
    path: Path, companions: Mapping[str, Sequence[str]]
) -> Mapping[str, Path]:
  """Return the JSON files by the image that they are named after.

  Args:
    path: Folder of the images.
    companions: Files beside each image, by its name.

  Raises:
    InputError: If an image has two.
  """
  found: dict[str, str] = {}
  for picture, beside in companions.items():
    for name in beside:
      stem, ending = os.path.splitext(name)
      # 0.png.json, 0.json
      of_picture = stem in (picture, os.path.splitext(picture)[0])
      if ending.lower() == '.json' and of_picture:
        if picture in found:
          raise InputError(
              f'{path}: both {found[picture]} and {name} may hold the labels of'
              f' {picture}; remove one.'
          )
        found[picture] = name
  return {picture: path / name for picture, name in found.items()}


def read(
    found: Sequence[LabelTable], json_files: Mapping[str, Path]
) -> dict[str, dict[str, Any]]:
  """Return the cells of images by name, tables before JSON files.

  A cell that differs between the rows of an image is unknown.

  Args:
    found: Tables with the images of their rows.
    json_files: Result of `pair_json`.
  """
  cells: dict[str, dict[str, Any]] = {}
  for table in found:
    for row in table.table.rows:
      image = table.find_image(row)
      own = cells.setdefault(image, {})
      for column, value in row.cells.items():
        if column != table.table.file_column:
          same = own.setdefault(column, value) == value
          own[column] = value if same else None
  for picture, file in json_files.items():
    try:
      content = labels_lib.read_json(file)
    except (OSError, RecursionError, ValueError):
      continue  # reading the image reports it
    if isinstance(content, dict):
      by_key = {tables.normalize(key): x for key, x in content.items()}
      cells[picture] = by_key | cells.get(picture, {})
  return cells
