"""What a depth sensor does to a hand: ragged edges, holes, a rough surface."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8
from scipy import ndimage

from simgan_jax.simulators import hand_images

_LEVEL_MM = hand_images.CUBE_MM / 255  # from a grey value to the next
_BACKGROUND = 242  # grey values from here on are no hand
_SQUARE = np.ones((3, 3), bool)
_GAP_MM = 18.75  # gaps up to this, between fingers too, count as inside


class DepthNoise(NamedTuple):
  """Means over images."""

  edge_raggedness: float  # length of the outer outline / of it smoothed
  hole_percent: float  # of the outline's inside that shows nothing
  roughness_mm: float  # from a pixel to the median around it, inside


def _outline(mask: Bool[np.ndarray, 'h w']) -> int:
  """Return the number of borders between pixels of the mask and outer ones."""
  padded = np.pad(ndimage.binary_fill_holes(mask), 1)
  return sum(int(np.diff(padded, axis=axis).sum()) for axis in (0, 1))


def measure_noise(images: UInt8[np.ndarray, 'n h w 1']) -> DepthNoise:
  """Return the noise of depth images, coded as `hands.encode_depth` does.

  Images without a hand are left out; NaN when none is left.

  Args:
    images: [n, h, w, 1] uint8.
  """
  # Each step closes a gap from both sides.
  steps = max(1, round(_GAP_MM / hand_images.CUBE_MM * images.shape[2] / 2))
  found = []
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
    found.append(
        (
            _outline(mask) / _outline(smooth),
            100 * np.mean(~mask[whole]),
            _LEVEL_MM * rough[inside].mean() if inside.any() else np.nan,
        )
    )
  if not found:
    return DepthNoise(np.nan, np.nan, np.nan)
  # Of roughness alone, narrow hands may have no inside.
  columns = np.array(found, np.float64).T
  known = [column[~np.isnan(column)] for column in columns]
  return DepthNoise(*(float(c.mean()) if len(c) else np.nan for c in known))
