"""The camera of the domain 'real': what a photograph does to an image."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

# Luminance quantisation of JPEG, ITU-T T.81, table K.1.
_QUANTISATION = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)


class CameraParameters(NamedTuple):
  """One photograph, float32 scalars; grey values here are in [0, 1]."""

  exposure: Float[Array, '']  # factor on the linear light
  contrast: Float[Array, '']  # 0 a straight line, 1 a full S-curve
  black: Float[Array, '']  # grey value of no light, from flare
  defocus_x: Float[Array, '']  # standard deviation of the blur, px
  defocus_y: Float[Array, '']
  noise: Float[Array, '']  # standard deviation at white, grey values
  compression: Float[Array, '']  # factor on JPEG's table: 1 is quality 50


def photograph(
    key: Key[Array, ''],
    image: Float[Array, 'h w 1'],
    camera: CameraParameters,
) -> Float[Array, 'h w 1']:
  """Return a photograph of a rendered image, [h, w, 1] float32 in [-1, 1].

  Defocus, exposure, flare and contrast curve, shot and read noise, and JPEG's
  8 x 8 block quantisation, in this order.

  Args:
    key: Key of the noise.
    image: Rendered image, [h, w, 1] float32 in [-1, 1].
    camera: Parameters of the photograph.
  """
  grey = image[..., 0] / 2 + 0.5
  grey = _blur(_blur(grey, camera.defocus_y).T, camera.defocus_x).T
  # The image has a display's gamma, but exposure scales linear light.
  grey = (grey**2.2 * camera.exposure) ** (1 / 2.2)
  grey = camera.black + (1 - camera.black) * jnp.clip(grey, 0, 1)
  curve = grey * grey * (3 - 2 * grey)
  grey = grey + camera.contrast * (curve - grey)
  noise = jax.random.normal(key, grey.shape)
  grey = grey + camera.noise * jnp.sqrt(0.2 + 0.8 * grey) * noise
  grey = _compress(grey, camera.compression)
  return jnp.clip(2 * grey - 1, -1, 1)[..., None]


def _transform(matrix, values, *, axis: int):
  """Return the product of `matrix` and `values` along an axis.

  This is no matrix product, whose rounding depends on the number of threads: a
  quantised image would depend on the number of devices.
  """
  values = jnp.expand_dims(jnp.moveaxis(values, axis, -1), -2)
  shape = (1,) * (values.ndim - 2) + matrix.shape
  matrix = jnp.asarray(matrix, jnp.float32).reshape(shape)
  return jnp.moveaxis(jnp.sum(values * matrix, axis=-1), -1, axis)


def _blur(grey: Float[Array, 'h w'], sigma: Float[Array, '']):
  """Return the image blurred along the first axis by a Gaussian."""
  index = jnp.arange(grey.shape[0])
  distance = index[:, None] - index[None, :]
  weights = jnp.exp(-0.5 * (distance / sigma) ** 2)
  return _transform(weights / weights.sum(1, keepdims=True), grey, axis=0)


def _compress(grey: Float[Array, 'h w'], strength: Float[Array, '']):
  """Return the image after JPEG's quantisation of 8 x 8 cosine transforms."""
  height, width = grey.shape
  padded = jnp.pad(grey, ((0, -height % 8), (0, -width % 8)), mode='edge')
  blocks = padded.reshape(padded.shape[0] // 8, 8, padded.shape[1] // 8, 8)
  index = np.arange(8)
  dct = np.cos(np.pi * index[:, None] * (2 * index[None, :] + 1) / 16) / 2
  dct[0] /= np.sqrt(2)
  step = _QUANTISATION[None, :, None, :] * strength / 255
  coefficients = _transform(dct, _transform(dct, blocks - 0.5, axis=1), axis=3)
  restored = jnp.round(coefficients / step) * step
  blocks = _transform(dct.T, _transform(dct.T, restored, axis=1), axis=3) + 0.5
  return blocks.reshape(padded.shape)[:height, :width]
