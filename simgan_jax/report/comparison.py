"""Refined against synthetic: a paired bootstrap over the tested persons.

Errors on images of one person go together, so that persons are drawn, not
images (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from simgan_jax.machine import errors


class Comparison(NamedTuple):
  """How the errors of two estimators on the same images differ."""

  ratio: float  # mean error after / before
  ratio_interval: tuple[float, float]  # 95 % of the bootstrap
  difference: float  # mean error after - before, in the errors' unit
  difference_interval: tuple[float, float]  # 95 % of the bootstrap
  p_value: float  # two-sided, of no difference
  subjects: int


def paired_bootstrap(
    before_errors: Float[np.ndarray, 'n'],
    after_errors: Float[np.ndarray, 'n'],
    subjects: Int[np.ndarray, 'n'],
    *,
    num_samples: int = 10_000,
    seed: int = 0,
) -> Comparison:
  """Compare errors on the same images, drawing persons with replacement.

  Args:
    before_errors: [n] in any unit, for example trained on synthetic images.
    after_errors: [n] on the same images, for example trained on refined.
    subjects: [n] the person in each image.
    num_samples: bootstrap samples.
    seed: of the draws.

  Raises:
    InputError: when there are no images.
  """
  if not len(before_errors):
    raise errors.InputError(
        'there are no errors to compare: give at least one test image.'
    )
  people, index = np.unique(subjects, return_inverse=True)
  counts = np.bincount(index)
  before = np.bincount(index, weights=before_errors)
  after = np.bincount(index, weights=after_errors)
  rng = np.random.default_rng(seed)
  # Only sums are needed: how often each person was drawn, times its errors.
  drawn = rng.multinomial(
      len(people), np.full(len(people), 1 / len(people)), size=num_samples
  )
  ratios = (drawn @ after) / (drawn @ before)
  differences = (drawn @ (after - before)) / (drawn @ counts)
  # The share on the other side of zero, counting the sample at hand once.
  tail = min(np.sum(differences <= 0), np.sum(differences >= 0)) + 1

  def interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)

  return Comparison(
      ratio=float(after.sum() / before.sum()),
      ratio_interval=interval(ratios),
      difference=float((after - before).sum() / counts.sum()),
      difference_interval=interval(differences),
      p_value=float(min(1.0, 2 * tail / (num_samples + 1))),
      subjects=len(people),
  )
