"""Understanding labels that people write: cells of tables, values of JSON."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simgan_jax.data import gaze_angles, tables
from simgan_jax.machine.errors import InputError

_VECTOR = 'gaze_x', 'gaze_y', 'gaze_z'
_RADIANS = 'yaw', 'pitch'
_DEGREES = 'yaw_deg', 'pitch_deg'
COLUMNS = (*_VECTOR, *_RADIANS, *_DEGREES, 'subject')
UNDERSTOOD = (
    'gaze_x, gaze_y, gaze_z, or yaw, pitch in radians, or yaw_deg, pitch_deg'
)
_UNKNOWN = frozenset(('', 'nan', 'na', 'n/a', '<na>', 'none', 'null', '-', '?'))
_DECIMAL_COMMA = re.compile(r'[+-]?\d*,\d+(?:[eE][+-]?\d+)?')
_LARGEST = 1e38  # number in float32, roughly
_MOST_SUBJECTS = 2**31


class Labels(NamedTuple):
  """What is understood of an image's labels."""

  subject: int = 0  # 0 means unknown
  gaze: Any = (np.nan,) * 3  # NaN means unknown
  unusable: str = ''  # why a label counts as unknown


def read_json(file: Path) -> Any:
  """Return what is in a JSON file; raise OSError, ValueError or others."""
  return json.loads(tables.decode(file.read_bytes()).text)


def understand(cells: Mapping[str, Any], where: str) -> Labels:
  """Return the labels of an image; those that cannot be used are unknown.

  Args:
    cells: Values by column or key, as `tables.normalize` writes it.
    where: Place of the labels, for messages.

  Raises:
    InputError: If angles are too large for radians.
  """
  found: dict[str, Any] = {}
  for name, read in (('subject', _read_subject), ('gaze', _read_gaze)):
    try:
      found[name] = read(cells)
    except _DegreesError as error:
      raise InputError(
          f'{where}: {error} cannot be in radians; if they are degrees, name'
          ' them yaw_deg and pitch_deg.'
      ) from error
    # The cell may hold anything.
    except (OverflowError, RecursionError, TypeError, ValueError) as error:
      found['unusable'] = f'{where}: {name}: {error}'
  return Labels(**found)


def merge(found: Sequence[Labels], where: str) -> Labels:
  """Return the labels of an image with several rows.

  Labels that differ between rows are unknown.
  """
  merged = found[0]
  for labels in found[1:]:
    if merged.subject != labels.subject:
      name, unknown = 'subject', merged._replace(subject=0)
    elif not np.array_equal(merged.gaze, labels.gaze, equal_nan=True):
      name, unknown = 'gaze', merged._replace(gaze=Labels().gaze)
    else:
      continue
    why = f'{where}: {name}: it differs between rows of this image'
    merged = unknown._replace(unusable=why)
  return merged


def is_unknown(value: Any) -> bool:
  """Return whether a cell says that the value is not known."""
  if isinstance(value, float):
    return bool(np.isnan(value))
  return value is None or (
      isinstance(value, str) and value.strip().lower() in _UNKNOWN
  )


def has_decimal_comma(value: Any) -> bool:
  """Return whether a cell is a number with a decimal comma."""
  return isinstance(value, str) and bool(
      _DECIMAL_COMMA.fullmatch(value.strip())
  )


def read_number(value: Any) -> float:
  """Return the number in a cell, or raise TypeError or ValueError."""
  if isinstance(value, bool):
    raise TypeError(f'{value} is no number')
  text = value.replace(',', '.') if has_decimal_comma(value) else value
  try:
    return float(text)
  except OverflowError as error:  # a whole number of JSON may have any size
    raise ValueError(str(error)) from error


def choose_unknown(cells: Sequence[Any]) -> Callable[[Any], bool]:
  """Return what tells unknown cells; `none` is a name among other names."""
  has_names = any(not is_unknown(x) and to_number(x) is None for x in cells)

  def find(cell: Any) -> bool:
    is_none = isinstance(cell, str) and cell.strip().lower() == 'none'
    return is_unknown(cell) and not (has_names and is_none)

  return find


def to_number(cell: Any) -> float | None:
  """Return the number in a cell, None if there is none that float32 holds."""
  try:
    number = read_number(cell)
  except (TypeError, ValueError):
    return None
  return number if abs(number) < _LARGEST else None


class _DegreesError(Exception):
  """Angles are too large for radians; the text gives them."""


def _read_subject(cells: Mapping[str, Any]) -> int:
  """Return the number of the person, 0 when unknown or a name."""
  value = cells.get('subject')
  if is_unknown(value):
    return 0
  if isinstance(value, str):
    try:
      read_number(value)
    except ValueError:
      return 0  # a name, which `label_groups` reads
  number = int(value if isinstance(value, int) else read_number(value))
  if number != read_number(value):
    raise ValueError(f'{value} is no whole number')
  if not 0 <= number < _MOST_SUBJECTS:
    raise ValueError(f'{number} is not between 0 and {_MOST_SUBJECTS - 1}')
  return number


def _read_gaze(cells: Mapping[str, Any]) -> np.ndarray:
  """Return the gaze as a unit vector [3], NaN when unknown."""
  vectors = []
  for columns in (_VECTOR, _RADIANS, _DEGREES):
    if set(columns).isdisjoint(cells):
      continue
    missing = [column for column in columns if column not in cells]
    if missing:
      raise ValueError(f'no {" and no ".join(missing)} of {", ".join(columns)}')
    values = [cells[column] for column in columns]
    if not all(map(is_unknown, values)):
      vectors.append(_make_vector(columns, [read_number(v) for v in values]))
  if not vectors:
    return np.full(3, np.nan)
  if not np.allclose(vectors, vectors[0], atol=0.01):
    raise ValueError(f'{UNDERSTOOD.replace(" or", "")} contradict each other')
  return vectors[0]


def _make_vector(columns: Sequence[str], numbers: list[float]) -> np.ndarray:
  vector = np.array(numbers)
  if len(numbers) == 2 and np.isfinite(vector).all():
    radians = np.radians(vector) if columns == _DEGREES else vector
    # Rounded half turns are a little more than pi.
    if abs(radians[0]) > np.pi + 1e-3 or abs(radians[1]) > np.pi / 2 + 1e-3:
      if columns == _RADIANS:
        raise _DegreesError(f'yaw {numbers[0]:g} and pitch {numbers[1]:g}')
      raise ValueError(f'{numbers} are no yaw and pitch in degrees')
    vector = gaze_angles.vector_from_angles(*radians)
  length = np.linalg.norm(vector)
  if not 0 < length < np.inf:
    raise ValueError(f'{numbers} is no direction')
  return vector / length
