"""The pooling and its gradient against XLA's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from simgan_jax.kernels import pooling


@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
@pytest.mark.parametrize(
    ('size', 'window', 'stride'),
    [((9, 14), 3, 1), ((29, 49), 3, 2), ((10, 20), 2, 2), ((7, 5), 3, 2)],
)
def test_values_and_gradients_equal_xla(size, window, stride, padding):
  images = jax.random.normal(jax.random.key(0), (2, *size, 3))
  # Rows and columns that no window covers must get no gradient.
  value, vjp = jax.vjp(
      lambda x: pooling.max_pool(x, window, stride, padding), images
  )
  expected, expected_vjp = jax.vjp(
      lambda x: nn.max_pool(x, (window,) * 2, (stride,) * 2, padding), images
  )
  np.testing.assert_array_equal(value, expected)
  gradient = jax.random.normal(jax.random.key(1), value.shape)
  np.testing.assert_allclose(
      vjp(gradient)[0], expected_vjp(gradient)[0], rtol=1e-6, atol=1e-6
  )


def test_equal_maxima_share_the_gradient():
  images = jnp.ones((1, 4, 4, 1))
  _, vjp = jax.vjp(lambda x: pooling.max_pool(x, 2, 2, 'VALID'), images)
  np.testing.assert_allclose(vjp(jnp.ones((1, 2, 2, 1)))[0], images / 4)


def test_bfloat16_stays_bfloat16():
  images = jnp.ones((1, 4, 4, 1), jnp.bfloat16)
  value, vjp = jax.vjp(lambda x: pooling.max_pool(x, 3, 1, 'SAME'), images)
  assert value.dtype == vjp(value)[0].dtype == jnp.bfloat16
