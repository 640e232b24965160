"""Where a hand is in front of the camera, and what else is there.

The camera's frame, in mm, has x right, y down and z ahead. An image shows a
cube as described in `hand_images`: a part of the sensor's own image.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from simgan_jax.simulators import hand_images
from simgan_jax.simulators.hand_kinematics import turn
from simgan_jax.simulators.hand_sensor import FOCAL_PX
from simgan_jax.simulators.hand_surface import Cones

DISTANCE_MM = (550.0, 900.0)  # of the cube's centre
# The largest distance of the cube's centre from the camera's axis, along x and
# y, and of the hand from the cube's centre.
_PLACE_PX = np.array([130.0, 70.0], np.float32)
_OFFSET_MM = 10.0
# Mean and standard deviation of the turn about the hand's length, the camera's
# x and the camera's z, degrees. The arm comes from behind the hand.
_TURN = np.array([[0.0, 32.0], [15.0, 22.0], [0.0, 32.0]], np.float32)
_TURN_LIMITS = np.array([[-75.0, 75.0], [-30.0, 70.0], [-90.0, 90.0]])
_BACK_SHARE = 0.45  # share of views that show the back of the hand
_FOREARM_MM = (90.0, 220.0)
_CLUTTER_SHARE = 0.04  # share of images with clutter, for each of two kinds


class HandView(NamedTuple):
  """How the camera sees a hand; float32."""

  turns: Float[Array, '3']  # about its length, the camera's x and z; radians
  centre: Float[Array, '3']  # of the cube, mm
  offset: Float[Array, '3']  # from there to the middle of the joints, mm
  forearm: Float[Array, '']  # its length, mm


def sample_view(key: Key[Array, '']) -> HandView:
  """Draw a view, mostly on the palm or the back with the fingers up."""
  turns_key, key = jax.random.split(key)
  degrees = _TURN[:, 0] + _TURN[:, 1] * jax.random.normal(turns_key, (3,))
  degrees = jnp.clip(degrees, _TURN_LIMITS[:, 0], _TURN_LIMITS[:, 1])
  (facing, distance, forearm), place, offset = jnp.split(
      jax.random.uniform(key, (8,)), [3, 5]
  )
  distance = _between(*DISTANCE_MM, distance)
  x, y = _between(-_PLACE_PX, _PLACE_PX, place) * distance / FOCAL_PX
  return HandView(
      turns=jnp.radians(degrees).at[0].add(jnp.pi * (facing < _BACK_SHARE)),
      centre=jnp.stack([x, y, distance]),
      offset=_between(-_OFFSET_MM, _OFFSET_MM, offset),
      forearm=_between(*_FOREARM_MM, forearm),
  )


def _between(low, high, share):
  return low + (high - low) * share


def turned(points: Float[Array, 'n 3'], view: HandView) -> Float[Array, 'n 3']:
  """Return points of the hand's frame along the camera's axes."""
  for axis, angle in zip((1, 0, 2), view.turns, strict=True):
    points = turn(points, axis, angle)
  return points


def intrinsics(view: HandView, *, height: int, width: int) -> Float[Array, '4']:
  """Return (fx, fy, cx, cy) px of an image that is as wide as the cube."""
  focal = width * view.centre[2] / hand_images.CUBE_MM
  image_middle = (jnp.array([width, height]) - 1) / 2
  middle = image_middle - focal * view.centre[:2] / view.centre[2]
  return jnp.stack([focal, focal, *middle])


def sample_clutter(key: Key[Array, ''], view: HandView) -> Cones:
  """Draw two things that are in some images, at the rim of the cube.

  One is like an arm beside the hand, one broad like a body behind it. A missing
  thing is far outside the image.

  Args:
    key: Key of the things.
    view: View, for the cube's place.

  Returns:
    Two round cones in the camera's frame.
  """
  there, angle, radius, depth = jax.random.uniform(key, (4, 2))
  there = (there < _CLUTTER_SHARE)[:, None]
  angle = 2 * jnp.pi * angle
  side = jnp.stack([jnp.cos(angle), jnp.sin(angle), jnp.zeros(2)], axis=1)
  across = jnp.stack([-side[:, 1], side[:, 0], jnp.zeros(2)], axis=1)
  radius = _between(np.array([25.0, 200.0]), np.array([45.0, 400.0]), radius)
  # How far the side that faces the camera is behind the cube's centre.
  depth = _between(np.array([0.0, 90.0]), np.array([100.0, 140.0]), depth)
  behind = (depth + radius)[:, None] * jnp.array([[0.0, 0.0, 1.0]])
  middle = jnp.array([[150.0], [130.0]]) * side + behind + view.centre[None]
  middle = jnp.where(there, middle, 1e4)
  return Cones(middle - 60 * across, middle + 60 * across, radius, radius)
