"""Find the iris in an image of an eye by fitting a circle.

Source: the integro-differential operator of Daugman, "How iris recognition
works", IEEE Transactions on Circuits and Systems for Video Technology, 2004;
here the derivative is taken along the image's gradient, so that lids matter
less.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt8
from scipy import ndimage

from simgan_jax.machine import errors

MIN_SIDE = 16  # pixels
_MIN_MARGIN = 0.15  # of a clear circle's score over circles elsewhere
_PART = 64  # images in one compiled call

# Lengths are px in an image 55 wide and grow with the width. The numbers were
# tuned on the first 600 UnityEyes renders, without and with noise, blur and
# contrast, and on 400 images of the built-in simulator's second domain.
_WIDTH = 55
_SMOOTHING = 0.4  # px, standard deviation of the Gaussian
_RADII = np.arange(6.5, 11.1, 0.75)  # px, searched
_RADIUS = 8.9  # px, the likeliest
_RADIUS_WEIGHT = 0.05  # cost of a squared px away from the likeliest radius
_PLACE_WEIGHT = 0.001, 0.0025  # the same for the image's middle, in x and y
_BORDER = 12, 6  # px in x and y at the image's border, not searched
_REFINEMENTS = 0.5, 0.25  # px, steps around the best circle of the search
# The arcs left and right are a little low: the upper lid covers more.
_ARC_DEG = np.linspace(-45, 65, 17)
_ALIGNMENT = 9  # exponent of the cosine between gradient and radius
_DARK_WEIGHT = 0.45
_DARK_LIMIT = 0.5  # highlights count as no brighter than this
_RINGS = [
    radius * np.exp(2j * np.pi * np.arange(num) / num)
    for radius, num in ((0.0, 1), (0.35, 6), (0.65, 10))
]
# Points x + iy inside the unit circle that lids seldom cover.
_INSIDE = [point for point in np.concatenate(_RINGS) if abs(point.imag) < 0.5]


class Iris(NamedTuple):
  """Fitted circles, float64; the first pixel has its centre at (0, 0)."""

  centre: Float[np.ndarray, 'n 2']  # (x, y), px
  radius: Float[np.ndarray, 'n']  # px
  is_clear: Bool[np.ndarray, 'n']  # fits clearly better than circles elsewhere


class _Maps(NamedTuple):
  gradient_x: Float[Array, '*n h w']  # 1 at the 98 % quantile of its length
  gradient_y: Float[Array, '*n h w']
  brightness: Float[Array, '*n h w']  # from 0, dark, to _DARK_LIMIT


def is_searchable(height: int, width: int) -> bool:
  """Return whether an iris can be found in images of this size in px."""
  return min(height, width) >= MIN_SIDE and 0.25 < height / width < 4


def find_iris(images: UInt8[np.ndarray, 'n h w c']) -> Iris:
  """Fit one circle to the edge of the iris in each image.

  The circle has the greatest sum of three terms:
  * Edge: the radial derivative of the smoothed image, dark inside, averaged
    over two arcs. Gradients along the radius count most, so that lids which
    cross the circle do not pull it.
  * Darkness of the inside, with limited highlights.
  * A weak prior for radius and place, as lids may hide most of the edge.
  Brightness and contrast of the whole image make no difference. The search
  visits every pixel and ends between pixels.

  There is always a circle, even without an iris: `is_clear` tells whether it
  stands out. Images too small to hold an iris are an InputError.

  Args:
    images: Images of one eye each, about 1.5 times as wide as the eye,
      [n, h, w, c] uint8; colours are averaged.
  """
  height, width = images.shape[1:3]
  if not is_searchable(height, width):
    raise errors.InputError(
        f'images of {height} x {width} pixels cannot be searched for an iris:'
        f' give sides of {MIN_SIDE} or more, as of 35 x 55.'
    )
  scale = width / _WIDTH
  border_x, border_y = (border * scale for border in _BORDER)
  circles = _grid(
      np.arange(border_x, width - border_x, scale),
      np.arange(border_y, height - border_y, scale),
      _RADII * scale,
  )
  parts = [np.zeros((0, 4))]
  size = min(_PART, len(images))
  for start in range(0, len(images), _PART):
    # Filled up by repetition, so that one shape is compiled.
    part = np.resize(images[start : start + size], (size, *images.shape[1:]))
    parts.append(np.asarray(_fit(_make_maps(part), circles), np.float64))
  fitted = np.concatenate(parts)[: len(images)]
  return Iris(fitted[:, :2], fitted[:, 2], fitted[:, 3] >= _MIN_MARGIN)


def _make_maps(images: UInt8[np.ndarray, 'n h w c']) -> _Maps:
  """Return what circles are searched in, relative to each image's contrast."""
  grey = images.mean(axis=-1, dtype=np.float32)
  sigma = _SMOOTHING * grey.shape[2] / _WIDTH
  x, y, brightness = (
      ndimage.gaussian_filter(grey, sigma, order, axes=(1, 2), mode='nearest')
      for order in ((0, 1), (1, 0), (0, 0))
  )
  quantile = functools.partial(np.quantile, axis=(1, 2), keepdims=True)
  strongest = np.maximum(quantile(np.hypot(x, y), 0.98), 1e-3)
  dark, bright = quantile(brightness, 0.02), quantile(brightness, 0.9)
  brightness = (brightness - dark) / np.maximum(bright - dark, 1e-3)
  brightness = np.minimum(brightness, _DARK_LIMIT)
  maps = x / strongest, y / strongest, brightness
  return _Maps(*map(jnp.float32, maps))


