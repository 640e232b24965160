"""Building blocks of shading: vectors, soft edges, waves and noise."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simgan_jax.simulators.eye_parameters import EyeParameters


class Vector(NamedTuple):
  """The coordinates of a vector for each sample, or of one for all."""

  x: jax.Array | float
  y: jax.Array | float
  z: jax.Array | float

  def dot(self, other: 'Vector'):
    """Return the scalar product."""
    return self.x * other.x + self.y * other.y + self.z * other.z

  def along(self, other: 'Vector', length) -> 'Vector':
    """Return this point moved along a direction."""
    return Vector(*(a + length * b for a, b in zip(self, other, strict=True)))

  def times(self, factor) -> 'Vector':
    """Return the vector times a number."""
    return Vector(*(coordinate * factor for coordinate in self))


class Scene(NamedTuple):
  """What all surfaces need to know; vectors in the head's frame."""

  parameters: EyeParameters
  start: Vector  # a point of each sample's ray
  ray: Vector  # the ray's direction, unit length
  gaze: Vector
  side: Vector  # the iris' axes
  up: Vector
  light: Vector  # towards the light, unit length
  sky: Vector  # up in the camera's frame


def smooth(value, width=1.0):
  """Return a rise from 0 to 1 for values from -width/2 to width/2."""
  t = jnp.clip(value / width + 0.5, 0, 1)
  return t * t * (3 - 2 * t)


def bell(value):
  """Return about exp(-value^2 / 2), but cheaper."""
  return jnp.maximum(1 - value * value / 6, 0.0) ** 3


def wave(turns):
  """Return about the sine of full turns, but cheaper: two parabolas."""
  turns -= jnp.round(turns)
  return 16 * turns * (0.5 - jnp.abs(turns))


def noise(key, shape: tuple[int, ...], grid: tuple[int, int]):
  """Return smooth noise, of unit variance at the points of a coarse grid."""
  values = jax.random.uniform(key, grid, minval=-1.7, maxval=1.7)
  rows, columns = map(_interpolation, shape, grid)
  return rows @ values @ columns.T


def _interpolation(num: int, num_knots: int) -> np.ndarray:
  """Return the matrix of linear interpolation between knots."""
  position = np.linspace(0, num_knots - 1, num)[:, None]
  distance = np.abs(position - np.arange(num_knots)[None, :])
  return np.maximum(0, 1 - distance).astype(np.float32)
