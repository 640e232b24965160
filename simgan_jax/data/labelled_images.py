"""The record that every source is loaded into."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int32, Shaped, UInt8

from simgan_jax.machine.errors import InputError


class ImportReport(NamedTuple):
  """What was noticed while the files of a data set were read."""

  left_out: tuple[str, ...] = ()  # 'name: reason' of every image left out
  sizes: Mapping[str, int] = {}  # number of originals by 'width x height'
  # Number of 16-bit originals, their least and their greatest value; or empty.
  sixteen_bit: tuple[int, ...] = ()
  label_warning: str = ''  # why some labels count as unknown
  notes: tuple[str, ...] = ()  # what was decided, of how many images


class LabelledImages(NamedTuple):
  """Images of one source, with what is known about them.

  Eyes have gaze and head pose, hands have joints and the camera of the image;
  None when unlabelled. Pixel (0, 0) has its centre at u = v = 0.
  """

  images: UInt8[np.ndarray, 'n h w c']  # 0..255
  subjects: Int32[np.ndarray, 'n']  # 0 when unknown
  names: Shaped[np.ndarray, 'n']  # str, unique: file or number in the source
  source: str = ''  # name of the source
  gaze: Float[np.ndarray, 'n 3'] | None = None  # unit vectors
  head_pose: Float[np.ndarray, 'n 2'] | None = None  # yaw, pitch [rad]
  # (u px, v px, distance from the camera's plane mm) of joints, in the image
  joints: Float[np.ndarray, 'n k 3'] | None = None
  # (fx, fy, cx, cy) px: x = (u - cx) * distance / fx is right of the camera
  intrinsics: Float[np.ndarray, 'n 4'] | None = None
  report: ImportReport = ImportReport()

  @property
  def labels(self) -> np.ndarray | None:
    """What an estimator learns: joints where there are any, else gaze."""
    return self.gaze if self.joints is None else self.joints

  def check_labels(self, kind: str, remedy: str) -> None:
    """Raise an InputError if an image lacks the labels for an estimator.

    The message calls the images `kind`, such as 'test', and ends with `remedy`.
    """
    labels, number, first = self.labels, 'the', ''
    if labels is not None:
      rows = labels.reshape(len(labels), -1)
      unknown = np.flatnonzero(np.isnan(rows).any(axis=1))
      if not len(unknown):
        return
      number = f'{len(unknown):,} of {len(self.images):,}'
      first = f', first {self.names[unknown[0]]}'
    warning = self.report.label_warning
    why = f' ({warning})' if warning else ''
    raise InputError(
        f'{number} {kind} images have no labels{first}{why}: {remedy}.'
    )
