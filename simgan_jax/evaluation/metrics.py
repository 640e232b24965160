"""Errors of gaze estimates, on plain NumPy arrays."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax import errors

THRESHOLDS_DEG = (5, 7, 10, 13)


class Summary(NamedTuple):
  """Errors of one estimator on one test set."""

  mean_deg: float
  median_deg: float
  within_deg: dict[int, float]  # threshold in degrees -> percent of the images


def angular_error_deg(
    predicted: Float[np.ndarray, 'n 3'], truth: Float[np.ndarray, 'n 3']
) -> Float[np.ndarray, 'n']:
  """Return the angles between vectors of any length, degrees in [0, 180].

  The arc tangent of cross and dot product is exact for small angles, too,
  where the arc cosine of a product slightly above 1 is not a number.

  Args:
    predicted: [n, 3], none of them zero.
    truth: [n, 3], none of them zero.

  Returns:
    [n] float64.
  """
  predicted = predicted.astype(np.float64)
  truth = truth.astype(np.float64)
  cross = np.linalg.norm(np.cross(predicted, truth), axis=1)
  return np.degrees(np.arctan2(cross, np.sum(predicted * truth, axis=1)))


def summarize(angles_deg: Float[np.ndarray, 'n']) -> Summary:
  """Return mean, median and the percentages within `THRESHOLDS_DEG`.

  Raises:
    InputError: when there is no angle, or one is not finite.
  """
  if not len(angles_deg) or not np.isfinite(angles_deg).all():
    raise errors.InputError(
        f'{len(angles_deg)} angular errors cannot be summarised: give at least'
        ' one test image and finite gaze labels.'
    )
  return Summary(
      mean_deg=float(np.mean(angles_deg)),
      median_deg=float(np.median(angles_deg)),
      within_deg={
          d: float(np.mean(angles_deg <= d) * 100) for d in THRESHOLDS_DEG
      },
  )


def constant_predictor(
    train_gaze: Float[np.ndarray, 'n 3'],
) -> Float[np.ndarray, '3']:
  """Return the mean gaze of the training set as a unit vector, float64.

  Raises:
    InputError: when there is no gaze, or the gazes cancel out.
  """
  length = np.linalg.norm(train_gaze.sum(axis=0, dtype=np.float64))
  if not length > 0:
    raise errors.InputError(
        f'{len(train_gaze)} training labels have no mean gaze; check them.'
    )
  return train_gaze.sum(axis=0, dtype=np.float64) / length
