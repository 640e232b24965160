"""The record that every source returns."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int32, Shaped, UInt8


class LabelledImages(NamedTuple):
  """Images of one source, with what is known about them.

  Eyes have gaze and head pose, hands have joints and the camera of the image.
  Pixel (0, 0) has its centre at u = v = 0.
  """

  images: UInt8[np.ndarray, 'n h w c']  # 0..255
  gaze: Float[np.ndarray, 'n 3'] | None  # unit vectors; None when unlabelled
  head_pose: Float[np.ndarray, 'n 2'] | None  # yaw, pitch [rad], or None
  subjects: Int32[np.ndarray, 'n']  # 0 when unknown
  names: Shaped[np.ndarray, 'n']  # str, unique: file or number in the source
  left_out: tuple[str, ...]  # 'name: reason' of every image left out
  source: str = ''  # name of the source
  # (u px, v px, distance from the camera's plane mm) of joints, in the image
  joints: Float[np.ndarray, 'n k 3'] | None = None
  # (fx, fy, cx, cy) px: x = (u - cx) * distance / fx is right of the camera
  intrinsics: Float[np.ndarray, 'n 4'] | None = None
  sizes: Any = None  # how many originals are 'width x height', by that

  @property
  def labels(self) -> np.ndarray | None:
    """What an estimator learns: joints where there are any, else gaze."""
    return self.gaze if self.joints is None else self.joints
