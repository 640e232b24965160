"""The points and boxes of images, at their places after the cut."""

import collections
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from simgan_jax.data import labels as labels_lib
from simgan_jax.data import pixel_labels, tables
from simgan_jax.data.entries import Entry
from simgan_jax.data.pixel_labels import PixelLabels, Transform
from simgan_jax.data.source import Source


class Marks(NamedTuple):
  """Points and boxes in pixels of the cut image; they may lie outside."""

  points: list[list[float]] = []  # x, y
  boxes: list[list[float]] = []  # x, y, width, height


def make_finder(source: Source) -> Callable[[Entry, Transform | None], Marks]:
  """Return a function that finds the declared points and boxes of an image.

  It raises an InputError if declared columns or keys hold something else.
  """
  declared = source.pixel_labels
  rows = collections.defaultdict(list)
  for table in source.label_tables:
    for row in table.table.rows:
      where = f'{table.path}, line {row.line}'
      rows[table.find_image(row)].append((row.cells, where))

  def find(entry: Entry, transform: Transform | None) -> Marks:
    marks = Marks([], [])
    if not declared.names or not transform or not entry.file:
      return marks
    if entry.label_file:
      content = labels_lib.read_json(entry.label_file)
      where = str(entry.label_file)
      _collect(
          declared,
          pixel_labels.move_values(declared, content, transform, where),
          marks,
      )
    image = entry.file.relative_to(source.path).as_posix()
    for cells, where in rows.get(image, ()):
      moved = pixel_labels.move_cells(declared, cells, transform, where)
      _collect(declared, {**cells, **moved}, marks)
    return marks

  return find


def _collect(declared: PixelLabels, value: Any, marks: Marks) -> None:
  """Add the points and boxes of all objects in a value."""
  for item in value if isinstance(value, list) else ():
    _collect(declared, item, marks)
  if not isinstance(value, dict):
    return
  by_name = {tables.normalize(str(key)): item for key, item in value.items()}
  for names in (*declared.groups(), *((name,) for name in declared.lists)):
    found = [by_name.get(name) for name in names]
    is_box = names[0] in declared.boxes
    into = marks.boxes if is_box else marks.points
    for numbers in _find_leaves(found):
      if not any(map(labels_lib.is_unknown, numbers)):
        numbers = numbers[: 4 if is_box else 2]
        into.append([labels_lib.read_number(number) for number in numbers])
  for item in value.values():
    _collect(declared, item, marks)


def _find_leaves(value: Any) -> Iterator[list[Any]]:
  """Yield the lists that hold no further lists."""
  items = list(value.values()) if isinstance(value, dict) else value
  if not isinstance(items, list):
    return
  if any(isinstance(item, (dict, list)) for item in items):
    for item in items:
      yield from _find_leaves(item)
  elif items:
    yield items
