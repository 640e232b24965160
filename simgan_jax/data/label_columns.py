"""Choosing the columns that an estimator learns, and reading their cells."""

import enum
import math
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int32

from simgan_jax.data import labels as labels_lib
from simgan_jax.data import tables
from simgan_jax.data.label_cells import LabelSet
from simgan_jax.machine.errors import InputError

_MOST_CLASSES = 50  # of whole numbers; more are a quantity
_LEAST_IMAGES = 5  # of a whole number on average; fewer are a quantity
_LONGEST_NAME = 60  # letters of a class
# Columns that count the images if no two of these have the same number.
_COUNTERS = frozenset(
    """count frame i id idx image_id index key n no nr number row seed time
    timestamp unnamed:_0
    """.split()
)
SETTING = '--labels'  # of eval.py


class Kind(enum.Enum):
  """What the cells of a column are."""

  NAMES = 'names'
  FEW = 'few whole numbers'
  NUMBERS = 'numbers'
  TEXT = 'texts of single images'  # comments, identifiers, times
  OTHER = 'nothing to learn'  # empty, always the same, lists, or a count


_CLASSES = Kind.NAMES, Kind.FEW
_QUANTITIES = Kind.FEW, Kind.NUMBERS


class Chosen(NamedTuple):
  """What is learnt of the columns; empty if none is fit for it."""

  task: str = ''  # 'class' or 'regression'
  columns: tuple[str, ...] = ()


def split(names: str) -> tuple[str, ...]:
  """Return the columns that a setting such as 'width,height' names."""
  found = (tables.normalize(name) for name in names.split(','))
  return tuple(filter(None, found))


def choose(
    synthetic: LabelSet,
    test: LabelSet,
    *,
    task: str,
    wanted: Sequence[str],
    excluded: Collection[str],
) -> Chosen:
  """Return the task and the columns that both sets have.

  Args:
    synthetic: Images to learn from.
    test: Images to test on.
    task: 'class', 'regression', or 'auto' to decide.
    wanted: Columns to take; empty for those that can be learnt.
    excluded: Columns that have another meaning.

  Raises:
    InputError: If it cannot be decided, or a wanted column is missing.
  """
  shared = [x for x in synthetic.columns if x in test.columns]
  for column in wanted:
    for found in (synthetic, test):
      if column not in found.columns:
        raise InputError(
            f'{found.source}: the {found.kind} images have no label {column!r};'
            f' set {SETTING} to some of {", ".join(shared[:20]) or "none"}.'
        )
  kinds = {
      column: find_kind(
          column,
          synthetic.columns[column],
          test.columns[column],
          is_wanted=bool(wanted),
      )
      for column in wanted or shared
      if column not in excluded or wanted
  }
  for column in wanted:
    if kinds[column] == Kind.OTHER:
      raise InputError(
          f'the label {column!r} is unknown for all images of a set, or holds'
          f' lists; set {SETTING} to columns of names or numbers.'
      )
  if not wanted:
    fit = {'class': _CLASSES, 'regression': _QUANTITIES}.get(
        task, (*_CLASSES, Kind.NUMBERS)
    )
    some = {name: kind for name, kind in kinds.items() if kind != Kind.OTHER}
    kinds = {name: kind for name, kind in some.items() if kind in fit}
    if task != 'auto' and len(some) == 1:
      kinds = some  # what else may be meant
  columns = tuple(kinds)
  are_numbers = all(kind in _QUANTITIES for kind in kinds.values())
  if task == 'auto' and kinds:
    alone = len(kinds) == 1 and not {*kinds.values()}.isdisjoint(_CLASSES)
    task = 'class' if alone else 'regression' if are_numbers else 'auto'
  if not kinds:
    return Chosen()
  if task == 'auto' or (task == 'class' and len(kinds) > 1):
    found = ', '.join(f'{name} ({kind.value})' for name, kind in kinds.items())
    raise InputError(
        f'it is not certain what to estimate of the labels {found}; set'
        f' {SETTING} to one column of classes or to columns of numbers, or'
        ' --task.'
    )
  return Chosen(task, columns)


