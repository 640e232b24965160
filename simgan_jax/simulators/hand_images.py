"""Conventions for all images of hands: joints, and depth as an image.

An image shows a cube around the hand's centre. It is cut from a depth image,
whose camera looks along +z with x right and y down, and is as wide as the cube
at the depth of its centre. Its values are depth: -1 at the near face, 1 at the
far face, and 1 wherever nothing is inside the cube.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

# The 14 evaluation joints of the NYU data set, in its order.
JOINTS = (
    *('little_tip', 'little_middle', 'ring_tip', 'ring_middle'),
    *('middle_tip', 'middle_middle', 'index_tip', 'index_middle'),
    *('thumb_tip', 'thumb_middle', 'thumb_root'),
    *('wrist_little_side', 'wrist_thumb_side', 'palm'),
)
CUBE_MM = 300.0  # side of the cube
BACKGROUND = 1.0


def encode_depth(depth_mm: Any, centre_mm: Any) -> Any:
  """Return depth as image values in [-1, 1], `BACKGROUND` outside the cube.

  Works on NumPy and JAX arrays alike.

  Args:
    depth_mm: Distances from the camera's plane, 0 where none was measured.
    centre_mm: Distance of the cube's centre, broadcast against `depth_mm`.
  """
  value = (depth_mm - centre_mm) / (CUBE_MM / 2)
  inside = (abs(value) <= 1) & (depth_mm > 0)
  return value * inside + BACKGROUND * (1 - inside)


def crop_intrinsics(
    focal_px: tuple[float, float],
    middle_px: tuple[float, float],
    box: tuple[float, float, float, float],
    *,
    height: int,
    width: int,
) -> Float[np.ndarray, '4']:
  """Return (fx, fy, cx, cy) px of a camera whose image is cut and resized.

  Args:
    focal_px: Focal lengths (fx, fy) of the whole image.
    middle_px: Middle (cx, cy) of the whole image; pixel centres are at whole
      numbers.
    box: Left, upper, right, lower edge; the first pixel reaches from 0 to 1.
    height: Height of the resized image, px.
    width: Width of the resized image, px.
  """
  left, upper, right, lower = box
  x_scale, y_scale = width / (right - left), height / (lower - upper)
  return np.array(
      [
          focal_px[0] * x_scale,
          focal_px[1] * y_scale,
          (middle_px[0] + 0.5 - left) * x_scale - 0.5,
          (middle_px[1] + 0.5 - upper) * y_scale - 0.5,
      ],
      np.float32,
  )


def to_millimetres(
    joints: Float[np.ndarray, '*n k 3'], intrinsics: Float[np.ndarray, '*n 4']
) -> Float[np.ndarray, '*n k 3']:
  """Return joints (u px, v px, distance mm) as (x, y, z) mm from the camera."""
  fx, fy, cx, cy = np.moveaxis(np.asarray(intrinsics), -1, 0)[..., None]
  u, v, z = np.moveaxis(np.asarray(joints), -1, 0)
  return np.stack([(u - cx) * z / fx, (v - cy) * z / fy, z], axis=-1)


def to_pixels(
    points_mm: Float[np.ndarray, '*n k 3'],
    intrinsics: Float[np.ndarray, '*n 4'],
) -> Float[np.ndarray, '*n k 3']:
  """Return points (x, y, z) mm with z > 0 as (u px, v px, z mm)."""
  fx, fy, cx, cy = np.moveaxis(np.asarray(intrinsics), -1, 0)[..., None]
  x, y, z = np.moveaxis(np.asarray(points_mm), -1, 0)
  return np.stack([x * fx / z + cx, y * fy / z + cy, z], axis=-1)
