"""Errors of estimates and their summary."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.machine import errors
from simgan_jax.measures import units


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
    values: Float[np.ndarray, 'n *k'], unit: units.ErrorUnit = units.GAZE
) -> Summary:
  """Return mean, median and the percentages within the unit's thresholds.

  NaN stands for one of an image's labels that is unknown, and does not count.
  No errors, an infinite one, or an image without any are an InputError.
  """
  unknown = np.isnan(values)
  known = values[~unknown]
  without = unknown.reshape(len(values), -1).all(axis=1) if len(values) else 0
  if np.any(without) or not len(known) or not np.isfinite(known).all():
    raise errors.InputError(
        f'the errors of {len(values)} images cannot be summarised: give at'
        ' least one test image and finite labels.'
    )
  within = {t: float(np.mean(known <= t) * 100) for t in unit.thresholds}
  return Summary(float(np.mean(known)), float(np.median(known)), within)


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
