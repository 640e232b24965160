"""Random changes of the images that an estimator is trained on.

Brightness, contrast, noise, blur, shifts and stretching: changes that cost
nothing and work with any training set.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray

MAX_SHIFT = 3.0  # pixels, in each direction, of an image of `SIZE`
SIZE = 35 * 55  # pixels; shifts grow with the root of the number of pixels
MAX_STRETCH = 1.18  # factor, or its inverse, of height and width each
CONTRAST = (0.5, 1.6)  # factors of the distance from the mean of the image
MAX_BRIGHTNESS = 0.4  # up and down, for images in [-1, 1]
MAX_BLUR = 1.0  # standard deviation in pixels
MAX_NOISE = 0.06  # standard deviation, for images in [-1, 1]


def _blur(
    image: Float[Array, 'h w c'], deviation: Float[Array, '']
) -> Float[Array, 'h w c']:
  """Return the image blurred by a 5x5 Gaussian; the border is repeated."""
  offsets = jnp.arange(-2.0, 3.0)
  kernel = jax.nn.softmax(-0.5 * (offsets / jnp.maximum(deviation, 0.1)) ** 2)
  for axis in (0, 1):
    pads = [(2, 2) if i == axis else (0, 0) for i in range(3)]
    padded = jnp.pad(image, pads, mode='edge')
    length = image.shape[axis]
    parts = [
        jax.lax.slice_in_dim(padded, i, i + length, axis=axis) for i in range(5)
    ]
    image = jnp.tensordot(kernel, jnp.stack(parts), axes=1)
  return image


class Motion(NamedTuple):
  """How an image is stretched about its middle, then shifted; (y, x) each."""

  stretch: Float[Array, '2']  # factors
  shift: Float[Array, '2']  # pixels, down and to the right


def draw_motion(key: PRNGKeyArray, max_shift: Float[Array, '2']) -> Motion:
  """Return a random motion, with shifts of up to `max_shift` (y, x) pixels."""
  stretch, shift = jax.random.uniform(key, (2, 2), minval=-1.0)
  return Motion(MAX_STRETCH**stretch, max_shift * shift)


def find_sources(
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
          find_sources(image.shape[:2], motion), image.shape[:2], strict=True
      )
  )
  return jnp.einsum('ij,jkc,lk->ilc', rows, image, columns)


def augment(
    keys: Key[Array, 'b'],
    images: Float[Array, 'b h w c'],
    *,
    moving: bool = True,
) -> Float[Array, 'b h w c']:
  """Return randomly changed copies of images in [-1, 1], with a key each.

  Args:
    keys: Keys of the images, [b].
    images: Images, [b, h, w, c] float32 in [-1, 1].
    moving: Whether to shift and stretch them too, which changes places.
  """
  return jax.vmap(functools.partial(_augment, moving=moving))(keys, images)


def _augment(
    key: PRNGKeyArray, image: Float[Array, 'h w c'], *, moving: bool
) -> Float[Array, 'h w c']:
  keys = jax.random.split(key, 5)
  if moving:
    height, width = image.shape[:2]
    shift = MAX_SHIFT * math.sqrt(height * width / SIZE)
    image = move_image(image, draw_motion(keys[0], jnp.full(2, shift)))
  image = _blur(image, jax.random.uniform(keys[1], maxval=MAX_BLUR))
  contrast = jax.random.uniform(keys[2], minval=CONTRAST[0], maxval=CONTRAST[1])
  brightness = jax.random.uniform(
      keys[3], minval=-MAX_BRIGHTNESS, maxval=MAX_BRIGHTNESS
  )
  mean = jnp.mean(image)
  image = (image - mean) * contrast + mean + brightness
  key_amount, key_noise = jax.random.split(keys[4])
  noise = jax.random.uniform(key_amount, maxval=MAX_NOISE)
  image += noise * jax.random.normal(key_noise, image.shape)
  return jnp.clip(image, -1.0, 1.0)
