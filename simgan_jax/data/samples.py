"""A sample of a source, before and after it is read; why it may fail."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from PIL import Image


class Damaged(Exception):
  """A file that cannot be used, by name and reason; `on_error` decides."""


class LeftOut(Exception):
  """An image which a rule of its source leaves out, with the reason."""


class Sample(NamedTuple):
  """One image, cut to size, and the labels of its kind; NaN where unknown."""

  image: Image.Image
  gaze: Any = (np.nan,) * 3
  head_pose: Any = (np.nan,) * 2
  joints: Any = None
  intrinsics: Any = None


class Entry(NamedTuple):
  """A sample yet to be read, which may raise Damaged or LeftOut."""

  name: str
  subject: int
  read: Callable[[], Sample]
