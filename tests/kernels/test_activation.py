"""ReLU and its gradient against JAX's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.kernels.activation import relu


@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
def test_values_and_gradients_equal_jax(dtype):
  x = jnp.asarray([-2.0, -0.0, 0.0, 1e-30, 3.0, jnp.inf, -jnp.inf], dtype)
  value, vjp = jax.vjp(relu, x)
  expected, expected_vjp = jax.vjp(jax.nn.relu, x)
  assert value.dtype == dtype
  np.testing.assert_array_equal(value, expected)
  gradient = jnp.arange(1, 8).astype(dtype)
  np.testing.assert_array_equal(vjp(gradient)[0], expected_vjp(gradient)[0])


def test_nan_stays_nan():
  assert jnp.isnan(relu(jnp.asarray([jnp.nan]))).all()


def test_the_gradient_keeps_the_output_only():
  _, vjp = jax.vjp(relu, jnp.asarray([-1.0, 2.0]))
  (kept,) = jax.tree.leaves(vjp)
  np.testing.assert_array_equal(kept, [0.0, 2.0])
