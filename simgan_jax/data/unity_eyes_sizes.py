"""Noticing that UnityEyes' images were resized after rendering.

The landmarks are in pixels of the original, whose size no label tells. But the
camera looks along the middle of the original, and the edge of the iris is a
circle at right angles to the gaze. The depths of its points are known, too, so
they tell where the middle is: mostly to a thousandth of the size. A middle
elsewhere may also be that of a part that was cut out of an image. The pixels
tell which: the iris is dark.
"""

import fractions
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.optimize
from jaxtyping import Float

from simgan_jax.data import crops, unity_eyes_pixels
from simgan_jax.data.entries import Damaged
from simgan_jax.data.unity_eyes_labels import Labels

_ROUNDING = 1e-4 / np.sqrt(12)  # standard deviation of depths of four decimals
_SURE = 4  # standard deviations
_LEAST_POINTS = 8  # on the edge of an iris
_LARGEST = 1e5  # number in labels that make sense, in their units
_LEAST_EXACT = 0.1  # standard deviation of a middle that is known [image size]
# How far off the image's middle an eye is that was not resized, as a factor of
# both coordinates.
_OFF_MIDDLE = 4 / 3
# Factors by which images are resized, and by which they are enlarged again.
_FACTORS = {
    fractions.Fraction(part, whole) ** sign
    for whole in (3, 4, 10)
    for part in range(1, whole + 1)
    for sign in (1, -1)
}
_LARGEST_ERROR = 0.05  # of a factor that is certain
# Grey values of 255 by which an iris is darker where it is seen: enough to
# leave labels as they are, and to refuse them because it is seen elsewhere.
_SEEN, _CLEAR = 15, 25
_UNSEEN = ', where no iris is seen'


class _Middle(NamedTuple):
  """The middle of the original image, in sizes of half the present one."""

  place: Float[np.ndarray, '2']  # (x, y up); 1 if the image was not resized
  deviation: Float[np.ndarray, '2']  # standard deviations


def fit_to_image(
    labels: Labels, image: crops.Pixels, file: Path
) -> tuple[Labels, tuple[str, ...]]:
  """Return labels in pixels of the image, and notes if they are changed.

  Args:
    labels: Labels with landmarks in pixels of the original image.
    image: Image as it is now.
    file: Image file, for the message.

  Raises:
    Damaged: If the image was resized by a factor that is not certain, or if its
      iris is seen elsewhere.
  """
  height, width = image.shape[:2]
  half = np.array([width, height]) / 2
  off = (labels.eye.min(axis=0) + labels.eye.max(axis=0)) / 2 / half
  is_off = min(off) > _OFF_MIDDLE or max(off) < 1 / _OFF_MIDDLE
  if not is_off and _may_have_middle(labels, half):
    return labels, ()
  middle = _find_middle(labels, half)
  if not middle and is_off:
    raise _resized(labels, width, height, file)
  if not middle:
    return labels, ()
  errors = _SURE * middle.deviation + middle.place / half / 4
  if (abs(middle.place - 1) < errors).all():
    return labels, ()
  weights = middle.deviation**-2 / np.sum(middle.deviation**-2)
  ratio = middle.place @ weights
  error = _SURE / np.sqrt(np.sum(middle.deviation**-2))
  margin = error + ratio / min(width, height) / 2  # sizes are rounded
  near = [factor for factor in _FACTORS if abs(factor - ratio) < margin]
  apart = abs(middle.place[0] - middle.place[1])
  edge = labels.iris[:, :2]
  shown, resized, cut = (
      unity_eyes_pixels.iris_contrast(image, where)
      for where in (edge, edge / middle.place, edge + half * (1 - middle.place))
  )
  if apart > _SURE * np.hypot(*middle.deviation) + margin or 1 in near:
    # A part that was cut out has the iris where its owner moved the labels.
    if max(resized, cut) > max(_CLEAR, 3 * shown):
      raise _resized(labels, width, height, file, _UNSEEN)
    return labels, ()
  if shown > max(_SEEN, resized, cut):
    return labels, ()
  if cut > max(_CLEAR, 1.5 * resized):
    raise _resized(labels, width, height, file, _UNSEEN)
  if len(near) != 1 or error > _LARGEST_ERROR * ratio:
    size = f'{width * ratio:.0f} x {height * ratio:.0f}'
    raise _resized(labels, width, height, file, f' as if it were {size}')
  note = (
      f'resized by {1 / near[0]} after rendering; the landmarks are scaled to'
      ' fit'
  )
  scale = np.array([1 / float(near[0])] * 2 + [1])
  eye, iris = labels.eye * scale[:2], labels.iris * scale
  return labels._replace(eye=eye, iris=iris), (note,)


