"""The history of refined images (section 2.3 and Fig. 4 of the paper).

A fixed-size device array updated functionally, so that the alternating update
stays one compiled call: no Python branch depends on how full it is.

A discriminator batch consists of b/2 pairs, one new image and one old image
each, and every pair owns an equal part of the history. Where a pair's images
come from never depends on the others, so that a batch split over devices needs
no exchange of images, and results do not depend on how many devices there are.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray


class History(NamedTuple):
  """Refined images of past refiners.

  The first `count` slots of every pair hold images; `generation` tells how
  many refiner steps had been made when each was refined.
  """

  # float32 in [-1, 1], m slots a pair; none: no history
  images: Float[Array, 'pairs m h w c']
  generation: Int[Array, 'all_pairs m']  # -1 = empty
  count: Int[Array, '']


def init_history(
    *, size: int, batch_size: int, image_shape: tuple[int, int, int]
) -> History:
  """Return an empty history.

  Args:
    size: images it holds, rounded up to a multiple of b/2; 0 for no history.
    batch_size: b, even.
    image_shape: (h, w, c).
  """
  pairs = batch_size // 2
  slots = -(-size // pairs)
  return History(
      images=jnp.zeros((pairs, slots, *image_shape), jnp.float32),
      generation=jnp.full((pairs, slots), -1, jnp.int32),
      count=jnp.zeros((), jnp.int32),
  )


def mix(
    history: History,
    refined: Float[Array, 'pairs h w c'],
    *,
    key: PRNGKeyArray,
    generation: Int[Array, ''],
    first_pair: int | Int[Array, ''] = 0,
) -> tuple[Float[Array, 'b h w c'], History]:
  """Compose a discriminator batch and remember the new refined images.

  Every pair gives its new image and one drawn from its part of the history, or
  its new image twice while that is empty. Afterwards the new image replaces a
  random slot of its pair, or fills the next empty one until none is left.
  Drawing comes before replacing.

  Args:
    history: the images of earlier steps, with a slot a pair or more.
    refined: [b/2, h, w, c] float32 in [-1, 1], refined just now.
    key: a PRNG key for this step, the same on every device.
    generation: [] int32, refiner steps made so far.
    first_pair: the number of the first pair in `refined` and in the images of
      the history, where these are a part of the whole batch.

  Returns:
    The batch, [b, h, w, c], the new images first, and the new history.
  """
  all_pairs, slots = history.generation.shape
  draw_key, replace_key = jax.random.split(key)
  # For all pairs everywhere: the draws do not depend on who owns a pair.
  drawn = jax.random.randint(
      draw_key, (all_pairs,), 0, jnp.maximum(history.count, 1)
  )
  replaced = jnp.where(
      history.count < slots,
      history.count,
      jax.random.randint(replace_key, (all_pairs,), 0, slots),
  )

  def own(numbers):
    return jax.lax.dynamic_slice_in_dim(numbers, first_pair, len(refined))

  pair = jnp.arange(len(refined))
  old = history.images[pair, own(drawn)]
  batch = jnp.concatenate(
      [
          refined,
          jnp.where(history.count > 0, old, refined),
      ]
  )
  return batch, History(
      images=history.images.at[pair, own(replaced)].set(refined),
      generation=history.generation.at[jnp.arange(all_pairs), replaced].set(
          generation
      ),
      count=jnp.minimum(history.count + 1, slots),
  )
