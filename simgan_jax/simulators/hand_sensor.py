"""A structured-light depth sensor: how it changes a depth image.

A projector beside the camera throws a pattern. The sensor measures how far a
window of the pattern is shifted, in fractions of a pixel, and so the depth.
Hence it loses what the projector does not reach; at an edge it measures the
depth of either side or nothing; it loses more of a steeper surface; and the
step between two depths grows with the square of the depth.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from simgan_jax.simulators import hand_images

FOCAL_PX = 588.0  # of the sensor's own 640 x 480 image
BASELINE_MM = 75.0  # from the camera to the projector, on its right
STEP_PER_MM2 = 2.85e-6  # mm of depth a step / depth^2
# Lengths in pixels of the sensor's own image.
_WINDOW_PX = 3.0  # radius of the window that is matched
_JITTER_PX = 1.6  # standard deviation of an edge's place
_GRAIN_PX = 2.0  # width of the Gaussian that correlates neighbours
_NOISE_STEPS = 0.9  # standard deviation of the shift on a frontal surface
_SHADOW_PX = 2.0  # the window bridges narrower shadows
_STEEP = 3.5  # mm a mm, the slope at which half of `_LOST_MOST` is lost
_LOST_MOST = 0.2  # share of the steepest surface that is lost
_LOST_LEAST = 0.004  # share of a frontal surface that is lost
_BEHIND_MM = 400.0  # distance from the hand to the room behind it


def observe(
    key: Key[Array, ''],
    depth_mm: Float[Array, 'h w'],
    intrinsics: Float[Array, '4'],
) -> Float[Array, 'h w']:
  """Return the depth that the sensor measures.

  The given image is an enlarged or reduced part of the sensor's own image, and
  the noise is as much larger or smaller.

  Args:
    key: Key of the noise.
    depth_mm: True depth, [h, w] float32, mm; 0 where nothing is near.
    intrinsics: Camera of the image, (fx, fy, cx, cy) px.

  Returns:
    Measured depth, [h, w] float32, mm; 0 where nothing is measured.
  """
  grains, white = jax.random.split(key)
  shape = depth_mm.shape
  zoom = intrinsics[:2] / FOCAL_PX  # image pixels a sensor pixel
  chance, down, right, coarse = grain(grains, (4, *shape), zoom)

  steepness = steep(depth_mm, intrinsics)
  share = _LOST_MOST / (1 + (_STEEP / jnp.maximum(steepness, 1e-3)) ** 3)
  lost = jax.scipy.stats.norm.cdf(chance) < share + _LOST_LEAST
  lost |= shadowed(depth_mm, intrinsics)
  measured = jnp.where(lost, 0.0, depth_mm)

  row, column = (
      jax.lax.broadcasted_iota(jnp.float32, shape, axis)
      + _JITTER_PX * zoom[1 - axis] * shift
      for axis, shift in ((0, down), (1, right))
  )
  measured = _at(measured, row, column)

  noise = 0.9 * coarse + 0.45 * jax.random.normal(white, shape)
  noise *= _NOISE_STEPS * (1 + 0.5 * jnp.minimum(steepness, 4.0))
  return quantise(measured, noise)


def quantise(
    depth_mm: Float[Array, 'h w'], noise_steps: Float[Array, 'h w']
) -> Float[Array, 'h w']:
  """Return depth in mm, at whole steps of the pattern's shift.

  Args:
    depth_mm: Depth, [h, w] float32, mm; 0, nothing measured, stays 0.
    noise_steps: Noise that is added to the shift before it is rounded, [h, w].
  """
  seen = depth_mm > 0
  shift = 1 / (STEP_PER_MM2 * jnp.where(seen, depth_mm, 1.0))
  shift = jnp.maximum(jnp.round(shift + noise_steps), 1.0)
  return jnp.where(seen, 1 / (STEP_PER_MM2 * shift), 0.0)


def shadowed(
    depth_mm: Float[Array, 'h w'], intrinsics: Float[Array, '4']
) -> Bool[Array, 'h w']:
  """Return which pixels the projector's light does not reach.

  The projector sees the pixel u of a row at u - fx baseline / z. The pixel is
  in the shadow if the projector sees a pixel on its right further left.

  Args:
    depth_mm: Depth, [h, w] float32, mm; 0 where nothing is near.
    intrinsics: Camera of the image, (fx, fy, cx, cy) px.
  """
  shift = intrinsics[0] * BASELINE_MM / jnp.where(depth_mm > 0, depth_mm, 1e6)
  place = jax.lax.broadcasted_iota(jnp.float32, depth_mm.shape, 1) - shift
  nearest = jax.lax.cummin(place, axis=1, reverse=True)
  least = _SHADOW_PX * intrinsics[0] / FOCAL_PX
  return (nearest < place - least) & (depth_mm > 0)


def steep(
    depth_mm: Float[Array, 'h w'], intrinsics: Float[Array, '4']
) -> Float[Array, 'h w']:
  """Return the steepest slope of depth in a window, mm a mm; 0 off the hand."""
  height, width = depth_mm.shape
  # The size of the window at the middle distance, 725 mm.
  window = _WINDOW_PX * width * 725 / hand_images.CUBE_MM / FOCAL_PX
  radius = max(1, round(window))
  seen = depth_mm > 0
  far = depth_mm.max() + _BEHIND_MM
  depth = jnp.where(seen, depth_mm, far)
  highest = lowest = jnp.pad(depth, radius, mode='edge')
  for axis in (0, 1):
    highest = functools.reduce(jnp.maximum, _shifted(highest, radius, axis))
    lowest = functools.reduce(jnp.minimum, _shifted(lowest, radius, axis))
  pitch = depth / intrinsics[0]  # mm a pixel
  slope = (highest - lowest) / (2 * radius * pitch)
  return jnp.where(lowest < far, slope, 0.0)


def grain(
    key: Key[Array, ''], shape: tuple[int, ...], zoom: Float[Array, '2']
) -> Float[Array, '*n h w']:
  """Return normal noise, correlated over a few pixels of the sensor.

  Args:
    key: Key of the noise.
    shape: Shape of the noise; the last two are height and width, px.
    zoom: Image pixels a sensor pixel, along x and y.
  """
  # Two standard deviations at the largest distance, 900 mm.
  widest = 2 * _GRAIN_PX * max(shape) * 900 / hand_images.CUBE_MM / FOCAL_PX
  radius = max(1, round(widest))
  height, width = (size + 2 * radius for size in shape[-2:])
  noise = jax.random.normal(key, (*shape[:-2], height, width))
  offsets = jnp.arange(-radius, radius + 1)
  for axis in (-2, -1):
    weights = jnp.exp(-0.5 * (offsets / (_GRAIN_PX * zoom[-1 - axis])) ** 2)
    weights /= jnp.sqrt((weights**2).sum())
    parts = map(jnp.multiply, weights, _shifted(noise, radius, axis))
    noise = functools.reduce(jnp.add, parts)
  return noise


def _at(values: Float[Array, 'h w'], row, column) -> Float[Array, 'h w']:
  """Return the values of the pixels nearest to places in the image."""
  height, width = values.shape
  row = jnp.clip(jnp.round(row), 0, height - 1).astype(jnp.int32)
  column = jnp.clip(jnp.round(column), 0, width - 1).astype(jnp.int32)
  return values[row, column]


def _shifted(values: Float[Array, '*n h w'], radius: int, axis: int):
  """Return the image without its rim, once for each place in a window."""
  axis %= values.ndim
  size = values.shape[axis] - 2 * radius
  return [
      jax.lax.slice_in_dim(values, i, i + size, axis=axis)
      for i in range(2 * radius + 1)
  ]