def _sample(
    values: Float[Array, 'h w'], x: Float[Array, 'k p'], y: Float[Array, 'k p']
) -> Float[Array, 'k p']:
  """Return values between pixels, bilinear; the border is repeated."""
  height, width = values.shape
  x, y = jnp.clip(x, 0, width - 1.001), jnp.clip(y, 0, height - 1.001)
  left, top = x.astype(jnp.int32), y.astype(jnp.int32)
  right, bottom = x - left, y - top
  first = top * width + left
  flat = values.reshape(-1)
  upper = flat[first] * (1 - right) + flat[first + 1] * right
  first += width
  lower = flat[first] * (1 - right) + flat[first + 1] * right
  return upper * (1 - bottom) + lower * bottom


def _scores(maps: _Maps, circles: Float[Array, 'k 3']) -> Float[Array, 'k']:
  """Return how well circles (x, y, radius) fit the edge of an iris."""
  height, width = maps.brightness.shape
  x, y, radius = (circles[:, i : i + 1] for i in range(3))
  angle = np.radians(_ARC_DEG)
  weight = np.cos(angle) / np.cos(angle).sum() / 2
  cosine = np.float32(np.concatenate([np.cos(angle), -np.cos(angle)])[None])
  sine = np.float32(np.tile(np.sin(angle), 2)[None])
  edge_x, edge_y = x + radius * cosine, y + radius * sine
  gradient_x = _sample(maps.gradient_x, edge_x, edge_y)
  gradient_y = _sample(maps.gradient_y, edge_x, edge_y)
  radial = jnp.maximum(gradient_x * cosine + gradient_y * sine, 0)
  length = jnp.sqrt(gradient_x**2 + gradient_y**2)
  radial *= (radial / (length + 1e-6)) ** _ALIGNMENT
  outside_x = jnp.abs(edge_x * 2 / (width - 1) - 1) > 1
  outside_y = jnp.abs(edge_y * 2 / (height - 1) - 1) > 1
  radial = jnp.where(outside_x | outside_y, 0, radial)
  edge = jnp.sum(radial * np.float32(np.tile(weight, 2)[None]), axis=1)
  inside_x = radius * np.real(_INSIDE).astype(np.float32)[None]
  inside_y = radius * np.imag(_INSIDE).astype(np.float32)[None]
  brightness = _sample(maps.brightness, x + inside_x, y + inside_y)
  scale, (weight_x, weight_y) = width / _WIDTH, _PLACE_WEIGHT
  cost = (
      _RADIUS_WEIGHT * jnp.square(radius / scale - _RADIUS)
      + weight_x * jnp.square((x - (width - 1) / 2) / scale)
      + weight_y * jnp.square((y - (height - 1) / 2) / scale)
  )
  return edge - _DARK_WEIGHT * brightness.mean(axis=1) - cost[:, 0]


def _grid(*axes: np.ndarray) -> np.ndarray:
  """Return all combinations of the axes' values, [k, 3] float32."""
  values = np.meshgrid(*axes, indexing='ij')
  return np.stack([v.ravel() for v in values], axis=1).astype(np.float32)


@jax.jit
def _fit(maps: _Maps, coarse: Float[Array, 'k 3']) -> Float[Array, 'n 4']:
  """Return x, y, radius and margin of the best circles.

  The coarse circles are an argument: as constants they would take the compiler
  minutes.
  """
  scale = maps.brightness.shape[2] / _WIDTH
  fine = _grid(*[np.arange(-2, 3)] * 3)

  def fit(maps):
    scores = _scores(maps, coarse)
    best = coarse[jnp.argmax(scores)]
    moved = jnp.hypot(coarse[:, 0] - best[0], coarse[:, 1] - best[1])
    elsewhere = jnp.max(jnp.where(moved > 4 * scale, scores, -jnp.inf))
    margin = jnp.max(scores) - elsewhere
    for step in _REFINEMENTS:
      circles = best[None] + fine * np.float32(step * scale)
      scores = _scores(maps, circles)
      best = circles[jnp.argmax(scores)]
    # The top of a parabola through three scores along each axis.
    steps = np.concatenate([-np.eye(3), np.eye(3)]) * _REFINEMENTS[-1] * scale
    neighbours = _scores(maps, best[None] + steps.astype(np.float32))
    before, after = neighbours[:3], neighbours[3:]
    score = jnp.max(scores)
    curvature = jnp.minimum(before + after - 2 * score, -1e-6)
    offset = jnp.clip((before - after) / curvature / 2, -0.5, 0.5)
    best += offset * (_REFINEMENTS[-1] * scale)
    return jnp.append(best, margin)

  return jax.lax.map(fit, maps)
