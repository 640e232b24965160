"""The fast gradients against XLA's own."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from simgan_jax.kernels import convolution


def assert_equals_xla(size, kernel, strides, padding):
  *_, channels, _ = kernel
  keys = jax.random.split(jax.random.key(0), 3)
  images = jax.random.normal(keys[0], (3, *size, channels))
  weights = jax.random.normal(keys[1], kernel)
  plain = functools.partial(
      lax.conv_general_dilated,
      window_strides=strides,
      padding=padding,
      dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
  )
  ours = functools.partial(
      convolution.convolve, strides=strides, padding=padding
  )
  expected, expected_vjp = jax.vjp(plain, images, weights)
  value, vjp = jax.vjp(ours, images, weights)
  np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)
  gradient = jax.random.normal(keys[2], value.shape)
  for got, want in zip(vjp(gradient), expected_vjp(gradient), strict=True):
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
@pytest.mark.parametrize(
    ('size', 'kernel', 'strides'),
    [
        ((9, 11), (3, 3), (1, 1)),
        ((9, 11), (3, 3), (2, 2)),
        ((8, 11), (3, 3), (2, 2)),
        ((12, 13), (7, 7), (4, 4)),
        ((10, 9), (5, 3), (2, 1)),
        ((9, 11), (1, 1), (1, 1)),
    ],
)
def test_values_and_gradients_equal_xla(size, kernel, strides, padding):
  assert_equals_xla(size, (*kernel, 5, 4), strides, padding)


@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
@pytest.mark.parametrize(
    ('kernel', 'strides', 'has_convolution'),
    [
        ((3, 3, 1, 8), (1, 1), False),
        ((3, 3, 3, 8), (2, 2), False),
        ((1, 1, 8, 1), (1, 1), False),
        ((1, 1, 8, 3), (1, 1), False),
        ((1, 1, 8, 3), (2, 2), True),
        ((1, 1, 8, 8), (1, 1), True),
        ((3, 3, 8, 1), (1, 1), True),
        ((7, 7, 1, 8), (1, 1), True),
    ],
)
def test_few_channels_on_a_gpu(
    kernel, strides, has_convolution, padding, monkeypatch
):
  lowered = jax.jit(convolution.convolve, static_argnums=(2, 3)).trace(
      jnp.zeros((1, 9, 12, kernel[2])), jnp.zeros(kernel), strides, padding
  )
  program = lowered.lower(lowering_platforms=('cuda',)).as_text()
  assert ('stablehlo.convolution' in program) == has_convolution
  monkeypatch.setattr(
      lax, 'platform_dependent', lambda *arrays, cuda, **_: cuda(*arrays)
  )
  assert_equals_xla((9, 12), kernel, strides, padding)


def test_the_layer_is_flax_own_with_these_gradients():
  images = jax.random.normal(jax.random.key(0), (2, 9, 11, 3))
  layer = convolution.Conv(4, (3, 3), (2, 2))
  value, variables = layer.init_with_output(jax.random.key(1), images)
  assert value.shape == (2, 5, 6, 4)
  jaxpr = jax.make_jaxpr(layer.apply)(variables, images)
  assert 'custom_vjp' in str(jaxpr)
