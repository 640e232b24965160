"""The record that every source returns."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int32, Shaped, UInt8

from simgan_jax.machine.errors import InputError


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
  # How many originals have 16-bit values, the least and the greatest of them.
  deep: Any = ()
  label_warning: Any = ''  # why some labels count as unknown

  @property
  def labels(self) -> np.ndarray | None:
    """What an estimator learns: joints where there are any, else gaze."""
    return self.gaze if self.joints is None else self.joints

  def check_labels(self, kind: str, remedy: str) -> None:
    """Check that what an estimator needs is there.

    Args:
      kind: 'test' or another, to say which images these are.
      remedy: What to do.

    Raises:
      InputError: If images have no labels.
    """
    labels = self.labels
    unknown = np.zeros(0, int)
    if labels is not None:
      rows = labels.reshape(len(labels), -1)
      unknown = np.flatnonzero(np.isnan(rows).any(axis=1))
      if not len(unknown):
        return
    number, first = 'the', ''
    if len(unknown):
      number = f'{len(unknown):,} of {len(self.images):,}'
      first = f', first {self.names[unknown[0]]}'
    why = f' ({self.label_warning})' if self.label_warning else ''
    raise InputError(
        f'{number} {kind} images have no labels{first}{why}: {remedy}.'
    )
