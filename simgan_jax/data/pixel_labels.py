"""Labels in pixels: points and boxes that move with their image.

An image is cut to a box and resized; the point (x, y) of the original is then
at ((x - left) * width / box_width, (y - upper) * height / box_height). Points
may lie outside of the new image.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from simgan_jax.data import labels as labels_lib
from simgan_jax.data import tables
from simgan_jax.machine.errors import InputError

# Names of columns and keys that usually hold pixels.
_PIXEL_NAME = re.compile(
    r'(?:[xyuvwh]|c[xy]|[xy](?:_?(?:min|max|\d+|px|pix\w*|cent\w*|left|top))'
    r'|\w+[_.][xyuv]\d*|[xyuv]_\w+|left|top|right|bottom|width|height'
    r'|(?:b|bounding_?)?box\w*|key_?points?\w*|landmarks?\w*|points?\w*|cuboid\w*'
    r'|\w+_(?:bbox|keypoints|cuboid|px|2d))'
)


class Transform(NamedTuple):
  """How an image was cut and resized."""

  left: float  # px of the original, as is upper
  upper: float
  x_scale: float  # new pixels for one of the original
  y_scale: float

  def move(self, values: Sequence[Any], *, is_box: bool) -> list[float]:
    """Return x, y of a point, or x, y, width, height of a box, in new pixels.

    Further values stay.
    """
    scales = (self.x_scale, self.y_scale) * (2 if is_box else 1)
    origins = self.left, self.upper, 0, 0
    moved = [
        round((labels_lib.read_number(value) - origin) * scale, 6)
        for value, origin, scale in zip(values, origins, scales, strict=False)
    ]
    return [*moved, *values[len(moved) :]]


class PixelLabels(NamedTuple):
  """The columns or keys that hold points and boxes."""

  points: tuple[str, ...] = ()  # names of x and y in turn, or of lists
  boxes: tuple[str, ...] = ()  # names of x, y, width and height, or of lists
  lists: frozenset[str] = frozenset()  # those that hold lists, in JSON

  @property
  def names(self) -> tuple[str, ...]:
    """All declared names."""
    return self.points + self.boxes

  def groups(self) -> list[tuple[str, ...]]:
    """Return the names of numbers in pairs and fours."""
    groups = []
    for names, size in ((self.points, 2), (self.boxes, 4)):
      numbers = [name for name in names if name not in self.lists]
      starts = range(0, len(numbers), size)
      groups += [tuple(numbers[start : start + size]) for start in starts]
    return groups


def parse(
    points: str, boxes: str, values: Mapping[str, Sequence[Any]]
) -> PixelLabels:
  """Return the labels that the settings declare, such as 'x,y'.

  `values` are some values of each column or key.
  """
  first, second = (
      tuple(tables.normalize(x) for x in text.split(',') if x.strip())
      for text in (points, boxes)
  )
  lists = (
      name
      for name in first + second
      if any(isinstance(value, (dict, list)) for value in values.get(name, ()))
  )
  return PixelLabels(first, second, frozenset(lists))


def check_columns(
    declared: PixelLabels, columns: Sequence[str], where: str
) -> None:
  """Raise an InputError if a table lacks a column, or a group is not whole."""
  for group, size in ((declared.points, 2), (declared.boxes, 4)):
    if len(group) % size:
      what = 'x, y pairs' if size == 2 else 'x, y, width, height in turn'
      raise InputError(
          f'{where}: the columns {", ".join(group)} are not {what}; set points'
          ' and boxes so.'
      )
  if twice := [name for name in declared.names if columns.count(name) > 1]:
    raise InputError(f'{where}: the column {twice[0]!r} is there twice.')
  if missing := [name for name in declared.names if name not in columns]:
    raise InputError(
        f'{where}: there is no column {missing[0]!r}, which points or boxes'
        f' names; the columns are {", ".join(columns)}.'
    )


def move_cells(
    declared: PixelLabels,
    cells: Mapping[str, str],
    transform: Transform,
    where: str,
) -> dict[str, str]:
  """Return the cells of a table's row that change.

  Cells with decimal commas keep them. A group of empty cells stays.

  Raises:
    InputError: If a cell holds no number.
  """
  moved: dict[str, str] = {}
  for names in declared.groups():
    old = [cells[name] for name in names]
    if all(map(labels_lib.is_unknown, old)):
      continue
    try:
      new = transform.move(old, is_box=len(names) == 4)
    except (TypeError, ValueError) as error:
      raise InputError(
          f'{where}: {", ".join(names)}: {error}; correct it, or do not declare'
          ' these columns as points or boxes.'
      ) from error
    for name, value, text in zip(names, new, old, strict=True):
      number = f'{value:.6f}'.rstrip('0').rstrip('.')
      if labels_lib.has_decimal_comma(text):
        number = number.replace('.', ',')
      if value != labels_lib.read_number(text):
        moved[name] = number
  return moved


def move_values(
    declared: PixelLabels, value: Any, transform: Transform, where: str
) -> Any:
  """Return what a JSON file holds with its points and boxes moved.

  They are found in objects at any depth: numbers under the declared names, or
  lists such as [x, y] or [[x, y], ...] under one name.

  Raises:
    InputError: If a name holds something else.
  """

  def walk(value: Any) -> Any:
    if isinstance(value, list):
      return [walk(item) for item in value]
    if not isinstance(value, dict):
      return value
    keys = {tables.normalize(key): key for key in value}
    result = {key: walk(item) for key, item in value.items()}
    for name in declared.lists.intersection(keys):
      key = keys[name]
      if not labels_lib.is_unknown(value[key]):
        is_box = name in declared.boxes
        result[key] = move_list(value[key], is_box=is_box)
    for group in declared.groups():
      found = [keys[name] for name in group if name in keys]
      numbers = [value[key] for key in found]
      if not all(map(labels_lib.is_unknown, numbers)):
        size = 4 if group[0] in declared.boxes else 2
        if len(found) < size:
          raise ValueError(f'{", ".join(found)} without others: {size} belong')
        moved = transform.move(numbers, is_box=size == 4)
        result |= dict(zip(found, moved, strict=True))
    return result

  def move_list(value: Any, *, is_box: bool) -> Any:
    if isinstance(value, dict):
      return {
          key: move_list(item, is_box=is_box) for key, item in value.items()
      }
    if not isinstance(value, list):
      raise ValueError(f'{value!r} is no list')
    if any(isinstance(item, (list, dict)) for item in value):
      return [move_list(item, is_box=is_box) for item in value]
    size = 4 if is_box else 2
    # [x, y, visible] is certain, [x, y, x, y] is not.
    if value and not size <= len(value) <= size + 1:
      raise ValueError(f'{value} is not a list of {size} numbers')
    return transform.move(value, is_box=is_box) if value else value

  try:
    return walk(value)
  except (AttributeError, RecursionError, TypeError, ValueError) as error:
    raise InputError(
        f'{where}: {error}; write points as [x, y] and boxes as [x, y, width,'
        ' height], each in a list of its own.'
    ) from error


def look_like_pixels(
    names: Mapping[str, Sequence[Any]], declared: PixelLabels, size: int
) -> list[str]:
  """Return undeclared names whose values look like pixels of an image.

  Args:
    names: Some values of each column or key.
    declared: Names that are known to hold points and boxes.
    size: Larger side of the original images in pixels.
  """

  def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
      value = list(value.values())
    if isinstance(value, list):
      return [number for item in value for number in numbers(item)]
    try:
      return (
          []
          if labels_lib.is_unknown(value)
          else [labels_lib.read_number(value)]
      )
    except (TypeError, ValueError):
      return [float('inf')]

  suspects = []
  for name, values in names.items():
    found = [number for value in values for number in numbers(value)]
    if (
        name not in declared.names
        and name not in labels_lib.COLUMNS
        and _PIXEL_NAME.fullmatch(name)
        and found
        and 1 < max(found) <= 1.5 * size
    ):
      suspects.append(name)
  return suspects