def check_box(
    box: crops.Box, labels: Labels, width: int, height: int, file: Path
) -> None:
  """Raise Damaged if a crop box lies mostly outside the image.

  Args:
    box: Box to cut.
    labels: Labels with landmarks in pixels of the image.
    width: Width of the image [px].
    height: Height of the image [px].
    file: Image file, for the message.
  """
  left, upper, right, lower = box
  columns = max(min(right, width) - max(left, 0), 0)
  rows = max(min(lower, height) - max(upper, 0), 0)
  if not columns * rows >= (right - left) * (lower - upper) / 2:
    raise _resized(labels, width, height, file)


def _resized(
    labels: Labels, width: int, height: int, file: Path, where: str = ''
) -> Damaged:
  (left, lower), (right, upper) = labels.eye.min(axis=0), labels.eye.max(axis=0)
  return Damaged(
      f'{file}: the image is {width} x {height}, but its landmarks are at x'
      f' {left:.0f} to {right:.0f} and y {lower:.0f} to {upper:.0f} from the'
      f' bottom{where}: it was probably resized after rendering, or cut; bring'
      ' it back to the size that it was rendered at, or change the points in'
      ' its JSON to fit'
  )


def _residuals(
    labels: Labels, focal: float, x: float, y: float
) -> Float[np.ndarray, '_']:
  """Return by how much the iris is no circle at right angles to the gaze.

  Args:
    labels: Labels with the edge of the iris.
    focal: Focal length of the camera [px].
    x: Middle of the image [px].
    y: Middle of the image, up from the bottom [px].

  Returns:
    Distances from the plane and the circle, in standard deviations.
  """
  columns, rows, depths = labels.iris.T
  points = np.stack(
      [(columns - x) * depths / focal, (rows - y) * depths / focal, depths]
  )
  points = points - points.mean(axis=1, keepdims=True)
  radii = np.linalg.norm(points, axis=0)
  distances = _normal(labels) @ points, radii - radii.mean()
  return np.concatenate(distances) / _ROUNDING


def _normal(labels: Labels) -> Float[np.ndarray, '3']:
  return labels.gaze * np.array([1, -1, 1])


def _is_usable(iris: Float[np.ndarray, '_ 3']) -> bool:
  """Return whether there are points with depths, apart from each other."""
  return (
      len(iris) >= _LEAST_POINTS
      and bool((np.abs(iris) < _LARGEST).all())  # false for NaN
      and bool(iris[:, 2].min() > 0)
      and bool(np.ptp(iris[:, :2], axis=0).max() > 1e-3)
  )


def _may_have_middle(labels: Labels, middle: Float[np.ndarray, '2']) -> bool:
  """Return whether the iris is a circle seen from before that middle.

  This is faster than finding the middle.
  """
  normal = _normal(labels)
  if not _is_usable(labels.iris) or not normal[2]:
    return False
  columns, rows, depths = labels.iris.T
  # All points are in a plane, which yields the focal length.
  across = (normal[0] * columns + normal[1] * rows) * depths
  change = depths - depths.mean()
  slope = across @ change / max(change @ change, 1e-30)
  focal = (normal[:2] @ middle - slope) / normal[2]
  if not focal > 0:
    return False
  residuals = _residuals(labels, focal, *middle)
  return bool(np.mean(residuals**2) < 1)


def _find_middle(
    labels: Labels, half: Float[np.ndarray, '2']
) -> _Middle | None:
  """Return the middle of the original image; None if it is not known."""
  iris = labels.iris
  if not _is_usable(iris):
    return None
  centre = iris[:, :2].mean(axis=0)
  size = np.ptp(iris[:, :2], axis=0).max()

  def residuals(unknown: Float[np.ndarray, '3']) -> Float[np.ndarray, '_']:
    focal = size * np.exp(np.clip(unknown[0], -9, 30))
    return _residuals(labels, focal, *(centre + unknown[1:] * size))

  found = min(
      (
          scipy.optimize.least_squares(residuals, (start, 0, 0), method='lm')
          for start in (2, 5)
      ),
      key=lambda fit: fit.cost,
  )
  error = 2 * found.cost / (2 * len(iris) - 6)
  if error > 4 or np.linalg.matrix_rank(found.jac) < 3:
    return None
  variances = np.diag(np.linalg.inv(found.jac.T @ found.jac)) * max(error, 1)
  deviation = np.sqrt(variances[1:]) * size / half
  place = (centre + found.x[1:] * size) / half
  known = (deviation < _LEAST_EXACT * np.abs(place)).all() and min(place) > 0
  return _Middle(place, deviation) if known else None
