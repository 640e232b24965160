"""Convolution that is fast on a CPU and, for grey images, on a GPU.

XLA's forward convolution runs near a CPU's peak, but its gradients do not: the
kernel gradient takes about five times as long, and inside a loop (`lax.scan`)
both gradients fall back to code a hundred times slower. Here the gradients are
written as what is fast everywhere: another forward convolution, and machine
code of our own or, without a compiler, one matrix product an image. On a GPU
only convolutions from or to very few channels are written out, for which cuDNN
has no good kernels. TPUs keep XLA's own.
"""

import functools
import math

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float

from simgan_jax.kernels import native

_DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')
_FEW = 4  # channels that cuDNN would pad to eight
_SHORT = 32  # scalars of a patch that are cheap to write out
Pads = tuple[tuple[int, int], tuple[int, int]]


def _xla(images, kernel, strides, pads):
  return lax.conv_general_dilated(
      images, kernel, strides, pads, dimension_numbers=_DIMENSIONS
  )


def _convolution(images, kernel, strides, pads):
  """Return the same, faster where there is no padding.

  XLA then takes a path 2 to 3 times slower; windows that reach into one more
  row, cut off afterwards, avoid it.
  """
  if any(sum(pads, ())) or kernel.shape[:2] == (1, 1):
    return _xla(images, kernel, strides, pads)
  height = (images.shape[1] - kernel.shape[0]) // strides[0] + 1
  return _xla(images, kernel, strides, ((0, strides[0]), (0, 0)))[:, :height]


def _columns(padded: Float[Array, '*b h w c'], kernel_size, strides, size):
  """Return the patch around every output pixel, [..., oh, ow, kh * kw * c]."""
  (kh, kw), (sh, sw), (oh, ow) = kernel_size, strides, size
  rows, columns = sh * (oh - 1) + 1, sw * (ow - 1) + 1
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

  Without `native` it is one matrix product an image: one at a time keeps its
  columns in the cache; the transposed gradient comes first because Eigen
  multiplies [f, n] x [n, k] fastest.
  """
  padded = jnp.pad(images, ((0, 0), *pads, (0, 0)))
  features, size = gradient.shape[3], gradient.shape[1:3]
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
    columns = _columns(image, kernel_shape[:2], strides, size)
    columns = columns.reshape(math.prod(size), -1)
    product = lax.dot(
        gradient.reshape(-1, features).T,
        columns,
        preferred_element_type=jnp.float32,
    )
    return total + product, None

  width = math.prod(kernel_shape[:3])
  total = jnp.zeros((features, width), jnp.float32)
  total, _ = lax.scan(add, total, (padded, gradient))
  return total.T.reshape(kernel_shape).astype(images.dtype)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _cpu(images, kernel, strides, pads):
  return _convolution(images, kernel, strides, pads)


def _cpu_forward(images, kernel, strides, pads):
  return _convolution(images, kernel, strides, pads), (images, kernel)


def _cpu_backward(strides, pads, saved, gradient):
  images, kernel = saved
  return (
      _image_gradient(images.shape, kernel, gradient, strides, pads),
      _kernel_gradient(images, kernel.shape, gradient, strides, pads),
  )


_cpu.defvjp(_cpu_forward, _cpu_backward)


def _gpu(images, kernel, strides, pads):
  """Return the same, less as a convolution than as what moves fewer bytes."""
  (kh, kw, channels, features), one = kernel.shape, (1, 1)
  if (kh, kw) == strides == one and features <= _FEW:
    # In float32, so that the kernel gradient is summed in it; all one fusion.
    products = images.astype(jnp.float32)[..., None] * kernel[None]
    return products.sum(-2).astype(images.dtype)
  if channels > _FEW or kh * kw * channels > _SHORT:
    return _xla(images, kernel, strides, pads)
  # Once for all patches, not again for each: it may come from the history.
  images = lax.optimization_barrier(images)
  padded = jnp.pad(images, ((0, 0), *pads, (0, 0)))
  height = (padded.shape[1] - kh) // strides[0] + 1
  width = (padded.shape[2] - kw) // strides[1] + 1
  columns = _columns(padded, (kh, kw), strides, (height, width))
  return columns @ kernel.reshape(-1, features)


def convolve(
    images: Float[Array, 'b h w c'],
    kernel: Float[Array, 'kh kw c f'],
    strides: tuple[int, int] = (1, 1),
    padding: str | Pads = 'SAME',
    **options: object,
) -> Float[Array, 'b oh ow f']:
  """Return the convolution of `images` with `kernel`.

  Args:
    images: [b, h, w, c] float32 or bfloat16.
    kernel: [kh, kw, c, f], of the same type.
    strides: pixels, (vertical, horizontal).
    padding: 'SAME', 'VALID' or pixels ((top, bottom), (left, right)).
    **options: what `nn.Conv` passes on; only its defaults make sense here.

  Returns:
    [b, oh, ow, f] of the type of `images`.
  """
  del options
  if isinstance(padding, str):
    window = kernel.shape[:2]
    pads = lax.padtype_to_pads(images.shape[1:3], window, strides, padding)
  else:
    pads = padding
  pads = tuple(tuple(pair) for pair in pads)
  functions = {'cpu': _cpu, 'gpu': _gpu}
  function = functions.get(jax.default_backend(), _xla)
  return function(images, kernel, tuple(strides), pads)


Conv = functools.partial(nn.Conv, conv_general_dilated=convolve)
