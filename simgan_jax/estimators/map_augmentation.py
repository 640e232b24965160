"""Random changes of images that move their points and label images along.

Shifts and stretching, then the changes of light of `augmentation`. Hands have
changes of their own, in `hand_augmentation`.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray, Shaped

from simgan_jax.estimators import augmentation

MAX_SHIFT = 0.08  # part of the image's side, in each direction


class Motion(NamedTuple):
  """How an image is stretched about its middle, then shifted; (y, x) each."""

  stretch: Float[Array, '2']  # factors
  shift: Float[Array, '2']  # pixels, down and to the right


def draw_motion(key: PRNGKeyArray, height: int, width: int) -> Motion:
  """Return a random motion of an image of this size in pixels."""
  stretch, shift = jax.random.uniform(key, (2, 2), minval=-1.0)
  return Motion(
      augmentation.MAX_STRETCH**stretch,
      MAX_SHIFT * jnp.array([height, width]) * shift,
  )


def _sources(
    shape: tuple[int, ...], motion: Motion
) -> tuple[Float[Array, 'h'], Float[Array, 'w']]:
  """Return from which row and which column each pixel of an image comes.

  Beyond the border it is the border, which is so repeated.
  """
  found = []
  for length, stretch, shift in zip(shape, *motion, strict=True):
    middle = (length - 1) / 2
    places = (jnp.arange(float(length)) - shift - middle) / stretch + middle
    found.append(jnp.clip(places, 0, length - 1))
  return found[0], found[1]


def move_image(
    image: Float[Array, 'h w c'], motion: Motion
) -> Float[Array, 'h w c']:
  """Return a moved image by linear interpolation."""
  rows, columns = (
      jnp.maximum(1 - jnp.abs(places[:, None] - jnp.arange(length)[None]), 0)
      for places, length in zip(
          _sources(image.shape[:2], motion), image.shape[:2], strict=True
      )
  )
  return jnp.einsum('ij,jkc,lk->ilc', rows, image, columns)


def move_mask(mask: Int[Array, 'h w'], motion: Motion) -> Int[Array, 'h w']:
  """Return a moved label image by nearest neighbours: no class is a mean."""
  rows, columns = (
      jnp.rint(places).astype(jnp.int32)
      for places in _sources(mask.shape, motion)
  )
  return mask[rows][:, columns]


def move_points(
    points: Float[Array, 'k 2'], motion: Motion, *, height: int, width: int
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
  draw = functools.partial(draw_motion, height=height, width=width)
  motions = jax.vmap(draw)(keys)
  move = move_mask
  if task == 'points':
    move = functools.partial(move_points, height=height, width=width)
  images = jax.vmap(move_image)(images, motions)
  images = augmentation.augment(light, images, moving=False)
  return images, jax.vmap(move)(labels, motions)
