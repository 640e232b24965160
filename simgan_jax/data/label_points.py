"""Points of images: the declared columns and keys, moved with the image."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from simgan_jax.data import label_values, pixel_labels, tables
from simgan_jax.data import labels as labels_lib
from simgan_jax.data.label_cells import LabelSet
from simgan_jax.data.pixel_labels import PixelLabels
from simgan_jax.data.targets import Targets
from simgan_jax.machine.errors import InputError

_MOST = 500  # points of an image; with more, they are no certain ones
_Named = tuple[str, Any, Any]  # name, x and y


def read(
    sets: Sequence[LabelSet], wanted: Sequence[str] = ()
) -> list[Targets | None]:
  """Return the points of every set, None if it has none.

  A point is found again by its name: of the columns nose_x and nose_y it is
  nose, of a list the name of the list and the place, of an object the key.

  Args:
    sets: Data sets of a run, the synthetic one among them.
    wanted: Columns in pairs, or keys; empty for those that a set declares, or
      else the synthetic one.

  Raises:
    InputError: If none are declared, or the sets have no point in common.
  """
  synthetic = next(found for found in sets if found.kind == 'synthetic')
  usual = tuple(wanted) or synthetic.source.pixel_labels.points
  found = []
  for own in sets:
    points = wanted or own.source.pixel_labels.points or usual
    found.append(_find(own, _declare(own, ','.join(points))))
  by_kind = {own.kind: points for own, points in zip(sets, found, strict=True)}
  learnt, tested = (
      dict.fromkeys(name for image in by_kind[kind] for name in image)
      for kind in ('synthetic', 'test')
  )
  names = tuple(name for name in learnt if name in tested)
  if not 0 < len(names) <= _MOST:
    few = [', '.join(list(x)[:20]) or 'none' for x in (learnt, tested)]
    raise InputError(
        f'{len(names):,} points are in both sets, not 1 to {_MOST}: the'
        f' synthetic images have {few[0]}, the test images {few[1]}; set'
        ' --task=points and --labels to columns or keys that both have.'
    )
  return [
      _place(own, points, names)
      for own, points in zip(sets, found, strict=True)
  ]


def _declare(found: LabelSet, points: str) -> PixelLabels:
  """Return which of the declared names are lists in the cells of a set."""
  values: dict[str, list[Any]] = {}
  for cells in found.cells:
    label_values.gather(cells, values)
  declared = pixel_labels.parse(points, '', values)
  numbers = [name for name in declared.points if name not in declared.lists]
  if not points or len(numbers) % 2:
    raise InputError(
        f'the points {points or "are not declared"!r} of {found.source}: set'
        ' --labels to x and y in turn, or to keys of lists, such as'
        ' nose_x,nose_y.'
    )
  return declared


def _find(
    found: LabelSet, declared: PixelLabels
) -> list[dict[str, tuple[float, float]]]:
  """Return the points of each image, in px of the original, by name."""
  images = []
  for cells, image in zip(found.cells, found.images.names, strict=False):
    points: dict[str, tuple[float, float]] = {}
    try:
      for name, x, y in _walk(cells, declared):
        known = not (labels_lib.is_unknown(x) or labels_lib.is_unknown(y))
        place = (labels_lib.read_number(v) if known else np.nan for v in (x, y))
        first, number = name, 1
        while name in points:
          number += 1
          name = f'{first} {number}'
        points[name] = next(place), next(place)
    except (TypeError, ValueError) as error:
      raise InputError(
          f'{found.source}: the points of {image}: {error}; write numbers, or'
          ' lists such as [x, y].'
      ) from error
    images.append(points)
  return images


def _walk(
    value: Any, declared: PixelLabels, within: str = ''
) -> Iterator[_Named]:
  """Yield the points in objects at any depth."""
  for item in value if isinstance(value, list) else ():
    yield from _walk(item, declared, within)
  if not isinstance(value, dict):
    return
  by_name = {tables.normalize(str(key)): item for key, item in value.items()}
  for names in declared.groups():
    if all(name in by_name for name in names):
      x, y = names
      name = _name_pair(x, y) or within or 'point'
      yield name, by_name[x], by_name[y]
  for name in declared.points:
    if name in declared.lists and name in by_name:
      yield from _walk_list(by_name[name], name)
  for key, item in by_name.items():
    if key not in declared.points:
      yield from _walk(item, declared, key)


def _walk_list(value: Any, name: str) -> Iterator[_Named]:
  """Yield the points in a list such as [x, y] or [[x, y], ...]."""
  named = dict(value) if isinstance(value, dict) else {}
  items = list(named.values()) if named else value
  if labels_lib.is_unknown(value) or not items:
    return
  if not isinstance(items, list):
    raise ValueError(f'{name} is {str(value)[:60]!r}, no list')
  keys = list(map(str, named)) or [f'{name} {i + 1}' for i in range(len(items))]
  if any(isinstance(item, (list, dict)) for item in items):
    for key, item in zip(keys, items, strict=True):
      yield from _walk_list(item, key)
  elif 2 <= len(items) <= 3:
    # In COCO's form [x, y, visible] an unlabelled point is all zeros.
    lacks = items == [0, 0, 0]
    yield name, None if lacks else items[0], None if lacks else items[1]
  else:
    raise ValueError(f'{name} is {str(value)[:60]}, not a list of 2 numbers')


def _name_pair(x: str, y: str) -> str:
  """Return what two columns such as nose_x and nose_y share."""
  return ''.join(a for a, b in zip(x, y, strict=False) if a == b).strip('_. ')


def _place(
    found: LabelSet,
    points: Sequence[Mapping[str, tuple[float, float]]],
    names: tuple[str, ...],
) -> Targets | None:
  """Return the points in px of the images that were cut from the originals."""
  transform = found.images.transform
  if not any(name in image for image in points for name in names):
    return None
  if transform is None:
    raise InputError(
        f'{found.source}: points of these images cannot be read, as it is not'
        ' known how they were cut; give the images as an image_folder.'
    )
  unknown = np.nan, np.nan
  values = np.array(
      [[image.get(name, unknown) for name in names] for image in points],
      np.float64,
  )
  moved = to_image(values, transform)
  moved[np.isnan(moved).any(axis=2)] = np.nan
  return Targets('points', moved, names)


def to_image(
    points: Float[np.ndarray, 'n k 2'], transform: Float[np.ndarray, 'n 4']
) -> Float[np.ndarray, 'n k 2']:
  """Return where points of originals are in the images cut from them.

  Args:
    points: (x, y) in px of the originals, [n, k, 2]. The upper left corner of
      the first pixel is (0, 0), its centre (0.5, 0.5).
    transform: Left and upper px of the cut, horizontal and vertical scale,
      [n, 4].

  Returns:
    (x, y) in px of the images, [n, k, 2] float32. The centre of the first pixel
    is (0, 0), half a pixel from its corner.
  """
  left_upper, scale = transform[:, None, :2], transform[:, None, 2:]
  return ((points - left_upper) * scale - 0.5).astype(np.float32)
