"""Views of images of hands, and where the joints are in them.

In training each image is rotated, zoomed and shifted at random, which stands
for the paper's rotations within 20 degrees and random crops.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PRNGKeyArray, UInt8

from simgan_jax.machine import errors
from simgan_jax.simulators import hand_images

MAX_ROTATION_DEG = 20.0
MAX_ZOOM = 1.15  # factor, or its inverse
MAX_SHIFT = 0.06  # part of the image's side, in each direction


class View(NamedTuple):
  """How the content of an image moves, where its sides have length 1."""

  turn_rad: Float[Array, ''] | float  # clockwise on the screen
  zoom: Float[Array, ''] | float  # factor
  shift: Float[Array, '2'] | tuple[float, float]  # to the right and down


# Plain numbers: arrays would start a JAX backend on import.
WHOLE = View(0.0, 1.0, (0.0, 0.0))


def check_square(images: UInt8[np.ndarray, 'n h w c']) -> None:
  """Raise InputError unless the images are square, as views must be."""
  height, width = images.shape[1:3]
  if height != width:
    raise errors.InputError(
        f'images of {height} x {width} pixels are not square, as those of hands'
        ' must be: set data.height and data.width to the same number.'
    )


def draw_view(key: PRNGKeyArray) -> View:
  """Return a random view."""
  draw = functools.partial(jax.random.uniform, minval=-1.0)
  turn, zoom, shift = jax.random.split(key, 3)
  return View(
      turn_rad=jnp.radians(MAX_ROTATION_DEG) * draw(turn),
      zoom=MAX_ZOOM ** draw(zoom),
      shift=MAX_SHIFT * draw(shift, (2,)),
  )


def look(
    image: Float[Array, 'h h c'], view: View, *, size: int
) -> Float[Array, 'size size c']:
  """Return a view of a square image by nearest neighbours.

  A mean of two depths across an edge would be the depth of neither. Pixels
  outside the image are background.
  """
  side = image.shape[0]
  cos, sin = jnp.cos(view.turn_rad), jnp.sin(view.turn_rad)
  grid = (jnp.arange(size) + 0.5) / size - 0.5
  x, y = jnp.meshgrid(grid - view.shift[0], grid - view.shift[1])
  source = jnp.stack([cos * x + sin * y, cos * y - sin * x], -1) / view.zoom
  place = jnp.floor((source + 0.5) * side).astype(jnp.int32)
  inside = jnp.all((place >= 0) & (place < side), axis=-1, keepdims=True)
  x, y = jnp.moveaxis(jnp.clip(place, 0, side - 1), -1, 0)
  return jnp.where(inside, image[y, x], hand_images.BACKGROUND)


def move(
    joints: Float[Array, 'k 2'], view: View, *, side: int, size: int
) -> Float[Array, 'k 2']:
  """Return where joints (x, y) px of an image are in a view of it.

  The sides in px are `side` and `size`; the first pixel has its centre at 0.
  """
  cos, sin = jnp.cos(view.turn_rad), jnp.sin(view.turn_rad)
  x, y = jnp.moveaxis((joints + 0.5) / side - 0.5, -1, 0)
  turned = jnp.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
  target = view.zoom * turned + jnp.asarray(view.shift)[None]
  return (target + 0.5) * size - 0.5


def augment(
    keys: Key[Array, 'b'],
    images: Float[Array, 'b h h c'],
    joints: Float[Array, 'b k 2'],
    *,
    size: int,
) -> tuple[Float[Array, 'b size size c'], Float[Array, 'b k 2']]:
  """Return random views of images in [-1, 1], and the joints in them in px."""
  views = jax.vmap(draw_view)(keys)
  move_all = functools.partial(move, side=images.shape[1], size=size)
  return (
      jax.vmap(functools.partial(look, size=size))(images, views),
      jax.vmap(move_all)(joints, views),
  )


def resize(
    images: Float[Array, 'b h h c'], *, size: int
) -> Float[Array, 'b size size c']:
  """Return whole images resampled to a side of `size` px, if they differ."""
  if images.shape[1] == size:
    return images
  return jax.vmap(lambda image: look(image, WHOLE, size=size))(images)
