"""Where things are: head and gaze, the face's surface, the lids, the crop.

The head's frame has its origin in the eyeball's centre, x right, y down and z
into the head, in millimetres; the camera looks along its own z.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from simgan_jax.simulators.eye_parameters import EyeParameters

REFRACTIVE_INDEX = 1.336  # of cornea and aqueous humour
_NUM_LID_POINTS = 7
_NUM_PUPIL_POINTS = 8


class EyeLabels(NamedTuple):
  """What is known about one image; float32, no batch dimension.

  Pixels are (x, y) with the centre of the first pixel at (0, 0). The lids run
  from the inner corner (left in the image) to the outer one.
  """

  gaze: Float[Array, '3']  # unit vector, camera frame: x right, y down, z away
  head_pose: Float[Array, '2']  # (yaw, pitch), radians
  iris_centre: Float[Array, '2']  # centre of the limbus, px
  pupil: Float[Array, '8 2']  # seen through the cornea, px
  upper_lid: Float[Array, '7 2']  # px
  lower_lid: Float[Array, '7 2']  # px


class Crop(NamedTuple):
  """The part of the image plane (at depth 1) that becomes the image."""

  centre: Float[Array, '2']
  focal: Float[Array, '']  # px
  middle: Float[Array, '2']  # px of the image's centre


def direction(yaw, pitch) -> Float[Array, '3']:
  """Return the unit vector of yaw and pitch; (0, 0) looks at the camera."""
  cos = jnp.cos(pitch)
  return jnp.stack([-cos * jnp.sin(yaw), -jnp.sin(pitch), -cos * jnp.cos(yaw)])


def head_rotation(parameters: EyeParameters) -> Float[Array, '3 3']:
  """Return the rotation from the head's frame to the camera's."""
  p = parameters
  back = -direction(p.head_yaw, p.head_pitch)
  right = jnp.stack([jnp.cos(p.head_yaw), 0.0, -jnp.sin(p.head_yaw)])
  down = jnp.cross(back, right)
  cos, sin = jnp.cos(p.head_roll), jnp.sin(p.head_roll)
  return jnp.stack(
      [cos * right + sin * down, cos * down - sin * right, back], axis=1
  )


def surface(parameters: EyeParameters, x, y):
  """Return the face's height towards the viewer (mm) and its two slopes."""
  p = parameters
  height, slope_x, slope_y = 4.0 - 0.12 * x, -0.12, 0.0
  # Height, then centre and width along x and y; None makes a ridge.
  hills = (
      (p.bulge, 0.5, 9.0, 0.0, 8.5),
      (p.nose, -33.0, 9.0, None, 1.0),
      (p.brow, None, 1.0, -21.0, 6.0),
      (4.0, 8.0, 20.0, 22.0, 8.0),
  )
  for top, centre_x, width_x, centre_y, width_y in hills:
    u = 0.0 if centre_x is None else (x - centre_x) / width_x
    v = 0.0 if centre_y is None else (y - centre_y) / width_y
    # (1 - r^2 / 6)^3 is like a Gaussian, but cheap; it ends at r = 2.4.
    base = jnp.maximum(1 - (u * u + v * v) / 6, 0.0)
    height += top * base**3
    slope_x -= top * base**2 * u / width_x
    slope_y -= top * base**2 * v / width_y
  return height, slope_x, slope_y


def lid_curves(parameters: EyeParameters, gaze: Float[Array, '3'], x):
  """Return y of the upper lid, the lower lid and the upper lid's fold, mm.

  The lids follow the eye: the upper one most of the way, the lower one a
  little, both with a shift towards the side it looks at.

  Args:
    parameters: Parameters of the image.
    gaze: Unit vector in the head's frame, [3].
    x: Where along the lids, any shape, mm.
  """
  p = parameters
  t = (x - p.inner_x) / (p.outer_x - p.inner_x)
  base = p.inner_y + t * (p.outer_y - p.inner_y)

  def curve(t, height, skew):
    t = jnp.clip(t, 0.0, 1.0)
    arch = 4 * t * (1 - t)
    arch *= 1 + p.lid_fullness * (1 - arch)
    return height * arch * (1 + (skew + 0.25 * gaze[0]) * (2 * t - 1))

  down = p.eyeball_radius * gaze[1]
  rest = 0.5 + 0.5 * p.openness
  upper = p.upper_height * p.openness - 0.7 * down
  lower = p.lower_height * rest + 0.25 * down
  fold = p.upper_height + p.crease_height - 0.15 * down
  upper_y = base - curve(t, jnp.maximum(upper, 0.5), p.upper_skew)
  # The fold is wider than the opening.
  fold_y = base - curve((t + 0.05) / 1.2, fold, p.upper_skew)
  return (
      upper_y,
      base + curve(t, lower, p.lower_skew),
      jnp.minimum(fold_y, upper_y - 0.7),
  )


