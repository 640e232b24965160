"""Traces of a depth sensor: ragged edges, holes and a rough surface."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8
from scipy import ndimage

from simgan_jax.simulators import hand_images

_LEVEL_MM = hand_images.CUBE_MM / 255  # of one grey value
_BACKGROUND = 242  # the smallest grey value that is not part of a hand
_SQUARE = np.ones((3, 3), bool)
_GAP_MM = 18.75  # narrower gaps, also between fingers, count as inside


class DepthNoise(NamedTuple):
  """The noise of depth images, mean over the images."""

  edge_raggedness: float  # length of the outer outline / length when smoothed
  hole_percent: float  # part of the inside of the outline that is empty
  roughness_mm: float  # distance of an inner pixel from the median around it


def _outline(mask: Bool[np.ndarray, 'h w']) -> int:
  """Return the length of the mask's outer outline, in sides of pixels."""
  padded = np.pad(ndimage.binary_fill_holes(mask), 1)
  return sum(int(np.diff(padded, axis=axis).sum()) for axis in (0, 1))


def measure_noise(images: UInt8[np.ndarray, 'n h w 1']) -> DepthNoise:
  """Return the noise of depth images, coded as `hands.encode_depth` does.

  Images without a hand are left out; if all are, the result is NaN.
  """
  # Each step closes a gap from both sides.
  steps = max(1, round(_GAP_MM / hand_images.CUBE_MM * images.shape[2] / 2))
  raggedness, holes, roughness = found = [], [], []
  for image in images[..., 0]:
    mask = image < _BACKGROUND
    smooth = ndimage.median_filter(mask, footprint=_SQUARE, mode='nearest')
    smooth = ndimage.median_filter(smooth, size=5, mode='nearest')
    if not smooth.any():
      continue
    padded = np.pad(smooth, steps)
    whole = ndimage.binary_closing(padded, _SQUARE, iterations=steps)
    whole = ndimage.binary_fill_holes(whole)[steps:-steps, steps:-steps]
    inside = ndimage.binary_erosion(smooth & mask, _SQUARE, iterations=2)
    rough = np.abs(image - ndimage.median_filter(image.astype(float), size=3))
    raggedness.append(_outline(mask) / _outline(smooth))
    holes.append(100 * np.mean(~mask[whole]))
    if inside.any():  # narrow hands may have no inside
      roughness.append(_LEVEL_MM * rough[inside].mean())
  return DepthNoise(*(float(np.mean(x)) if x else np.nan for x in found))
