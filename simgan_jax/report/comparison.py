"""Refined against synthetic: a paired bootstrap over groups of test images.

It draws groups, such as persons, because errors on images of one person are
alike (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from simgan_jax.machine import errors


class Comparison(NamedTuple):
  """How the errors of two estimators on the same images differ."""

  ratio: float  # mean error after / before
  ratio_interval: list[float]  # ends of 95 % of the bootstrap
  difference: float  # mean error after - before, in the errors' unit
  difference_interval: list[float]  # like that of the ratio
  p_value: float  # two-sided, of no difference
  groups: int  # number of groups that were drawn from


def paired_bootstrap(
    before_errors: Float[np.ndarray, 'n'],
    after_errors: Float[np.ndarray, 'n'],
    groups: Shaped[np.ndarray, 'n'],
    *,
    num_samples: int = 10_000,
) -> Comparison:
  """Compare errors on the same images, drawing groups with replacement.

  Args:
    before_errors: Errors of one estimator, [n] in any unit.
    after_errors: Errors of the other on the same images, [n].
    groups: Group of each image, [n] of any type. An image of the group '' has
      none, and is drawn by itself.
    num_samples: Number of bootstrap samples.

  Raises:
    InputError: If there are no images.
  """
  if not len(before_errors):
    raise errors.InputError(
        'there are no errors to compare: give at least one test image.'
    )
  if groups.dtype.kind == 'U':  # no group's name begins with a blank
    names = enumerate(groups.tolist())
    groups = np.array([name or f' {i}' for i, name in names])
  distinct, index = np.unique(groups, return_inverse=True)
  counts = np.bincount(index)
  before = np.bincount(index, weights=before_errors)
  after = np.bincount(index, weights=after_errors)
  rng = np.random.default_rng(0)
  # How often each group is drawn is enough, as only sums are needed.
  chances = np.full(len(distinct), 1 / len(distinct))
  drawn = rng.multinomial(len(distinct), chances, size=num_samples)
  # Estimators of classes may make no error.
  ratios = (drawn @ after) / np.maximum(drawn @ before, 1e-9)
  differences = (drawn @ (after - before)) / (drawn @ counts)
  # Samples on the other side of zero; the one at hand counts as one of them.
  tail = min(np.sum(differences <= 0), np.sum(differences >= 0)) + 1
  limits = 2.5, 97.5
  return Comparison(
      ratio=float(after.sum() / max(before.sum(), 1e-9)),
      ratio_interval=np.percentile(ratios, limits).tolist(),
      difference=float((after - before).sum() / counts.sum()),
      difference_interval=np.percentile(differences, limits).tolist(),
      p_value=float(min(1.0, 2 * tail / (num_samples + 1))),
      groups=len(distinct),
  )