def find_kind(
    name: str,
    learnt: Sequence[Any],
    tested: Sequence[Any],
    *,
    is_wanted: bool = False,
) -> Kind:
  """Return what the cells of a column are.

  Args:
    name: Name of the column.
    learnt: Cells of the synthetic images.
    tested: Cells of the test images.
    is_wanted: Whether the user names the column; then it is to be learnt even
      if it is always the same, or counts the images.
  """
  is_unknown = labels_lib.choose_unknown([*learnt, *tested])
  own, others = (
      [x for x in cells if not is_unknown(x)] for cells in (learnt, tested)
  )
  if any(isinstance(x, (list, dict)) for x in own + others):
    return Kind.OTHER
  if not own or not others:
    return Kind.OTHER
  if len({str(x) for x in own}) == 1 and not is_wanted:
    return Kind.OTHER
  numbers = [labels_lib.to_number(x) for x in own]
  if None in numbers or any(labels_lib.to_number(x) is None for x in others):
    names = {str(x) for x in own}
    is_short = max(map(len, names)) <= _LONGEST_NAME
    if is_short and 2 * len(names) <= len(own):
      return Kind.NAMES
    # Reading the numbers reports the cell that is none.
    return Kind.NUMBERS if 2 * numbers.count(None) < len(own) else Kind.TEXT
  different = set(numbers)
  whole = all(float(x).is_integer() for x in different if x is not None)
  counts = name in _COUNTERS and len(different) == len(own)
  if counts and not is_wanted:
    return Kind.OTHER
  few = len(different) <= _MOST_CLASSES
  if whole and few and _LEAST_IMAGES * len(different) <= len(own):
    return Kind.FEW
  return Kind.NUMBERS


def canonicalize(columns: Sequence[Sequence[Any]]) -> list[list[str]]:
  """Return the names in columns so that the same ones are equal.

  If all known cells are numbers, 20, '20.0' and '020' are '20'. Otherwise all
  are text: '020' is not '20'. Unknown ones are ''.
  """
  is_unknown = labels_lib.choose_unknown(
      [x for cells in columns for x in cells]
  )
  known = [x for cells in columns for x in cells if not is_unknown(x)]
  numbers = {str(x): labels_lib.to_number(x) for x in known}
  if None in numbers.values():
    names = {text: text.strip() for text in numbers}
  else:
    names = {text: f'{number:.12g}' for text, number in numbers.items()}
  return [
      ['' if is_unknown(x) else names[str(x)] for x in cells]
      for cells in columns
  ]


def order_names(names: Collection[str]) -> tuple[str, ...]:
  """Return different names in order, numbers before others by their size."""

  def key(name: str) -> tuple[float, str]:
    number = labels_lib.to_number(name)
    return (math.inf if number is None else number), name

  return tuple(sorted(set(names), key=key))


def read_classes(
    sets: Sequence[LabelSet], column: str
) -> tuple[tuple[str, ...], list[Int32[np.ndarray, '_']]]:
  """Return the classes in a column of all sets, and those of the images.

  The classes of a set are [n] int32, places in the first result, -1 unknown.
  """
  cells = canonicalize(
      [x.columns.get(column, [None] * len(x.images.images)) for x in sets]
  )
  names = order_names([name for own in cells for name in own if name])
  places = {name: place for place, name in enumerate(names)} | {'': -1}
  return names, [
      np.array([places[name] for name in own], np.int32) for own in cells
  ]


def read_numbers(
    found: LabelSet, columns: Sequence[str]
) -> Float[np.ndarray, 'n k']:
  """Return the numbers in columns of a set, [n, k] float32, NaN unknown.

  Raises:
    InputError: If a cell holds something else.
  """
  values = np.full((len(found.images.images), len(columns)), np.nan, np.float32)
  for place, column in enumerate(columns):
    for i, cell in enumerate(found.columns.get(column, ())):
      if not labels_lib.is_unknown(cell):
        number = labels_lib.to_number(cell)
        if number is None:
          raise InputError(
              f'{found.source}: {column} of {found.images.names[i]} is'
              f' {str(cell)[:60]!r}, no number; correct it, or set {SETTING} to'
              ' other columns.'
          )
        values[i, place] = number
  return values
