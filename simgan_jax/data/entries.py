"""One image of a source: before it is read, after it, and why it may fail."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt

from simgan_jax.data.pixel_labels import Transform


class Damaged(Exception):
  """A file cannot be used; the text names it and the reason."""


class LeftOut(Exception):
  """A rule of the source leaves this image out; the text is the reason."""


class Sample(NamedTuple):
  """One image, cut to size, and the labels of its kind; NaN where unknown."""

  image: UInt[np.ndarray, 'h w c']  # uint8 or uint16, grey or RGB
  gaze: Any = (np.nan,) * 3
  head_pose: Any = (np.nan,) * 2
  joints: Any = None
  intrinsics: Any = None
  size: str = ''  # such as '640 x 480', before the cut
  channels: int = 0  # of the original; 0 means unknown
  levels: tuple[int, int] | None = None  # range of 16-bit values before the cut
  notes: tuple[str, ...] = ()  # what was decided about the image
  transform: Transform | None = None  # from the original's pixels to these


class Entry(NamedTuple):
  """An image yet to be read; reading may raise Damaged or LeftOut."""

  name: str
  subject: int
  read: Callable[[], Sample]
  label_file: Path | None = None  # holds the labels of this image alone
  file: Path | None = None  # holds the image


def printable(name: str) -> str:
  r"""Return a file's name with bytes that are not UTF-8 written as \xNN."""
  return os.fsencode(name).decode(errors='backslashreplace')
