"""A sample of a source, before and after it is read; why it may fail."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt

from simgan_jax.machine.errors import InputError


class Damaged(Exception):
  """A file that cannot be used, by name and reason; `on_error` decides."""


class LeftOut(Exception):
  """An image which a rule of its source leaves out, with the reason."""


class Sample(NamedTuple):
  """One image, cut to size, and the labels of its kind; NaN where unknown."""

  image: UInt[np.ndarray, 'h w c']  # uint8 or uint16, grey or RGB
  gaze: Any = (np.nan,) * 3
  head_pose: Any = (np.nan,) * 2
  joints: Any = None
  intrinsics: Any = None
  size: tuple[int, int] | None = None  # width and height before the cut [px]
  levels: tuple[int, int] | None = None  # the same of 16-bit values: the range


class Entry(NamedTuple):
  """A sample yet to be read, which may raise Damaged or LeftOut."""

  name: str
  subject: int
  read: Callable[[], Sample]
  label_file: Path | None = None  # with the labels of this image alone


def printable(name: str) -> str:
  r"""Returns a name with what is no UTF-8 in it as \xNN."""
  return os.fsencode(name).decode(errors='backslashreplace')


def read_entry(entry: Entry, *, on_error: str) -> Sample | str:
  """Returns the sample of an entry or, left out, the reason.

  Raises:
    InputError: At a damaged file, if `on_error` is 'stop' and not 'skip'.
  """
  try:
    name = printable(entry.name)
    if name != entry.name:
      raise Damaged(f'{name}: the name of the file is not UTF-8')
    return entry.read()
  except LeftOut as rule:
    return str(rule)
  except Damaged as damage:
    if on_error == 'stop':
      raise InputError(
          f'{damage}; repair or remove it, or set on_error=skip.'
      ) from damage
    return str(damage)


def read_entries(
    entries: Iterable[Entry], *, on_error: str
) -> Iterator[tuple[Entry, Sample | str]]:
  """Yields each entry with what `read_entry` returns, and raises as it does."""
  for entry in entries:
    yield entry, read_entry(entry, on_error=on_error)
