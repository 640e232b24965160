"""What shading is written with: vectors, soft edges, waves and noise."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simgan_jax.simulators.eye_parameters import EyeParameters


class Vector(NamedTuple):
  """A vector for each sample (or one for all), by its coordinates."""

  x: jax.Array | float
  y: jax.Array | float
  z: jax.Array | float

  def dot(self, other: 'Vector'):
    """Returns the scalar product."""
    return self.x * other.x + self.y * other.y + self.z * other.z

  def along(self, other: 'Vector', length) -> 'Vector':
    """Returns this point moved along a direction."""
    return Vector(
        self.x + length * other.x,
        self.y + length * other.y,
        self.z + length * other.z,
    )

  def times(self, factor) -> 'Vector':
    """Returns the vector times a number."""
    return Vector(self.x * factor, self.y * factor, self.z * factor)


class Scene(NamedTuple):
  """What the surfaces share; vectors in the head's frame."""

  parameters: EyeParameters
  start: Vector  # a point of each sample's ray
  ray: Vector  # and its direction, unit length
  gaze: Vector
  side: Vector  # the iris' axes
  up: Vector
  light: Vector  # towards the light, unit length
  sky: Vector  # up in the camera's frame


def smooth(value, width=1.0):
  """Rises from 0 to 1 where value goes from -width/2 to width/2."""
  t = jnp.clip(value / width + 0.5, 0, 1)
  return t * t * (3 - 2 * t)


def bell(value):
  """Falls from 1 at 0 like a Gaussian of standard deviation 1, but cheaper."""
  return jnp.maximum(1 - value * value / 6, 0.0) ** 3


def wave(turns):
  """Goes up and down once a turn like a sine, but cheaper: two parabolas."""
  turns -= jnp.round(turns)
  return 16 * turns * (0.5 - jnp.abs(turns))


def noise(key, shape: tuple[int, ...], grid: tuple[int, int]):
  """Returns smooth noise of unit variance at the grid's points."""
  values = jax.random.uniform(key, grid, minval=-1.7, maxval=1.7)
  rows, columns = (
      _interpolation(n, k) for n, k in zip(shape, grid, strict=True)
  )
  return rows @ values @ columns.T


def _interpolation(num: int, num_knots: int) -> np.ndarray:
  """Returns the matrix of linear interpolation between knots."""
  position = np.linspace(0, num_knots - 1, num)[:, None]
  distance = np.abs(position - np.arange(num_knots)[None, :])
  return np.maximum(0, 1 - distance).astype(np.float32)
