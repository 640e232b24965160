"""Random changes of the eyes that an estimator is trained on.

Brightness, contrast, noise, blur, shifts and stretching: changes that cost
nothing, work with any training set and keep the gaze.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray

MAX_SHIFT = 3.0  # pixels, in each direction
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


def _resample(
    length: int, stretch: Float[Array, ''], shift: Float[Array, '']
) -> Float[Array, 'n n']:
  """Return the matrix that stretches an axis about its middle, then shifts it.

  Linear interpolation; the border is repeated.
  """
  pixels = jnp.arange(float(length))
  middle = (length - 1) / 2
  sources = (pixels - shift - middle) / stretch + middle
  sources = jnp.clip(sources, 0, length - 1)
  return jnp.maximum(1 - jnp.abs(sources[:, None] - pixels[None]), 0)


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
    stretches, shifts = jax.random.uniform(keys[0], (2, 2), minval=-1.0)
    rows, columns = (
        _resample(length, MAX_STRETCH**stretch, MAX_SHIFT * shift)
        for length, stretch, shift in zip(
            image.shape[:2], stretches, shifts, strict=True
        )
    )
    image = jnp.einsum('ij,jkc,lk->ilc', rows, image, columns)
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
