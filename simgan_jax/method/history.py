"""The history of refined images (section 2.3 and Fig. 4 of the paper).

The history is a fixed-size device array that is updated functionally. No Python
branch depends on how full it is, so the alternating update is one compiled
call.

A discriminator batch has b/2 pairs of one new and one old image, and every pair
owns an equal part of the history. A pair never uses the part of another pair.
So devices exchange no images when they share a batch, and the results do not
depend on the number of devices.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray


class History(NamedTuple):
  """Refined images of past refiners.

  The first `count` slots of every pair hold images. The generation of an image
  is the number of refiner steps made before it was refined.
  """

  # float32 in [-1, 1], m slots per pair; m = 0 disables the history
  images: Float[Array, 'pairs m h w c']
  generation: Int[Array, 'all_pairs m']  # -1 = empty
  count: Int[Array, '']


def init_history(
    *, size: int, batch_size: int, image_shape: tuple[int, int, int]
) -> History:
  """Return an empty history.

  Args:
    size: Number of images, rounded up to a multiple of b/2; 0 disables it.
    batch_size: Number of images in a discriminator batch, b; even.
    image_shape: Shape of an image, (h, w, c).
  """
  pairs = batch_size // 2
  slots = -(-size // pairs)
  return History(
      images=jnp.zeros((pairs, slots, *image_shape), jnp.float32),
      generation=jnp.full((pairs, slots), -1, jnp.int32),
      count=jnp.zeros((), jnp.int32),
  )


def has_slots(history: History) -> bool:
  """Return whether the history can hold images at all."""
  return history.images.shape[1] > 0


def mix(
    history: History,
    refined: Float[Array, 'pairs h w c'],
    *,
    key: PRNGKeyArray,
    generation: Int[Array, ''],
    first_pair: int | Int[Array, ''] = 0,
) -> tuple[Float[Array, 'b h w c'], History]:
  """Compose a discriminator batch and remember the new refined images.

  Every pair gives its new image and an image drawn from its part of the
  history. While that part is empty, it gives its new image twice. Afterwards
  the new image fills the next empty slot of its pair; when no slot is empty, it
  replaces a random one.

  Args:
    history: Images of earlier steps, with at least one slot per pair.
    refined: New refined images, [b/2, h, w, c] float32 in [-1, 1].
    key: PRNG key of this step, the same on every device.
    generation: Number of refiner steps made so far, [] int32.
    first_pair: Number of the first pair on this device.

  Returns:
    The batch, [b, h, w, c], with the new images first, and the new history.
  """
  all_pairs, slots = history.generation.shape
  draw_key, replace_key = jax.random.split(key)
  # Drawn for all pairs on every device, so that the split does not matter.
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


def describe(
    history: History, refiner_step: int | Int[Array, '']
) -> dict[str, Float[Array, '']]:
  """Return the metrics `history/*`.

  Args:
    history: History after a step.
    refiner_step: Number of refiner steps made so far.

  Returns:
    `history/images`, the number of images, and `history/age_span`, the number
    of refiner steps between the oldest and the newest image; float32 scalars.
  """
  step = jnp.asarray(refiner_step)
  generation = history.generation
  oldest = jnp.min(jnp.where(generation >= 0, generation, step), initial=step)
  newest = jnp.max(generation, initial=oldest)
  num_images = history.count * len(generation)
  return {
      'history/images': num_images.astype(jnp.float32),
      'history/age_span': (newest - oldest).astype(jnp.float32),
  }
