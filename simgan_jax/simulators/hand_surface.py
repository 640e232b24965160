"""The surface of a hand: round cones, and their depth along a camera's rays.

A round cone is the union of all spheres whose centre and radius lie between
those of its first and last sphere.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from simgan_jax.simulators.hand_kinematics import HandPose, HandShape, turn

# The creases between two cones are filled to about this depth, mm.
_BLEND_MM = 2.5
# The palm of the mean hand: x, y, z and radius in mm of both ends.
_PALM = np.array(
    [
        # The metacarpals; their heads are the fingers' roots.
        [[13, -18, 0, 15], [25, -90, -2, 12]],
        [[4, -18, 1, 15], [4, -94, 0, 12.5]],
        [[-6, -18, 1, 15], [-15, -88, -2, 12]],
        [[-15, -18, -1, 14], [-32, -78, -6, 11]],
        # The little finger's ball, and the wrist.
        [[-19, -18, -8, 14], [-31, -58, -9, 11.5]],
        [[-12, -6, -2, 17], [12, -6, -2, 17]],
        # The skin between the fingers.
        [[24, -95, -5, 9.5], [3, -101, -4, 10]],
        [[3, -101, -4, 10], [-15, -95, -5, 9.5]],
        [[-15, -95, -5, 9.5], [-31, -85, -8, 8.5]],
    ],
    np.float32,
)
# From the palm to the thumb's metacarpal: x, y, z and radius of the palm's end,
# the other end's place as a share of the metacarpal's length, and its radius.
_THUMB = np.array(
    [[8, -40, -8, 12, 0.6, 12], [21, -58, -5, 9, 0.8, 8.5]], np.float32
)
_FOREARM = np.array([[-9, 0, 0, 20], [9, 0, 0, 20]], np.float32)
_FOREARM_SPREAD = 0.03  # mm to each side a mm of length
_FOREARM_GROWTH = 0.03  # mm of radius a mm of length


class Cones(NamedTuple):
  """Round cones; float32, mm."""

  start: Float[Array, 'n 3']
  end: Float[Array, 'n 3']
  start_radius: Float[Array, ' n']
  end_radius: Float[Array, ' n']


def hand_cones(
    shape: HandShape,
    pose: HandPose,
    fingers: Float[Array, '5 4 3'],
    forearm_mm: Float[Array, ''],
) -> Cones:
  """Return the hand's round cones in its frame.

  Args:
    shape: Shape of the person's hand.
    pose: Pose, of which the wrist's angles count here.
    fingers: Joints of the fingers from `finger_joints`.
    forearm_mm: Length of the forearm.
  """
  # Ratios of places and radii to the mean hand.
  scale = jnp.append(shape.size, shape.girth)
  palm = jnp.broadcast_to(scale, _PALM.shape) * _PALM
  thumb = jnp.broadcast_to(scale, (2, 4)) * _THUMB[:, :4]
  metacarpal = fingers[:1, 1] - fingers[:1, 0]
  arm = jnp.broadcast_to(scale, _FOREARM.shape) * _FOREARM
  spread = _FOREARM_SPREAD
  along = forearm_mm * jnp.array([[-spread, 1.0, 0.0], [spread, 1.0, 0.0]])
  along = turn(turn(along, 0, -pose.wrist[0]), 2, -pose.wrist[1])
  return join(
      Cones(
          start=palm[:, 0, :3],
          end=palm[:, 1, :3],
          start_radius=palm[:, 0, 3],
          end_radius=palm[:, 1, 3],
      ),
      Cones(
          start=fingers[:, :-1].reshape(-1, 3),
          end=fingers[:, 1:].reshape(-1, 3),
          start_radius=shape.radii[:, :-1].reshape(-1),
          end_radius=shape.radii[:, 1:].reshape(-1),
      ),
      Cones(
          start=thumb[:, :3],
          end=fingers[:1, 0] + metacarpal * _THUMB[:, 4, None],
          start_radius=thumb[:, 3],
          end_radius=shape.girth * _THUMB[:, 5],
      ),
      Cones(
          start=arm[:, :3],
          end=arm[:, :3] + along,
          start_radius=arm[:, 3],
          end_radius=arm[:, 3] + _FOREARM_GROWTH * forearm_mm,
      ),
  )


def join(*cones: Cones) -> Cones:
  """Return all round cones in one."""
  return Cones(*(jnp.concatenate(parts) for parts in zip(*cones, strict=True)))


def cast(
    cones: Cones,
    x: Float[Array, 'h w'],
    y: Float[Array, 'h w'],
    middle_mm: Float[Array, ''],
) -> Float[Array, 'h w']:
  """Return the depth at which rays from the camera meet round cones.

  A ray meets a round cone where it first meets one of its spheres. Let d be the
  way from the first centre to the last, k the growth of the radius r, and m a
  point seen from the first centre. The sphere at t d contains m if
  (r + k t)^2 - |m - t d|^2 > 0. The maximum over t is a quadratic form in m, so
  the depth solves a quadratic equation.

  Args:
    cones: Round cones in the camera's frame.
    x: x of each ray where z is 1, [h, w].
    y: y of each ray where z is 1, [h, w].
    middle_mm: Depth of the scene's middle; surfaces are seen up to 80
      `_BLEND_MM` before and behind it.

  Returns:
    Depth, [h, w] float32, mm; 0 where a ray meets nothing.
  """

  def each(values):
    return values[:, None, None]

  x, y = x[None], y[None]
  length2 = x * x + y * y + 1
  along = cones.end - cones.start
  radius = each(cones.start_radius)
  growth = each(cones.end_radius - cones.start_radius)
  end_radius = each(cones.end_radius)
  dx, dy, dz = (each(along[:, i]) for i in range(3))
  d_d = dx * dx + dy * dy + dz * dz
  # The ray's point at the depth `middle_mm`, where rounding errors are small.
  mx, my = (
      v * middle_mm - each(cones.start[:, i]) for i, v in ((0, x), (1, y))
  )
  mz = middle_mm - each(cones.start[:, 2])
  ray_d = x * dx + y * dy + dz
  ray_m = x * mx + y * my + mz
  m_d = mx * dx + my * dy + mz * dz
  m_m = mx * mx + my * my + mz * mz

  def root(discriminant):
    return jnp.sqrt(jnp.maximum(discriminant, 0))

  def sphere(ray_m, m_m, radius):
    discriminant = ray_m**2 - length2 * (m_m - radius**2)
    depth = (-ray_m - root(discriminant)) / length2
    return jnp.where(discriminant > 0, depth, jnp.inf)

  taper = d_d - growth**2
  lead = growth * radius + m_d
  a = ray_d**2 - taper * length2
  b = lead * ray_d - taper * ray_m
  c = taper * (radius**2 - m_m) + lead**2
  discriminant = b * b - a * c
  side = (-b + root(discriminant)) / jnp.where(a == 0, 1.0, a)
  t = lead + side * ray_d
  met = (discriminant > 0) & (a != 0) & (t > 0) & (t < taper)
  depth = jnp.minimum(
      jnp.where(met, side, jnp.inf),
      jnp.minimum(
          sphere(ray_m, m_m, radius),
          sphere(ray_m - ray_d, m_m - 2 * m_d + d_d, end_radius),
      ),
  )
  nearness = jnp.exp(jnp.minimum(-depth / _BLEND_MM, 80.0)).sum(0)
  seen = nearness > 1e-35
  nearest = middle_mm - _BLEND_MM * jnp.log(jnp.where(seen, nearness, 1.0))
  return jnp.where(seen, nearest, 0.0)
