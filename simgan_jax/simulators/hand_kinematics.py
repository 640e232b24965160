"""The bones of a right hand: persons, poses, and where the joints are then.

The hand's frame, in mm, has its origin in the wrist, x towards the thumb, y
from the fingers to the forearm and z from the palm to the back. If the palm
faces the camera and the fingers point up, these are the camera's axes. Arrays
hold the fingers in the order of `FINGERS`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

FINGERS = ('thumb', 'index', 'middle', 'ring', 'little')
# An adult's mean hand, mm. The thumb's first bone is its metacarpal; the first
# bone of the other fingers is the proximal phalanx.
_ROOTS = np.array(
    [[20, -20, -10], [25, -90, -2], [4, -94, 0], [-15, -88, -2], [-32, -78, -6]]
)
_BONES = np.array(
    [[44, 33, 23], [43, 25, 18], [47, 29, 19], [44, 28, 19], [35, 20, 17]]
)
# Radii where each bone begins, and of the fingertip.
_RADII = np.array(
    [
        [15.0, 12.5, 10.5, 8.5],
        [11.5, 9.6, 8.4, 7.0],
        [12.0, 9.8, 8.6, 7.2],
        [11.5, 9.2, 8.1, 6.8],
        [10.5, 8.2, 7.2, 6.0],
    ]
)
# Smallest and largest ratios of a person's hand to the mean hand: of all of it,
# of the palm along x, y and z, of the fingers' length, of the flesh.
_RANGES = (
    *((0.87, 1.08), (0.93, 1.07), (0.96, 1.04), (0.9, 1.1)),
    *((0.93, 1.07), (0.88, 1.1)),
)
# Smallest and largest angles, degrees.
FLEXION_LIMITS = np.array(
    [[[0, 0], [-10, 55], [-15, 80]], *[[[-20, 90], [0, 108], [0, 75]]] * 4]
)
SIDE_LIMITS = np.array([[5, 60], [-5, 20], [-12, 12], [-18, 5], [-28, 3]])
WRIST_LIMITS = np.array([[-50, 50], [-20, 25]])
# How far to the thumb's side fingers point at rest, and turn when spread.
_FAN = np.array([3.0, 0.0, -4.0, -9.0])
_SPREAD = np.array([9.0, 2.0, -6.0, -13.0])
_WRIST = np.array([18.0, 8.0])  # standard deviations
_POSES = np.array([0.45, 0.2, 0.12, 0.23])  # natural, open, fist, gesture


class HandShape(NamedTuple):
  """A person's right hand; float32, mm."""

  roots: Float[Array, '5 3']  # where each finger's first bone begins
  bones: Float[Array, '5 3']  # lengths
  radii: Float[Array, '5 4']  # of the flesh round the bones' ends
  size: Float[Array, '3']  # ratio to the mean palm along x, y, z
  girth: Float[Array, '']  # ratio of the palm's flesh to the mean


class HandPose(NamedTuple):
  """The joints' angles; float32, radians."""

  flexion: Float[Array, '5 3']  # towards the palm; 0 at the thumb's root
  side: Float[Array, '5']  # towards the thumb's side
  lift: Float[Array, '']  # of the thumb out of the palm's plane
  roll: Float[Array, '']  # of the thumb about itself, pad towards the fingers
  wrist: Float[Array, '2']  # of the forearm to the palm, to the thumb's side


def turn(
    points: Float[Array, '*n 3'], axis: int, angle: Float[Array, '...']
) -> Float[Array, '*n 3']:
  """Return points rotated about an axis of their frame.

  This is no matrix product, which may round to few bits on an accelerator.

  Args:
    points: Points, [..., 3].
    axis: 0, 1 or 2 for x, y or z.
    angle: Angle for all points, [], or for each, [...], radians.
  """
  first, second = (axis + 1) % 3, (axis + 2) % 3
  cos, sin = jnp.cos(angle), jnp.sin(angle)
  u, v = points[..., first], points[..., second]
  turned = {
      axis: points[..., axis],
      first: cos * u - sin * v,
      second: sin * u + cos * v,
  }
  return jnp.stack([turned[i] for i in range(3)], axis=-1)


