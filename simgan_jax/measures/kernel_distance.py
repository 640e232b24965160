"""The kernel distance between two sets of feature vectors.

Source: the kernel inception distance of Binkowski et al., "Demystifying MMD
GANs", ICLR 2018, arXiv:1801.01401; here the features are the caller's.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.machine import errors


class Distance(NamedTuple):
  """A squared distance of two distributions, without unit."""

  value: float  # unbiased: for equal distributions 0 in the mean, or negative
  standard_error: float


def kernel_distance(
    a: Float[np.ndarray, 'n f'],
    b: Float[np.ndarray, 'm _'],
    *,
    num_subsets: int = 10,
    seed: int = 0,
) -> Distance:
  """Return the squared maximum mean discrepancy of two sets of vectors.

  The value is the unbiased estimate of E k(a, a') + E k(b, b') - 2 E k(a, b),
  where a and a' are different members of a set and
  k(x, y) = (x . y / f + 1)^3. Swapping the sets does not change the distance.

  The standard error is a jackknife's, which leaves out one of `num_subsets`
  parts of both sets at a time. It assumes that vectors are independent, so it
  is too small with several images of a person. The seed divides the sets into
  parts; the value does not depend on it.

  Raises:
    InputError: If a set has fewer than 2 vectors for each part, or if vectors
      have different lengths or are not finite.
  """
  if num_subsets < 2 or min(len(a), len(b)) < 2 * num_subsets:
    raise errors.InputError(
        f'{len(a)} and {len(b)} feature vectors are too few for {num_subsets}'
        ' subsets: give 2 or more for each, and 2 or more subsets.'
    )
  if a.shape[1] != b.shape[1]:
    raise errors.InputError(
        f'features of {a.shape[1]} and {b.shape[1]} numbers cannot be compared:'
        ' take both from one network.'
    )
  if not (np.isfinite(a).all() and np.isfinite(b).all()):
    raise errors.InputError(
        'the features are not finite; check the network they come from.'
    )
  # One generator for each set, so that swapping the sets swaps their parts.
  a, b = (
      np.random.default_rng(seed).permutation(x.astype(np.float64))
      for x in (a, b)
  )
  parts = [np.array_split(x, num_subsets) for x in (a, b)]
  sums = [_sums(parts[i], parts[j]) for i, j in ((0, 0), (1, 1), (0, 1))]
  sizes = [np.array([len(part) for part in x]) for x in parts]
  others = ~np.eye(num_subsets, dtype=bool)
  left_out = [_estimate(sums, sizes, keep) for keep in others]
  return Distance(
      value=_estimate(sums, sizes, np.ones(num_subsets, bool)),
      standard_error=float(np.std(left_out) * np.sqrt(num_subsets - 1)),
  )


def _sums(a: list[np.ndarray], b: list[np.ndarray]) -> Float[np.ndarray, 'k k']:
  """Return the kernel's sums over pairs of different vectors of two parts."""
  sums = np.zeros((len(a), len(b)))
  for i, x in enumerate(a):
    for j, y in enumerate(b):
      kernel = (x @ y.T / x.shape[1] + 1) ** 3
      sums[i, j] = kernel.sum() - (kernel.trace() if x is y else 0)
  return sums


def _estimate(
    sums: list[np.ndarray], sizes: list[np.ndarray], keep: np.ndarray
) -> float:
  aa, bb, ab = (x[np.ix_(keep, keep)].sum() for x in sums)
  n, m = (x[keep].sum() for x in sizes)
  return float(aa / (n * (n - 1)) + bb / (m * (m - 1)) - 2 * ab / (n * m))