def frame(
    parameters: EyeParameters, *, height: int, width: int
) -> tuple[Crop, EyeLabels]:
  """Return the crop round the eye, and the labels in its pixels."""
  p = parameters
  rotation = head_rotation(p)
  gaze = direction(p.gaze_yaw, p.gaze_pitch)
  x = jnp.linspace(p.inner_x, p.outer_x, _NUM_LID_POINTS)
  upper_y, lower_y, _ = lid_curves(p, rotation.T @ gaze, x)

  def on_face(y):
    points = jnp.stack([x, y, -surface(p, x, y)[0]], axis=1)
    return _project(p, points @ rotation.T)

  upper, lower = on_face(upper_y), on_face(lower_y)
  depth = limbus_depth(p)
  centre = _project(p, depth * gaze)
  # The cornea makes the pupil look nearer and larger (paraxial optics).
  apex = cornea_centre(p) + p.cornea_radius
  behind = apex - depth + p.iris_depth
  power = (REFRACTIVE_INDEX - 1) / p.cornea_radius
  seen = 1 / (REFRACTIVE_INDEX / behind - power)
  magnified = p.pupil_radius * REFRACTIVE_INDEX * seen / behind
  angle = 2 * jnp.pi * jnp.arange(_NUM_PUPIL_POINTS) / _NUM_PUPIL_POINTS
  side, up = magnified * jnp.cos(angle), magnified * jnp.sin(angle)
  circle = jnp.stack([side, up, jnp.full_like(angle, apex - seen)], axis=1)
  pupil = _project(p, circle @ jnp.stack([*iris_axes(gaze), gaze]))

  points = jnp.concatenate([upper, lower])
  low, high = points.min(0), points.max(0)
  eye_width = upper[-1, 0] - upper[0, 0]
  offset = jnp.stack([p.offset_x, p.offset_y]) * eye_width
  crop = Crop(
      centre=(low + high) / 2 + offset,
      focal=width / 1.5 / eye_width * p.zoom,
      middle=jnp.array([width - 1, height - 1]) / 2,
  )

  def pixels(points):
    centre, middle = (
        jnp.broadcast_to(v, points.shape) for v in (crop.centre, crop.middle)
    )
    return (points - centre) * crop.focal + middle

  return crop, EyeLabels(
      gaze=gaze,
      head_pose=jnp.stack([p.head_yaw, p.head_pitch]),
      iris_centre=pixels(centre),
      pupil=pixels(pupil),
      upper_lid=pixels(upper),
      lower_lid=pixels(lower),
  )


def limbus_depth(parameters: EyeParameters):
  """Return the distance of the limbus plane from the eyeball's centre."""
  return jnp.sqrt(parameters.eyeball_radius**2 - parameters.limbus_radius**2)


def cornea_centre(parameters: EyeParameters):
  """Return how far along the gaze the cornea's centre lies, mm."""
  p = parameters
  return limbus_depth(p) - jnp.sqrt(p.cornea_radius**2 - p.limbus_radius**2)


def iris_axes(gaze: Float[Array, '3']):
  """Return two unit vectors that span the iris."""
  side = jnp.stack([-gaze[2], 0.0, gaze[0]])
  side /= jnp.sqrt(gaze[0] ** 2 + gaze[2] ** 2)
  return side, jnp.cross(gaze, side)


def _project(parameters: EyeParameters, points: Float[Array, '*n 3']):
  """Return points at depth 1; they are given from the eyeball's centre."""
  return points[..., :2] / (points[..., 2:] + parameters.distance)
