"""The kernel distance between two sets of feature vectors.

Source: Binkowski et al., "Demystifying MMD GANs", ICLR 2018, arXiv:1801.01401,
the kernel inception distance; here the features are the caller's.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.machine import errors


class Distance(NamedTuple):
  """A squared distance of two distributions, without unit."""

  value: float  # unbiased: about 0 for equal ones, and then below as often
  standard_error: float


def kernel_distance(
    a: Float[np.ndarray, 'n f'],
    b: Float[np.ndarray, 'm _'],
    *,
    num_subsets: int = 10,
    seed: int = 0,
) -> Distance:
  """Return the squared maximum mean discrepancy of two sets of vectors.

  Its unbiased estimate of E k(a, a') + E k(b, b') - 2 E k(a, b), a and a'
  different members of a set, with k(x, y) = (x . y / f + 1)^3.

  The standard error is the jackknife's: from the values that remain when one
  of `num_subsets` parts of both sets is left out. It takes the vectors as drawn
  independently, so with several images a person it is too small.

  Args:
    a: [n, f] finite.
    b: [m, f] finite.
    num_subsets: parts of each set.
    seed: of the division into parts; the value does not depend on it.

  Returns:
    The distance; a and b may be swapped.

  Raises:
    InputError: when the sets are too small for `num_subsets` parts of 2 and
      more, the vectors of different length, or not finite.
  """
  if num_subsets < 2 or min(len(a), len(b)) < 2 * num_subsets:
    raise errors.InputError(
        f'{len(a)} and {len(b)} feature vectors are too few for'
        f' {num_subsets} subsets: give 2 or more for each, and 2 or more'
        ' subsets.'
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
  # A generator each, so that swapping the sets swaps their parts.
  parts = [
      np.array_split(
          np.random.default_rng(seed).permutation(x.astype(np.float64)),
          num_subsets,
      )
      for x in (a, b)
  ]
  sums = [_sums(parts[i], parts[j]) for i, j in ((0, 0), (1, 1), (0, 1))]
  sizes = [np.array([len(part) for part in x]) for x in parts]
  everything = np.ones(num_subsets, bool)
  left_out = [
      _estimate(sums, sizes, np.arange(num_subsets) != i)
      for i in range(num_subsets)
  ]
  return Distance(
      value=_estimate(sums, sizes, everything),
      standard_error=float(np.std(left_out) * np.sqrt(num_subsets - 1)),
  )


def _sums(a: list[np.ndarray], b: list[np.ndarray]) -> Float[np.ndarray, 'k k']:
  """Return the kernel's sum over the pairs of each part with each.

  A vector with itself is no pair, when both lists are one.
  """
  sums = np.zeros((len(a), len(b)))
  for i, x in enumerate(a):
    for j, y in enumerate(b):
      kernel = (x @ y.T / x.shape[1] + 1) ** 3
      sums[i, j] = kernel.sum() - (kernel.trace() if x is y else 0)
  return sums


def _estimate(
    sums: list[np.ndarray], sizes: list[np.ndarray], keep: np.ndarray
) -> float:
  """Return the unbiased estimate on some of the parts."""
  aa, bb, ab = (x[np.ix_(keep, keep)].sum() for x in sums)
  n, m = (x[keep].sum() for x in sizes)
  return float(aa / (n * (n - 1)) + bb / (m * (m - 1)) - 2 * ab / (n * m))
