"""The layers choose their code by the platform that a program is lowered for.

`platform` runs the code of all platforms on the CPU at hand.
"""

import os
import re
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax import export
from jax.sharding import PartitionSpec as P

from simgan_jax.kernels import convolution, native, pooling

PLATFORMS = ('cpu', 'cuda', 'tpu')
IMAGES = jax.ShapeDtypeStruct((2, 9, 12, 8), jnp.float32)
POINTWISE = jax.ShapeDtypeStruct((1, 1, 8, 1), jnp.float32)


@pytest.fixture(params=PLATFORMS)
def platform(request, monkeypatch):
  def choose(*arrays, default, **functions):
    return functions.get(request.param, default)(*arrays)

  monkeypatch.setattr(jax.lax, 'platform_dependent', choose)
  monkeypatch.setattr(native, 'available', lambda: False)
  return request.param


def assert_same_gradients(ours, expected, arguments, tolerance):
  value, vjp = jax.vjp(ours, *arguments)
  expected_value, expected_vjp = jax.vjp(expected, *arguments)
  assert value.dtype == expected_value.dtype
  gradient = jax.random.normal(jax.random.key(1), value.shape, value.dtype)
  found = (value, *vjp(gradient))
  wanted = (expected_value, *expected_vjp(gradient))
  for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
    assert x.dtype == y.dtype
    x, y = (np.asarray(z, np.float32) for z in (x, y))
    np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ('channels', 'features', 'kernel', 'strides', 'padding', 'dtype'),
    [
        (1, 16, (3, 3), (1, 1), 'SAME', jnp.float32),
        (4, 16, (3, 3), (2, 2), 'VALID', jnp.float32),
        (8, 1, (1, 1), (1, 1), 'SAME', jnp.float32),
        (8, 1, (1, 1), (1, 1), 'SAME', jnp.bfloat16),
        (2, 4, (5, 3), (2, 1), ((2, 1), (0, 1)), jnp.bfloat16),
    ],
)
def test_without_native_code_the_convolution_is_flax_own(
    platform, channels, features, kernel, strides, padding, dtype
):
  images = jax.random.normal(jax.random.key(0), (2, 9, 12, channels), dtype)
  arguments = features, kernel, strides, padding
  options = {'dtype': dtype, 'param_dtype': dtype}
  ours = convolution.Conv(*arguments, **options)
  plain = nn.Conv(*arguments, **options)
  variables = plain.init(jax.random.key(2), images)
  tolerance = 1e-4 if dtype == jnp.float32 else 0.1
  assert_same_gradients(ours.apply, plain.apply, (variables, images), tolerance)


def test_the_pooling_is_flax_own(platform):
  images = jax.random.normal(jax.random.key(0), (2, 9, 12, 3))
  assert_same_gradients(
      pool, lambda x: nn.max_pool(x, (3, 3), (2, 2), 'SAME'), (images,), 1e-6
  )


def pool(images):
  return pooling.max_pool(images, 3, 2, 'SAME')


def exported(function, *shapes, platforms):
  program = export.export(jax.jit(function), platforms=platforms)
  return program(*shapes).mlir_module()


CASES = [
    # A GPU computes it as a sum, all others as a convolution.
    (convolution.convolve, (IMAGES, POINTWISE), 'convolution', ('cpu', 'tpu')),
    (pool, (IMAGES,), 'reduce_window', ('tpu',)),
]


@pytest.mark.parametrize(('function', 'shapes', 'operation', 'where'), CASES)
def test_a_program_for_all_platforms_holds_the_code_of_each(
    function, shapes, operation, where
):
  text = exported(function, *shapes, platforms=PLATFORMS)
  index = re.search(
      r'(%\w+): [^%]*jax.global_constant = "_platform_index"', text
  )
  assert index and f'"stablehlo.case"({index[1]})' in text
  pattern = r'^    %\d+ = "stablehlo.case"\(%\w+\) \(\{\n(.*?)^    \}\)'
  *_, last = re.findall(pattern, text, re.MULTILINE | re.DOTALL)
  branches = re.split(r'^    \}, \{\n', last, flags=re.MULTILINE)
  assert 2 <= len(branches) <= 3
  has = [f'stablehlo.{operation}' in branch for branch in branches]
  assert sum(has) == len(where) and not all(has)


@pytest.mark.parametrize(('function', 'shapes', 'operation', 'where'), CASES)
@pytest.mark.parametrize('platform_name', [*PLATFORMS, 'rocm'])
def test_a_program_for_one_platform_holds_its_code_only(
    function, shapes, operation, where, platform_name
):
  text = exported(function, *shapes, platforms=[platform_name])
  assert '_platform_index' not in text
  assert (f'stablehlo.{operation}' in text) == (platform_name in where)


def loss(kernel, images):
  return (pool(convolution.convolve(images, kernel)) ** 2).sum()


@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
def test_the_choice_works_under_transformations(dtype, monkeypatch):
  monkeypatch.setattr(native, 'available', lambda: False)
  images = jax.random.normal(jax.random.key(0), (4, 9, 12, 2), dtype)
  kernel = jax.random.normal(jax.random.key(1), (3, 3, 2, 16), dtype)
  gradient = jax.grad(loss)
  each = [gradient(kernel, image[None]) for image in images]
  mesh = jax.make_mesh((2,), ('data',), (jax.sharding.AxisType.Auto,))

  def scanned(kernel, images):
    rows = images[:, None]
    return jax.lax.scan(lambda _, x: (None, gradient(kernel, x)), None, rows)[1]

  def sharded(kernel, images):
    mapped = jax.vmap(lambda image: gradient(kernel, image[None]))
    specs = {'in_specs': P('data'), 'out_specs': P('data')}
    return jax.shard_map(mapped, mesh=mesh, check_vma=False, **specs)(images)

  def rematerialized(kernel, images):
    return jax.vmap(jax.grad(jax.checkpoint(loss)), (None, 0))(
        kernel, images[:, None]
    )

  tolerance = 1e-4 if dtype == jnp.float32 else 0.1
  for transformed in (scanned, sharded, rematerialized):
    found = jax.jit(transformed)(kernel, images)
    assert found.dtype == dtype
    np.testing.assert_allclose(
        np.asarray(found, np.float32),
        np.asarray(each, np.float32),
        rtol=tolerance,
        atol=tolerance * np.abs(np.asarray(each, np.float32)).max(),
    )


@pytest.mark.skipif(
    not (os.environ.get('CXX') or shutil.which('c++')),
    reason='there is no C++ compiler here',
)
def test_a_program_that_calls_native_code_is_not_exported():
  kernel = jax.ShapeDtypeStruct((3, 3, 8, 16), jnp.float32)
  with pytest.raises(ValueError, match='simgan_kernel_gradient'):
    exported(jax.grad(loss), kernel, IMAGES, platforms=PLATFORMS)


def test_nothing_is_compiled_where_an_accelerator_is(monkeypatch):
  def fail(*_, **__):
    raise AssertionError('a compiler was started')

  native.available.cache_clear()
  monkeypatch.setattr(subprocess, 'run', fail)
  monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
  assert not native.available()
  native.available.cache_clear()
