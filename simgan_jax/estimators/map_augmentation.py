"""Random changes of images that move their points and label images along.

Shifts and stretching, then the changes of light of `augmentation`. Hands have
changes of their own, in `hand_augmentation`.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Shaped

from simgan_jax.estimators import augmentation
from simgan_jax.estimators.augmentation import Motion

MAX_SHIFT = 0.08  # part of the image's side, in each direction


def move_mask(mask: Int[Array, 'h w'], motion: Motion) -> Int[Array, 'h w']:
  """Return a moved label image by nearest neighbours: no class is a mean."""
  rows, columns = (
      jnp.rint(places).astype(jnp.int32)
      for places in augmentation.find_sources(mask.shape, motion)
  )
  return mask[rows][:, columns]


def move_points(
    points: Float[Array, 'k 2'],
    motion: Motion,
    *,
    height: int,
    width: int,
) -> Float[Array, 'k 2']:
  """Return where points (x, y) px are after the motion; NaN stays NaN."""
  middle = (jnp.array([width, height]) - 1) / 2
  stretch, shift = motion.stretch[::-1], motion.shift[::-1]
  return (points - middle[None]) * stretch[None] + (middle + shift)[None]


def augment(
    keys: Key[Array, 'b'],
    images: Float[Array, 'b h w c'],
    labels: Shaped[Array, 'b ...'],
    *,
    task: str,
) -> tuple[Float[Array, 'b h w c'], Shaped[Array, 'b ...']]:
  """Return randomly changed images, and their labels moved with them.

  Args:
    keys: Keys of the images, [b].
    images: Images, [b, h, w, c] float32 in [-1, 1].
    labels: For the task 'points', (x, y) of the points, [b, k, 2] float32, px
      of the images; for 'mask', classes of the pixels, [b, h, w] int32.
    task: 'points' or 'mask'.
  """
  height, width = images.shape[1:3]
  keys, light = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
  max_shift = MAX_SHIFT * jnp.array([height, width])
  motions = jax.vmap(augmentation.draw_motion, (0, None))(keys, max_shift)
  move = move_mask
  if task == 'points':
    move = functools.partial(move_points, height=height, width=width)
  images = jax.vmap(augmentation.move_image)(images, motions)
  images = augmentation.augment(light, images, moving=False)
  return images, jax.vmap(move)(labels, motions)
