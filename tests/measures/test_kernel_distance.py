"""The kernel distance: its formula, unbiased, symmetric, with its error."""

import numpy as np
import pytest

from simgan_jax.machine import errors
from simgan_jax.measures import kernel_distance


def draw(num, *, seed, mean=0.0):
  return np.random.default_rng(seed).normal(mean, 1, (num, 8))


def test_equals_the_mean_over_all_pairs():
  a, b = draw(21, seed=0), draw(25, seed=1, mean=0.3)
  kernel = {
      name: (np.einsum('if,jf->ij', x, y) / 8 + 1) ** 3
      for name, (x, y) in {'aa': (a, a), 'bb': (b, b), 'ab': (a, b)}.items()
  }
  expected = (
      kernel['aa'][~np.eye(21, dtype=bool)].mean()
      + kernel['bb'][~np.eye(25, dtype=bool)].mean()
      - 2 * kernel['ab'].mean()
  )
  assert kernel_distance.kernel_distance(a, b).value == pytest.approx(expected)


def test_equal_distributions_are_at_zero_within_the_error():
  found = kernel_distance.kernel_distance(draw(500, seed=0), draw(400, seed=1))
  assert abs(found.value) < 3 * found.standard_error
  assert found.standard_error < 0.03


def test_different_distributions_are_far_from_zero():
  found = kernel_distance.kernel_distance(
      draw(500, seed=0), draw(400, seed=1, mean=0.5)
  )
  assert found.value > 8 * found.standard_error


@pytest.mark.parametrize('mean', [0.0, 0.4])
def test_the_value_is_unbiased(mean):
  # Means over many small sets agree with one over large sets; the biased
  # estimate, with the diagonals, would be off by about 0.5.
  small = [
      kernel_distance.kernel_distance(
          draw(20, seed=2 * i), draw(20, seed=2 * i + 1, mean=mean)
      ).value
      for i in range(400)
  ]
  large = kernel_distance.kernel_distance(
      draw(4_000, seed=1_000), draw(4_000, seed=1_001, mean=mean)
  )
  error = np.std(small) / np.sqrt(len(small))
  assert error < 0.03
  assert abs(np.mean(small) - large.value) < 3 * error
  assert (np.min(small) < 0) or mean


def test_the_standard_error_is_that_of_repeated_draws():
  found = [
      kernel_distance.kernel_distance(
          draw(200, seed=2 * i), draw(200, seed=2 * i + 1, mean=0.5)
      )
      for i in range(60)
  ]
  spread = np.std([f.value for f in found])
  claimed = np.mean([f.standard_error for f in found])
  assert 0.8 < claimed / spread < 1.6


def test_swapped_sets_and_permuted_rows_give_the_same():
  a, b = draw(60, seed=0), draw(60, seed=1, mean=0.2)
  found = kernel_distance.kernel_distance(a, b)
  swapped = kernel_distance.kernel_distance(b, a)
  assert swapped == pytest.approx(found)
  order = np.random.default_rng(2).permutation(60)
  permuted = kernel_distance.kernel_distance(a[order], b[order[::-1]])
  assert permuted.value == pytest.approx(found.value)


def test_the_seed_divides_the_sets():
  a, b = draw(60, seed=0), draw(60, seed=1)
  found = [
      kernel_distance.kernel_distance(a, b, seed=seed) for seed in (0, 0, 1)
  ]
  assert found[0] == found[1]
  assert found[0].value == pytest.approx(found[2].value)
  assert found[0].standard_error != found[2].standard_error


def test_sets_that_cannot_be_compared_are_refused():
  a = draw(20, seed=0)
  with pytest.raises(errors.InputError, match='19 feature vectors are too few'):
    kernel_distance.kernel_distance(a, a[1:])
  with pytest.raises(errors.InputError, match='8 and 7 numbers'):
    kernel_distance.kernel_distance(a, a[:, 1:])
  with pytest.raises(errors.InputError, match='not finite'):
    kernel_distance.kernel_distance(a, a * np.nan)
