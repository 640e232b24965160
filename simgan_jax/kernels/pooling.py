"""Max-pooling whose gradient is fast on a CPU and a GPU.

XLA's own gradient runs a slow loop over windows on a CPU and scatters
atomically on a GPU. Here pooling is the maximum of shifted images, one for each
position in the window, and its gradient is a sum of them. TPUs keep XLA's own.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float

from simgan_jax.kernels import platforms


def max_pool(
    images: Float[Array, 'b h w c'], window: int, stride: int, padding: str
) -> Float[Array, 'b oh ow c']:
  """Return the maximum over windows.

  Args:
    images: Images, [b, h, w, c] float.
    window: Side of the square window, pixels.
    stride: Distance from window to window, pixels.
    padding: 'SAME' or 'VALID'.

  Returns:
    [b, oh, ow, c] of the type of `images`.
  """
  return _pool(window, stride, padding)(images)


@functools.cache
def _pool(window: int, stride: int, padding: str):
  sizes = (window,) * 2, (stride,) * 2

  def shift(images):
    """Return for each position in the window all pixels at that position."""
    pads = lax.padtype_to_pads(images.shape[1:3], *sizes, padding)
    low = jnp.asarray(-jnp.inf, images.dtype)
    config = [(0, 0, 0), *((*pad, 0) for pad in pads), (0, 0, 0)]
    padded = lax.pad(images, low, config)
    rows, columns = (size - window + 1 for size in padded.shape[1:3])
    # Backwards, so that the gradient is summed forwards.
    places = itertools.product(reversed(range(window)), repeat=2)
    return [
        padded[:, i : i + rows : stride, j : j + columns : stride]
        for i, j in places
    ]

  def shifting(images):
    return functools.reduce(jnp.maximum, shift(images))

  def shifting_gradient(images, gradient):
    shifted, transpose = jax.vjp(shift, images)
    pooled = functools.reduce(jnp.maximum, shifted)
    hits = [pixels == pooled for pixels in shifted]
    # Equal maxima share the gradient.
    share = gradient / sum(hit.astype(gradient.dtype) for hit in hits)
    zero = jnp.zeros((), gradient.dtype)
    return transpose([jnp.where(hit, share, zero) for hit in hits])

  def xla(images):
    return nn.max_pool(images, *sizes, padding)

  return platforms.choose(
      cpu=(shifting, shifting_gradient),
      gpu=(shifting, shifting_gradient),
      other=platforms.with_gradient(xla),
  )
