"""The kernel gradient as machine code, where there is a C++ compiler.

`kernel_gradient.cc` is compiled at the first use, for the processor at hand,
and kept beside JAX's compiled programs. Without a compiler training is slower
and otherwise the same. It is used only where JAX's default backend is the CPU:
a machine with an accelerator traces the CPU's code too, but never compiles C++
for it. `jax.export` refuses programs that call it, as other machines lack it.
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

FEATURES = 16  # a kernel's number of features must be a multiple of this

_SOURCE = pathlib.Path(__file__).with_name('kernel_gradient.cc')
_FLAGS = ('-std=c++17', '-O3', '-march=native', '-fPIC', '-shared', '-w')
_NAME = 'simgan_kernel_gradient'


def compile_library(compiler: str) -> str:
  """Return the path of the library; compile it if it is missing.

  Args:
    compiler: Command that takes the arguments of GCC and Clang.

  Raises:
    OSError: If the command is missing or the library cannot be written.
    CalledProcessError: If the command fails.
  """
  folder = devices.cache_folder()
  run = functools.partial(subprocess.run, check=True, capture_output=True)
  version = run([compiler, '--version']).stdout
  parts = (_SOURCE.read_bytes(), version, repr(_FLAGS), jax.lib.__version__)
  digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
  library = os.path.join(folder, f'kernel_gradient_{digest}.so')
  if not os.path.exists(library):
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
      made = os.path.join(place, 'library.so')
      include = f'-I{jax.ffi.include_dir()}'
      run([compiler, *_FLAGS, include, str(_SOURCE), '-o', made])
      os.replace(made, library)  # at once: other processes may do the same
  return library


@functools.cache
def available() -> bool:
  """Return whether `kernel_gradient` can be used; compile it if needed."""
  if jax.default_backend() != 'cpu':
    return False
  compiler = os.environ.get('CXX') or 'c++'
  try:
    library = ctypes.cdll.LoadLibrary(compile_library(compiler))
  except (OSError, subprocess.CalledProcessError) as error:
    reason, remedy = str(error), 'It needs a C++ compiler, CXX or c++.'
    if isinstance(error, subprocess.CalledProcessError):
      said = error.stderr.decode(errors='replace').splitlines()
      reason = ': '.join((f'{compiler} failed', *said[:1]))
    elif shutil.which(compiler):  # so that its folder is to blame
      remedy = 'JAX_COMPILATION_CACHE_DIR chooses another folder for it.'
    logging.getLogger(__name__).warning(
        'The fast kernel gradient cannot be used (%s): on a CPU training takes'
        ' a quarter longer. %s',
        reason,
        remedy,
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
    padded: Images with their padding, [b, h, w, c] float32.
    gradient: Gradient for the output, [b, oh, ow, f] float32, where f is a
      multiple of `FEATURES`.
    kernel_shape: Shape of the kernel, (kh, kw, c, f).
    strides: Strides (vertical, horizontal), pixels.

  Returns:
    [kh, kw, c, f] float32.
  """
  result = jax.ShapeDtypeStruct(kernel_shape, jnp.float32)
  return jax.ffi.ffi_call(_NAME, result)(
      padded,
      gradient,
      row_stride=np.int64(strides[0]),
      column_stride=np.int64(strides[1]),
  )