def sample_shape(key: Key[Array, '']) -> HandShape:
  """Draw a person."""
  overall, *finger = jnp.split(jax.random.uniform(key, (16,)), [6, 11])
  low, high = jnp.array(_RANGES).T
  scale, x, y, z, length, girth = low + (high - low) * overall
  lengths, girths = (0.96 + 0.08 * share[:, None] for share in finger)
  size = scale * jnp.stack([x, y, z])
  return HandShape(
      roots=jnp.broadcast_to(size, (5, 3)) * _ROOTS,
      bones=scale * length * lengths * _BONES,
      radii=scale * girth * girths * _RADII,
      size=size,
      girth=scale * girth,
  )


def _within(degrees, limits):
  """Return angles clipped to the joints' limits, in radians."""
  return jnp.radians(jnp.clip(degrees, limits[..., 0], limits[..., 1]))


def _sample_curl(key: Key[Array, '']) -> Float[Array, '4']:
  """Draw how far each finger except the thumb is closed, 0 to 1."""
  each, closed, (common, slope, kind) = jnp.split(
      jax.random.uniform(key, (11,)), [4, 8]
  )
  slope = (0.35 * slope - 0.1) * jnp.linspace(0, 1, 4)
  natural = 0.8 * common + slope + 0.12 * (each - 0.5)
  opened, fist = 0.15 * each, 0.85 + 0.15 * each
  gesture = jnp.where(closed < 0.5, opened, fist)
  kind = (kind > np.cumsum(_POSES)[:-1]).sum()
  curl = jnp.stack([natural, opened, fist, gesture])[kind]
  return jnp.clip(curl, 0, 1)


def sample_pose(key: Key[Array, '']) -> HandPose:
  """Draw a pose: natural, an open hand, a fist or a gesture."""
  curl_key, thumb_key, key = jax.random.split(key, 3)
  curl = _sample_curl(curl_key)
  *noise, (bend, spread, *wrist) = jnp.split(
      jax.random.normal(key, (20,)), [4, 8, 12, 16]
  )
  # Fingers may also bend as a whole at the knuckles.
  knuckle = 80 * curl + 14 * bend * (1 - curl) + 5 * noise[0]
  middle = 102 * curl + 4 * noise[1]
  last = 0.62 * middle + 4 * noise[2]
  away = _SPREAD * (0.4 + 0.45 * spread) + 2.5 * noise[3]
  # A flexed finger cannot be spread.
  side = _FAN + away * jnp.cos(jnp.radians(knuckle)) * (1 - curl)

  # How far the thumb is opposed: 0 beside the palm, 1 before the fingers.
  opposed, first, second = jax.random.uniform(thumb_key, (3,))
  opposed = 0.5 * curl.mean() + 0.6 * opposed
  thumb_flexion = jnp.stack(
      [0.0, -5 + 50 * opposed * first, -10 + 70 * opposed * second]
  )
  fingers = jnp.stack([knuckle, middle, last], axis=1)
  flexion = jnp.concatenate([thumb_flexion[None], fingers])
  side = jnp.concatenate([50 - 32 * opposed[None], side])
  return HandPose(
      flexion=_within(flexion, FLEXION_LIMITS),
      side=_within(side, SIDE_LIMITS),
      lift=jnp.radians(10 + 40 * opposed),
      roll=jnp.radians(50 + 30 * opposed),
      wrist=_within(_WRIST * jnp.stack(wrist), WRIST_LIMITS),
  )


def finger_joints(shape: HandShape, pose: HandPose) -> Float[Array, '5 4 3']:
  """Return each finger's bone ends, [5, 4, 3] float32, mm in the hand's frame.

  The first of a finger's four points is its root, the last one its tip.
  """
  angle = jnp.cumsum(pose.flexion, axis=1)
  # All joints of a finger bend in one plane.
  bones = jnp.stack(
      [jnp.zeros((5, 3)), -jnp.cos(angle), -jnp.sin(angle)], axis=-1
  )
  ends = jnp.cumsum(bones * shape.bones[..., None], axis=1)
  thumb = turn(turn(ends[0], 1, pose.roll), 0, pose.lift)
  ends = turn(ends.at[0].set(thumb), 2, pose.side[:, None])
  points = jnp.concatenate([jnp.zeros((5, 1, 3)), ends], axis=1)
  return points + shape.roots[:, None]
