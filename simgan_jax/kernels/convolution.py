"""Convolution that is fast on a CPU and, for grey images, on a GPU.

XLA's forward convolution runs near a CPU's peak, but its gradients do not: the
kernel gradient takes about five times as long, and inside a loop (`lax.scan`)
both gradients fall back to code a hundred times slower. So a CPU computes the
image gradient as another forward convolution, and the kernel gradient by our
own machine code or, without a compiler, one matrix product an image. A GPU
leaves out only convolutions from or to very few channels, for which cuDNN has
no good kernels. TPUs keep XLA's own.
"""

import functools
import math
from collections.abc import Sequence

import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float

from simgan_jax.kernels import native, platforms

_DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')
_FEW = 4  # channels that cuDNN would pad to eight
_SHORT = 32  # scalars of a patch that are cheap to write out
Pads = tuple[tuple[int, int], tuple[int, int]]


def _xla(images, kernel, strides, pads):
  return lax.conv_general_dilated(
      images, kernel, strides, pads, dimension_numbers=_DIMENSIONS
  )


def _convolution(images, kernel, strides, pads):
  """Return the same as `_xla`, faster on a CPU where there is no padding.

  Without padding XLA takes a path 2 to 3 times slower. Padding by one more row,
  cut off afterwards, avoids that path.
  """
  if any(sum(pads, ())) or kernel.shape[:2] == (1, 1):
    return _xla(images, kernel, strides, pads)
  height = (images.shape[1] - kernel.shape[0]) // strides[0] + 1
  return _xla(images, kernel, strides, ((0, strides[0]), (0, 0)))[:, :height]


def _columns(padded: Float[Array, '*b h w c'], kernel_size, strides):
  """Return the patch around every output pixel, [..., oh, ow, kh * kw * c]."""
  (kh, kw), (sh, sw) = kernel_size, strides
  rows, columns = padded.shape[-3] - kh + 1, padded.shape[-2] - kw + 1
  shifted = [
      padded[..., i : i + rows : sh, j : j + columns : sw, :]
      for i in range(kh)
      for j in range(kw)
  ]
  return jnp.concatenate(shifted, axis=-1)


def _image_gradient(images_shape, kernel, gradient, strides, pads):
  """Return the gradient for the images as a forward convolution.

  The output gradient is spread out by the strides, padded to the size that the
  flipped kernel needs, and convolved.
  """
  spread = [(0, 0, 0)]
  for axis in (0, 1):
    size, stride = gradient.shape[axis + 1], strides[axis]
    before = kernel.shape[axis] - 1 - pads[axis][0]
    after = images_shape[axis + 1] - 1 - (size - 1) * stride + pads[axis][0]
    spread.append((before, after, stride - 1))
  spread.append((0, 0, 0))
  gradient = lax.pad(gradient, jnp.zeros((), gradient.dtype), spread)
  flipped = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
  return _xla(gradient, flipped, (1, 1), ((0, 0), (0, 0)))


def _kernel_gradient(images, kernel_shape, gradient, strides, pads):
  """Return the gradient for the kernel.

  Without `native` it is one matrix product an image. One image at a time keeps
  its columns in the cache. The transposed gradient comes first because Eigen
  multiplies [f, n] x [n, k] fastest.
  """
  padded = jnp.pad(images, ((0, 0), *pads, (0, 0)))
  features = gradient.shape[3]
  if (
      features % native.FEATURES == 0
      and padded.dtype == gradient.dtype == jnp.float32
      and native.available()
  ):
    return native.kernel_gradient(
        padded, gradient, kernel_shape=kernel_shape, strides=strides
    )
  if kernel_shape[:2] == strides == (1, 1):
    product = jnp.tensordot(gradient, padded, ((0, 1, 2),) * 2)
    return product.T.reshape(kernel_shape).astype(images.dtype)

  def add(total, image_and_gradient):
    image, gradient = image_and_gradient
    columns = _columns(image, kernel_shape[:2], strides)
    columns = columns.reshape(-1, width)
    transposed = gradient.reshape(-1, features).T
    dot = functools.partial(lax.dot, preferred_element_type=jnp.float32)
    return total + dot(transposed, columns), None

  width = math.prod(kernel_shape[:3])
  total = jnp.zeros((features, width), jnp.float32)
  total, _ = lax.scan(add, total, (padded, gradient))
  return total.T.reshape(kernel_shape).astype(images.dtype)


def _cpu_gradients(images, kernel, gradient, strides, pads):
  return (
      _image_gradient(images.shape, kernel, gradient, strides, pads),
      _kernel_gradient(images, kernel.shape, gradient, strides, pads),
  )


def _gpu(images, kernel, strides, pads):
  """Return the same as `_xla`, with few channels by code that moves less."""
  (kh, kw, channels, features), one = kernel.shape, (1, 1)
  if (kh, kw) == strides == one and features <= _FEW:
    # In float32, so that the kernel gradient is summed in it; all one fusion.
    products = images.astype(jnp.float32)[..., None] * kernel[None]
    return products.sum(-2).astype(images.dtype)
  if channels > _FEW or kh * kw * channels > _SHORT:
    return _xla(images, kernel, strides, pads)
  # Computes the images once, not once for each patch.
  images = lax.optimization_barrier(images)
  padded = jnp.pad(images, ((0, 0), *pads, (0, 0)))
  columns = _columns(padded, (kh, kw), strides)
  return columns @ kernel.reshape(-1, features)


@functools.cache
def _convolution_of(strides: tuple[int, int], pads: Pads):
  """Return the convolution of images with a kernel, for all platforms."""
  cpu, cpu_gradients, gpu, xla = (
      functools.partial(function, strides=strides, pads=pads)
      for function in (_convolution, _cpu_gradients, _gpu, _xla)
  )
  return platforms.choose(
      cpu=(cpu, cpu_gradients),
      gpu=platforms.with_gradient(gpu),
      other=platforms.with_gradient(xla),
  )


def convolve(
    images: Float[Array, 'b h w c'],
    kernel: Float[Array, 'kh kw c f'],
    strides: tuple[int, int] = (1, 1),
    padding: str | Sequence[tuple[int, int]] = 'SAME',
    **options: object,
) -> Float[Array, 'b oh ow f']:
  """Return the convolution of `images` with `kernel`.

  Args:
    images: Images, [b, h, w, c] float32 or bfloat16.
    kernel: Kernel, [kh, kw, c, f] of the same type.
    strides: Strides (vertical, horizontal), pixels.
    padding: 'SAME', 'VALID' or pixels ((top, bottom), (left, right)).
    **options: Further options of `nn.Conv`; ignored, as only their defaults
      make sense here.

  Returns:
    [b, oh, ow, f] of the type of `images`.
  """
  del options
  size, window = images.shape[1:3], kernel.shape[:2]
  if isinstance(padding, str):
    padding = lax.padtype_to_pads(size, window, strides, padding)
  pads = tuple(map(tuple, padding))
  return _convolution_of(tuple(strides), pads)(images, kernel)


Conv = functools.partial(nn.Conv, conv_general_dilated=convolve)
