"""The record that every source is loaded into."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int32, Shaped, UInt8

from simgan_jax.data import labels as labels_lib
from simgan_jax.data.targets import Targets
from simgan_jax.machine.errors import InputError


class ImportReport(NamedTuple):
  """What was noticed while the files of a data set were read."""

  left_out: tuple[str, ...] = ()  # 'name: reason' of every image left out
  sizes: Mapping[str, int] = {}  # number of originals by 'width x height'
  # Number of 16-bit originals, their least and their greatest value; or empty.
  sixteen_bit: tuple[int, ...] = ()
  label_warning: str = ''  # why some labels count as unknown
  label_columns: tuple[str, ...] = ()  # columns or keys of the labels
  notes: tuple[str, ...] = ()  # what was decided, of how many images


class LabelledImages(NamedTuple):
  """Images of one source, with what is known about them.

  Eyes have gaze and head pose, hands have joints and the camera of the image;
  `any_labels.attach` adds targets of all other tasks. None when unlabelled.
  Pixel (0, 0) has its centre at u = v = 0.
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
  # How each image was cut from its original: see `pixel_labels.Transform`
  transform: Float[np.ndarray, 'n 4'] | None = None
  report: ImportReport = ImportReport()
  targets: Targets | None = None
  # str: persons, tracks or clips, '' when unknown
  groups: Shaped[np.ndarray, 'n'] | None = None

  @property
  def labels(self) -> np.ndarray | None:
    """What an estimator learns: targets or joints if there are any, or gaze."""
    if self.targets is not None:
      return self.targets.values
    return self.gaze if self.joints is None else self.joints

  def take(self, which: Shaped[np.ndarray, '_']) -> 'LabelledImages':
    """Return some of the images, with all that is known about them.

    Args:
      which: Places of the images, [m] int, or [n] bool, true for those to keep.
    """
    taken: dict[str, Any] = {
        name: value[which] if isinstance(value, np.ndarray) else value
        for name, value in self._asdict().items()
    }
    if self.targets is not None:
      values = self.targets.values[which]
      taken['targets'] = self.targets._replace(values=values)
    return LabelledImages(**taken)

  def with_labels(
      self, labels: Shaped[np.ndarray, 'n ...']
  ) -> 'LabelledImages':
    """Return the same images with other labels of the same kind."""
    if self.targets is not None:
      return self._replace(targets=self.targets._replace(values=labels))
    if self.joints is not None:
      return self._replace(joints=labels)
    return self._replace(gaze=labels)

  def are_labelled(self) -> Bool[np.ndarray, 'n']:
    """Return which images have labels."""
    if self.targets is not None:
      return self.targets.find_known()
    if self.labels is None:
      return np.zeros(len(self.images), bool)
    rows = np.isnan(self.labels.reshape(len(self.labels), -1))
    return np.logical_not(np.any(rows, axis=1))

  def keep_labelled(self, kind: str, remedy: str) -> 'LabelledImages':
    """Return the images that have labels, and tell how many have none.

    Messages call the images `kind`, such as 'test', and end with `remedy`.

    Raises:
      InputError: If none has labels, or some have labels that cannot be used.
    """
    known = self.are_labelled()
    if known.all():
      return self
    # The warning is about gaze, which targets have nothing to do with.
    warning = '' if self.targets is not None else self.report.label_warning
    number = len(known) - known.sum()
    first = self.names[known.argmin()]
    if known.any() and not warning:
      print(
          f'{kind}: {number:,} of {len(known):,} images have no labels and are'
          f' left out, first {first}'
      )
      return self.take(known)
    many = f'{number:,} of {len(known):,}' if known.any() else 'the'
    why = f', first {first}' if known.any() else ''
    if warning:
      why += f' ({warning})'
    elif self.report.label_columns and self.targets is None:
      why += (
          f' (there are {", ".join(self.report.label_columns[:20])}; understood'
          f' are {labels_lib.UNDERSTOOD})'
      )
    raise InputError(f'{many} {kind} images have no labels{why}: {remedy}.')
