"""Noise, so that a refiner makes several images of one; not in the paper.

The noise of an image depends on a key, the number of the image and the number
of the sample, and neither on the batch nor on the devices.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray


def sample_keys(
    key: PRNGKeyArray, numbers: Int[Array, 'b'], samples: Int[Array, 'b']
) -> PRNGKeyArray:
  """Return the keys of samples of images, [b].

  Args:
    key: Key of a step or of a data set.
    numbers: Number of each image in the batch or data set, [b] int32.
    samples: Number of the sample of that image, [b] int32.
  """
  return jax.vmap(
      lambda number, sample: jax.random.fold_in(
          jax.random.fold_in(key, number), sample
      )
  )(numbers, samples)


def draw(keys: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, 'b h w k']:
  """Return Gaussian noise of deviation 1, for each key one array of `shape`."""
  return jax.vmap(lambda key: jax.random.normal(key, shape))(keys)


def draw_inputs(
    keys: PRNGKeyArray, shape: tuple[int, ...]
) -> Float[Array, 'b h w k']:
  """Return the noise that refiners get.

  The channels 0, 2, ... differ from pixel to pixel. The channels 1, 3, ... have
  one value an image, for what changes as a whole, such as its light; a network
  that sees 19 pixels at a time could not agree on it otherwise.
  """
  noise = draw(keys, shape)
  whole = jnp.arange(shape[-1]) % 2 == 1
  return jnp.where(whole, noise[:, :1, :1], noise)
