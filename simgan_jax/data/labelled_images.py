"""The record that every source returns."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int32, Shaped, UInt8


class LabelledImages(NamedTuple):
  """Images of one source, with what is known about them."""

  images: UInt8[np.ndarray, 'n h w c']  # 0..255
  gaze: Float[np.ndarray, 'n 3'] | None  # unit vectors; None when unlabelled
  head_pose: Float[np.ndarray, 'n 2'] | None  # yaw, pitch [rad], or None
  subjects: Int32[np.ndarray, 'n']  # 0 when unknown
  names: Shaped[np.ndarray, 'n']  # str, unique: file or number in the source
  left_out: tuple[str, ...]  # 'name: reason' of every image left out
  source: str = ''  # name of the source
