"""The history of refined images (section 2.3 and Fig. 4 of the paper).

A fixed-size device array updated functionally, so that the alternating update
stays one compiled call: no Python branch depends on how full it is.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray


class History(NamedTuple):
  """Refined images of past refiners.

  The first `count` slots hold images; `generation` tells how many refiner
  steps had been made when each was refined.
  """

  images: Float[Array, 'n h w c']  # float32 in [-1, 1]
  generation: Int[Array, 'n']  # -1 = empty
  count: Int[Array, '']


def init_history(*, size: int, image_shape: tuple[int, int, int]) -> History:
  """Return an empty history for `size` images of `image_shape` (h, w, c)."""
  return History(
      images=jnp.zeros((size, *image_shape), jnp.float32),
      generation=jnp.full((size,), -1, jnp.int32),
      count=jnp.zeros((), jnp.int32),
  )


def mix(
    history: History,
    refined: Float[Array, 'b h w c'],
    *,
    key: PRNGKeyArray,
    generation: Int[Array, ''],
) -> tuple[Float[Array, 'b h w c'], History]:
  """Compose a discriminator batch and remember the new refined images.

  The batch is the first b/2 new images and b/2 distinct ones drawn from the
  history; while that holds fewer than b/2, the other b/2 new images take their
  place. Afterwards the first b/2 new images replace b/2 distinct random slots,
  or fill the next empty ones until none is left. Drawing comes before
  replacing, so no image is seen twice in one batch.

  Args:
    history: the images of earlier steps, n >= b/2 slots.
    refined: [b, h, w, c] float32 in [-1, 1], refined just now; b even.
    key: a PRNG key for this step.
    generation: [] int32, refiner steps made so far.

  Returns:
    The batch, [b, h, w, c], and the new history.
  """
  size, half = history.images.shape[0], refined.shape[0] // 2
  draw_key, replace_key = jax.random.split(key)

  # Random scores put filled slots first: the best b/2 are a uniform draw
  # without replacement from whatever the history holds.
  slots = jnp.arange(size)
  scores = jax.random.uniform(draw_key, (size,))
  drawn = jax.lax.top_k(jnp.where(slots < history.count, scores, -1.0), half)[1]
  enough = history.count >= half
  second_half = jnp.where(enough, history.images[drawn], refined[half:])
  batch = jnp.concatenate([refined[:half], second_half])

  # The same trick puts empty slots first, in order, then random filled ones.
  scores = jax.random.uniform(replace_key, (size,))
  first_empty = 2.0 + (size - slots) / size
  replaced = jax.lax.top_k(
      jnp.where(slots < history.count, scores, first_empty), half
  )[1]
  return batch, History(
      images=history.images.at[replaced].set(refined[:half]),
      generation=history.generation.at[replaced].set(generation),
      count=jnp.minimum(history.count + half, size),
  )
