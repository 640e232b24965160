"""The compiled kernel gradient against XLA's, and life without a compiler."""

import os
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from simgan_jax.kernels import convolution, native

needs_compiler = pytest.mark.skipif(
    not (os.environ.get('CXX') or shutil.which('c++')),
    reason='there is no C++ compiler here',
)


@pytest.fixture
def fresh(monkeypatch):
  """Forget what is loaded and traced, before and after."""
  caches = native.available, convolution._convolution_of
  for cache in caches:
    cache.cache_clear()
  yield monkeypatch
  for cache in caches:
    cache.cache_clear()


def gradients(channels, features, kernel=(3, 3), strides=(1, 1), size=(9, 12)):
  """Return the kernel gradient of ours and of XLA."""
  keys = jax.random.split(jax.random.key(0), 3)
  images = jax.random.normal(keys[0], (3, *size, channels))
  weights = jax.random.normal(keys[1], (*kernel, channels, features))

  def plain(weights):
    dimensions = ('NHWC', 'HWIO', 'NHWC')
    return lax.conv_general_dilated(
        images, weights, strides, 'SAME', dimension_numbers=dimensions
    )

  def ours(weights):
    return convolution.convolve(images, weights, strides, 'SAME')

  value, vjp = jax.vjp(ours, weights)
  gradient = jax.random.normal(keys[2], value.shape)
  expected = jax.vjp(plain, weights)[1](gradient)[0]
  return vjp(gradient)[0], expected, jax.make_jaxpr(vjp)(gradient)


@needs_compiler
@pytest.mark.parametrize('channels', [1, 3, 5, 64])
@pytest.mark.parametrize('features', [16, 48, 64, 80])
def test_equals_xla(channels, features):
  got, expected, program = gradients(channels, features)
  assert 'ffi_call' in str(program)
  np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@needs_compiler
@pytest.mark.parametrize(
    ('kernel', 'strides', 'size'),
    [
        ((3, 3), (2, 2), (9, 11)),
        ((7, 7), (4, 4), (16, 21)),
        ((5, 3), (2, 1), (10, 9)),
        ((1, 1), (1, 1), (9, 9)),
        ((1, 1), (2, 2), (9, 9)),
        ((3, 3), (1, 1), (3, 300)),
    ],
)
def test_equals_xla_for_strides_and_sizes(kernel, strides, size):
  got, expected, program = gradients(2, 32, kernel, strides, size)
  assert 'ffi_call' in str(program)
  np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@needs_compiler
def test_sizes_that_do_not_fit_are_refused():
  padded, gradient = jnp.ones((1, 5, 5, 2)), jnp.ones((1, 4, 4, 16))
  assert native.available()
  with pytest.raises(Exception, match='sizes do not fit'):
    native.kernel_gradient(
        padded, gradient, kernel_shape=(3, 3, 2, 16), strides=(1, 1)
    ).block_until_ready()


@pytest.mark.parametrize('features', [2, 24])
def test_other_numbers_of_features_go_without(features):
  got, expected, program = gradients(4, features)
  assert 'ffi_call' not in str(program)
  np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('compiler', ['/nowhere/c++', shutil.which('false')])
def test_without_a_compiler_the_gradient_is_the_same(
    compiler, fresh, tmp_path, caplog
):
  fresh.setenv('CXX', compiler)
  fresh.setattr(native.devices, 'cache_folder', lambda: str(tmp_path))
  got, expected, program = gradients(4, 32)
  assert 'ffi_call' not in str(program)
  assert 'needs a C++ compiler' in caplog.text
  assert not list(tmp_path.iterdir())
  np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@needs_compiler
def test_a_failed_compilation_leaves_nothing_and_a_good_one_is_kept(
    fresh, tmp_path, caplog
):
  fresh.setattr(native.devices, 'cache_folder', lambda: str(tmp_path / 'kept'))
  broken = tmp_path / 'broken.cc'
  broken.write_text('#error')
  with fresh.context() as context:
    context.setattr(native, '_SOURCE', broken)
    assert not native.available()
  assert 'failed: ' in caplog.text and '#error' in caplog.text
  assert not list((tmp_path / 'kept').iterdir())
  compiler = os.environ.get('CXX') or 'c++'
  library = native.compile_library(compiler)
  made = os.stat(library).st_mtime_ns
  assert native.compile_library(compiler) == library
  assert os.stat(library).st_mtime_ns == made
  assert os.listdir(tmp_path / 'kept') == [os.path.basename(library)]


@needs_compiler
def test_a_folder_that_cannot_be_used_is_not_the_compilers_fault(
    fresh, tmp_path, caplog
):
  (tmp_path / 'file').touch()
  fresh.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
  assert os.path.exists(native.compile_library(os.environ.get('CXX') or 'c++'))

  def refuse(path):
    raise OSError(f'{path}: failed to map segment')

  fresh.setattr(native.ctypes.cdll, 'LoadLibrary', refuse)
  assert not native.available()
  assert 'failed to map segment' in caplog.text
  assert 'JAX_COMPILATION_CACHE_DIR' in caplog.text
  assert 'needs a C++ compiler' not in caplog.text
