"""The JSON of labels that UnityEyes writes beside each image.

Every number stands in a text such as "(0.2, -0.3, -0.93, 0.0)". Computers that
are set to other languages write commas for decimal points.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.data import gaze_angles
from simgan_jax.data import labels as labels_lib
from simgan_jax.data.entries import Damaged

_INTEGER = r'[-+]?(?:0|[1-9]\d*)'
_DECIMALS = r'\d+(?:[eE][-+]?\d+)?'
_NOT_FINITE = r'nan|[-+]?inf(?:inity)?'
# By the decimal mark.
_NUMBERS = {
    '.': re.compile(
        rf'[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|{_NOT_FINITE}', re.IGNORECASE
    ),
    ',': re.compile(
        rf'[-+]?\d+(?:,\d+)?(?:e[-+]?\d+)?|{_NOT_FINITE}', re.IGNORECASE
    ),
}
_SEPARATORS = {
    '.': (r'\s*;\s*', r'\s*,\s*', r'\s+'),
    ',': (r'\s*;\s*', r'\s*,\s+', r'\s+'),
}
_LARGEST = 1e9
# How many numbers there are, the usual count first.
_LOOK_VEC, _HEAD_POSE, _POINT = (4, 3), (3,), (3, 2)


class Labels(NamedTuple):
  """The labels of an image, in this project's conventions."""

  gaze: Float[np.ndarray, '3']  # unit vector
  head_pose: Float[np.ndarray, '2']  # yaw, pitch [rad]
  eye: Float[np.ndarray, '_ 2']  # points of lids and caruncle, (x, y up) [px]
  # Points on the edge of the iris, (x, y up) [px] and depth, NaN if unknown.
  iris: Float[np.ndarray, '_ 3'] = np.empty((0, 3))


def read(file: Path, *, needs_iris: bool = False) -> Labels:
  """Return the labels of a JSON file.

  Args:
    file: JSON file in UTF-8, UTF-16 or Latin-1.
    needs_iris: Whether a file without the edge of the iris is damaged.

  Raises:
    Damaged: If the file is missing, lacks a label or has one that is not
      understood for certain.
  """
  try:
    labels = labels_lib.read_json(file)
    labels = labels | _of_the_camera(labels)
    details = labels['eye_details']
    look_vec = _numbers('look_vec', details['look_vec'], _LOOK_VEC)
    if np.linalg.norm(look_vec[:3]) < 1 / _LARGEST:
      raise ValueError(f'look_vec is {look_vec.tolist()}, no direction')
    head_pose = _numbers('head_pose', labels['head_pose'], _HEAD_POSE)
    margin = _points(labels, 'interior_margin_2d')
    return Labels(
        gaze=gaze_angles.unityeyes_gaze(look_vec[:3]),
        head_pose=gaze_angles.unityeyes_head_pose(head_pose),
        eye=_check_eye(np.array(margin + _points(labels, 'caruncle_2d'))),
        iris=_read_iris(labels, needed=needs_iris),
    )
  except FileNotFoundError:
    raise Damaged(f'{file}: the file is missing') from None
  except OSError as error:
    raise Damaged(f'{file}: cannot be read ({error.strerror})') from error
  except KeyError as error:
    raise Damaged(f'{file}: has no {error.args[0]}') from error
  except (AttributeError, RecursionError, TypeError, ValueError) as error:
    raise Damaged(
        f'{file}: is not the JSON UnityEyes writes ({error})'
    ) from error


def _of_the_camera(labels: Any) -> dict[str, Any]:
  """Return the labels of the only camera of UnityEyes 2, if it wrote them."""
  cameras = labels.get('cameras', {})
  if len(cameras) > 1:
    raise ValueError(
        f'its look_vec is that of one of the cameras {", ".join(cameras)};'
        ' write a JSON as UnityEyes does for each camera'
    )
  return next(iter(cameras.values()), {})


def _points(labels: Any, field: str) -> list[Float[np.ndarray, '2']]:
  """Return the points of a field as (x, y up)."""
  return [_numbers(field, text, _POINT)[:2] for text in labels[field]]


def _check_eye(points: np.ndarray) -> Float[np.ndarray, '_ 2']:
  if not (points.size and np.ptp(points, axis=0)[0]):
    raise ValueError('the landmarks of the eye have no width')
  return points


def _read_iris(labels: Any, *, needed: bool) -> Float[np.ndarray, '_ 3']:
  try:
    found = np.full((len(labels['iris_2d']), 3), np.nan)
    if not found.size:
      raise ValueError('iris_2d is empty')
    for row, text in zip(found, labels['iris_2d'], strict=True):
      numbers = _numbers('iris_2d', text, _POINT)
      row[: len(numbers)] = numbers
    return found
  except (AttributeError, KeyError, TypeError, ValueError):
    if needed:
      raise
    return np.empty((0, 3))


def _numbers(
    field: str, text: str, counts: Sequence[int]
) -> Float[np.ndarray, '_']:
  """Return the numbers in the text of a field.

  Args:
    field: Name of the field, for the message.
    text: Numbers with decimal points or commas, separated by commas, semicolons
      or blanks, in brackets or not.
    counts: How many numbers there may be, the usual count first.

  Raises:
    ValueError: If there is no reading or no certain one, or if a number is not
      finite or too large.
  """
  inner = text.strip(' \t\r\n()[]{}<>').replace('\N{MINUS SIGN}', '-')
  found = _split(inner, counts) or _pair(field, inner.split(','), counts)
  if not found:
    count = ' or '.join(map(str, counts))
    raise ValueError(f'{field} is {text[:80]!r}, not certainly {count} numbers')
  if not np.isfinite(found).all():
    raise ValueError(f'{field} is {text[:80]!r}, not finite')
  if np.abs(found).max() > _LARGEST:
    raise ValueError(f'{field} is {text[:80]!r}, too large')
  return np.array(found)


def _split(inner: str, counts: Sequence[int]) -> list[float]:
  """Return numbers whose separator is not their decimal mark, or nothing."""
  mark = '.' if '.' in inner else ','
  for separator in _SEPARATORS[mark]:
    parts = re.split(separator, inner)
    if len(parts) in counts and all(map(_NUMBERS[mark].fullmatch, parts)):
      return [float(part.replace(',', '.')) for part in parts]
  return []


def _pair(
    field: str, groups: list[str], counts: Sequence[int]
) -> Sequence[float]:
  """Return the numbers of groups of digits between bare commas.

  In "0,2,-0,3,-0,93,0,0" commas separate numbers and mark decimals. The
  expected count tells which; a look_vec also has about the length 1.
  """
  for count in counts if field == 'look_vec' else counts[:1]:
    found = set(_list_pairings(groups, count))
    if field == 'look_vec':
      found = {one for one in found if abs(np.linalg.norm(one[:3]) - 1) < 0.1}
    if found:
      return found.pop() if len(found) == 1 else ()
  return ()


def _list_pairings(
    groups: Sequence[str], count: int
) -> Iterator[tuple[float, ...]]:
  """Yield every reading of groups of digits as that many numbers."""
  if not groups and not count:
    yield ()
  if not count <= len(groups) <= 2 * count or not groups:
    return
  first, *rest = groups
  if re.fullmatch(_INTEGER, first):
    for others in _list_pairings(rest, count - 1):
      yield float(first), *others
    if rest and re.fullmatch(_DECIMALS, rest[0]):
      for others in _list_pairings(rest[1:], count - 1):
        yield float(f'{first}.{rest[0]}'), *others
