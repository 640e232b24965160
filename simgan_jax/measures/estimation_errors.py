"""Errors of estimates, their units and their summary."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.machine import errors

HANDS_WIDTH = 224  # px, width of the paper's images of hands


class ErrorUnit(NamedTuple):
  """The unit of a task's errors, and how they are counted."""

  task: str  # its name in `eval/metrics.json`
  name: str  # of the unit, in the fields of that file and in tables
  words: str  # the unit in a sentence
  axis_label: str
  counted: str  # what has one error each
  thresholds: tuple[int, ...]
  curve_end: int = 30  # largest error of a curve


GAZE = ErrorUnit(
    task='gaze',
    name='deg',
    words='degrees',
    axis_label='angular error, degrees',
    counted='test images',
    thresholds=(5, 7, 10, 13),
)
# Pixels of images of any size count as in an image as wide as the paper's.
HANDS = ErrorUnit(
    task='hands',
    name='px',
    words=f'pixels (images {HANDS_WIDTH} wide)',
    axis_label=f'error of a joint, pixels of an image {HANDS_WIDTH} wide',
    counted='joints of test images',
    thresholds=(3, 5, 10, 20),
)
UNITS = {unit.task: unit for unit in (GAZE, HANDS)}


class Summary(NamedTuple):
  """Errors of one estimator on one test set."""

  mean: float
  median: float
  within: dict[int, float]  # threshold -> percent


def angular_error_deg(
    predicted: Float[np.ndarray, 'n 3'], truth: Float[np.ndarray, 'n 3']
) -> Float[np.ndarray, 'n']:
  """Return the angles between vectors, [n] float64, degrees in [0, 180].

  The vectors may have any length but zero. The arc tangent of cross and dot
  product is exact for small angles, where an arc cosine may be not a number.
  """
  predicted = predicted.astype(np.float64)
  truth = truth.astype(np.float64)
  cross = np.linalg.norm(np.cross(predicted, truth), axis=1)
  return np.degrees(np.arctan2(cross, np.sum(predicted * truth, axis=1)))


def summarize(
    values: Float[np.ndarray, 'n *k'], unit: ErrorUnit = GAZE
) -> Summary:
  """Return mean, median and the percentages within the unit's thresholds.

  No errors, or one that is not finite, are an InputError.
  """
  if not len(values) or not np.isfinite(values).all():
    raise errors.InputError(
        f'the errors of {len(values)} images cannot be summarised: give at'
        ' least one test image and finite labels.'
    )
  within = {t: float(np.mean(values <= t) * 100) for t in unit.thresholds}
  return Summary(float(np.mean(values)), float(np.median(values)), within)


def constant_predictor(
    train_gaze: Float[np.ndarray, 'n 3'],
) -> Float[np.ndarray, '3']:
  """Return the mean gaze of the training set as a unit vector, float64.

  No gaze, or gazes that cancel out, are an InputError.
  """
  total = train_gaze.sum(axis=0, dtype=np.float64)
  length = np.linalg.norm(total)
  if not length > 0:
    raise errors.InputError(
        f'{len(train_gaze)} training labels have no mean gaze; check them.'
    )
  return total / length
