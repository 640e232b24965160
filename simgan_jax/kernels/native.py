"""The kernel gradient as machine code, where there is a C++ compiler.

`kernel_gradient.cc` is compiled at the first use, for the processor at hand,
and kept beside JAX's compiled programs. Without a compiler training is slower
and otherwise the same.
"""

import ctypes
import functools
import hashlib
import logging
import os
import pathlib
import shutil
import subprocess
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from simgan_jax.machine import devices

FEATURES = 16  # of which a kernel's number must be a multiple

_SOURCE = pathlib.Path(__file__).with_name('kernel_gradient.cc')
_FLAGS = ('-std=c++17', '-O3', '-march=native', '-fPIC', '-shared', '-w')
_NAME = 'simgan_kernel_gradient'


def compile_library(compiler: str) -> str:
  """Return the path of the library, made if it is not there yet.

  Args:
    compiler: a command that takes the arguments of GCC and Clang.

  Raises:
    OSError: when there is no such command, or no place for the library.
    CalledProcessError: when it fails.
  """
  folder = devices.cache_folder()
  version = subprocess.run(
      [compiler, '--version'], check=True, capture_output=True
  ).stdout
  parts = (_SOURCE.read_bytes(), version, repr(_FLAGS), jax.lib.__version__)
  digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
  library = os.path.join(folder, f'kernel_gradient_{digest}.so')
  if not os.path.exists(library):
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
      made = os.path.join(place, 'library.so')
      include = f'-I{jax.ffi.include_dir()}'
      subprocess.run(
          [compiler, *_FLAGS, include, str(_SOURCE), '-o', made],
          check=True,
          capture_output=True,
      )
      os.replace(made, library)  # whole, whoever else does the same
  return library


@functools.cache
def available() -> bool:
  """Return whether `kernel_gradient` can be used; compile it if need be."""
  compiler = os.environ.get('CXX') or shutil.which('c++')
  try:
    if not compiler:
      raise FileNotFoundError('there is no c++')
    library = ctypes.cdll.LoadLibrary(compile_library(compiler))
  except (OSError, subprocess.CalledProcessError) as error:
    failed = isinstance(error, subprocess.CalledProcessError)
    logging.getLogger(__name__).warning(
        'The fast kernel gradient is not compiled (%s): on a CPU training takes'
        ' a quarter longer. It needs a C++ compiler, CXX or c++.',
        f'{compiler} failed' if failed else error,
    )
    return False
  handler = jax.ffi.pycapsule(library.SimganKernelGradient)
  jax.ffi.register_ffi_target(_NAME, handler, platform='cpu')
  return True


def kernel_gradient(
    padded: Float[Array, 'b h w c'],
    gradient: Float[Array, 'b oh ow f'],
    *,
    kernel_shape: tuple[int, int, int, int],
    strides: tuple[int, int],
) -> Float[Array, 'kh kw c f']:
  """Return the gradient of a convolution for its kernel, on a CPU.

  Args:
    padded: [b, h, w, c] float32, the images with their padding.
    gradient: [b, oh, ow, f] float32, for the output; f a multiple of 16.
    kernel_shape: (kh, kw, c, f).
    strides: pixels, (vertical, horizontal).
  """
  return jax.ffi.ffi_call(
      _NAME, jax.ShapeDtypeStruct(kernel_shape, jnp.float32)
  )(
      *(padded, gradient),
      row_stride=np.int64(strides[0]),
      column_stride=np.int64(strides[1]),
  )
