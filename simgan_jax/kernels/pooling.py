"""Max-pooling whose gradient is fast on a CPU and a GPU.

XLA's own runs a slow loop over windows on the one and scatters atomically on
the other. Here pooling is the maximum of shifted images, one a position in the
window, and its gradient a sum of them. TPUs keep XLA's own.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float


def _padded(images, window: int, stride: int, padding: str):
  size = images.shape[1:3]
  pads = lax.padtype_to_pads(size, (window,) * 2, (stride,) * 2, padding)
  low = jnp.asarray(-jnp.inf, images.dtype)
  config = [(0, 0, 0), *((*pad, 0) for pad in pads), (0, 0, 0)]
  return lax.pad(images, low, config), pads


def _shifted(padded, window: int, stride: int, size: tuple[int, ...]):
  """Return, for each position in the window, the pixels that stand there."""
  rows, columns = [stride * (n - 1) + 1 for n in size]
  return [
      ((i, j), padded[:, i : i + rows : stride, j : j + columns : stride])
      for i in range(window)
      for j in range(window)
  ]


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def _shifting(images, window: int, stride: int, padding: str):
  """Return the maximum over windows; equal maxima share the gradient."""
  padded, _ = _padded(images, window, stride, padding)
  size = tuple((n - window) // stride + 1 for n in padded.shape[1:3])
  shifted = _shifted(padded, window, stride, size)
  return functools.reduce(jnp.maximum, [pixels for _, pixels in shifted])


def _forward(images, window, stride, padding):
  pooled = _shifting(images, window, stride, padding)
  return pooled, (images, pooled)


def _backward(window, stride, padding, saved, gradient):
  images, pooled = saved
  padded, pads = _padded(images, window, stride, padding)
  shifted = _shifted(padded, window, stride, pooled.shape[1:3])
  hits = [(place, pixels == pooled) for place, pixels in shifted]
  share = gradient / sum(hit.astype(gradient.dtype) for _, hit in hits)
  zero = jnp.zeros((), gradient.dtype)
  total = jnp.zeros(padded.shape, gradient.dtype)
  for place, hit in hits:
    config = [(0, 0, 0)]
    for axis, before in enumerate(place, start=1):
      length = stride * (pooled.shape[axis] - 1) + 1
      after = padded.shape[axis] - before - length
      config.append((before, after, stride - 1))
    config.append((0, 0, 0))
    total += lax.pad(jnp.where(hit, share, zero), zero, config)
  (top, _), (left, _) = pads
  height, width = images.shape[1:3]
  return (total[:, top : top + height, left : left + width],)


_shifting.defvjp(_forward, _backward)


def max_pool(
    images: Float[Array, 'b h w c'], window: int, stride: int, padding: str
) -> Float[Array, 'b oh ow c']:
  """Return the maximum over windows.

  Args:
    images: [b, h, w, c] float.
    window: side of the square window, pixels.
    stride: pixels from window to window.
    padding: 'SAME' or 'VALID'.
  """
  if jax.default_backend() != 'tpu':
    return _shifting(images, window, stride, padding)
  return nn.max_pool(images, (window,) * 2, (stride,) * 2, padding)
