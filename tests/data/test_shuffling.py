"""The permutations are tensorflow's, and are permutations."""

import numpy as np
import pytest
import tensorflow as tf

from simgan_jax.data import shuffling

KEYS = ((0, 0, 0), (7, 0xDEADBEEF, 3), (-3, 2**31 + 5, 10**12))


@pytest.mark.parametrize('key', KEYS)
@pytest.mark.parametrize('num', [1, 2, 64, 6_718, 65_536, 70_000, 300_000])
def test_the_permutation_of_tensorflow(num, key):
  expected = tf.raw_ops.RandomIndexShuffle(
      index=tf.range(num, dtype=tf.int64),
      seed=tf.constant(key, tf.int64),
      max_index=num - 1,
      rounds=4,
  )
  np.testing.assert_array_equal(
      shuffling.permutation(num, key=key), expected.numpy()
  )


# One number more than a block of tensorflow's holds: there it loses one.
@pytest.mark.parametrize('num', [65_537, 262_145])
def test_every_number_comes_once(num):
  found = shuffling.permutation(num, key=(1, 2, 3))
  np.testing.assert_array_equal(np.sort(found), np.arange(num))
