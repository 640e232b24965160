"""The distance between the small patches of two sets of images.

Source: the sliced Wasserstein distance of Karras et al., "Progressive Growing
of GANs", ICLR 2018, section 5, arXiv:1710.10196: patches from the levels of a
pyramid are compared along random directions. Here the unit is grey levels, and
the coarsest level is left out: details are compared, brightness at large is
not.
"""

import numpy as np
from jaxtyping import Float, UInt8
from scipy import ndimage

from simgan_jax.machine import errors

_SIDE = 7  # px of a patch
_NUM_LEVELS = 3  # of the pyramid; small images have fewer
_PER_IMAGE = 32  # patches of each level of an image
_NUM_DIRECTIONS = 128
_QUANTILES = (np.arange(1_000) + 0.5) / 1_000

Patches = Float[np.ndarray, 'level quantile direction']


def describe(images: UInt8[np.ndarray, 'n h w c'], *, seed: int = 0) -> Patches:
  """Return the quantiles of random patches along random directions.

  Args:
    images: Images, at least one, [n, h, w, c] uint8.
    seed: Seed of the places of the patches; the directions are always the same.

  Raises:
    InputError: If the images are smaller than a patch.
  """
  height, width, channels = images.shape[1:]
  if min(height, width) < _SIDE:
    raise errors.InputError(
        f'images of {width} x {height} pixels are smaller than the patches of'
        f' {_SIDE} x {_SIDE} that are compared; use larger ones.'
    )
  shape = _SIDE**2 * channels, _NUM_DIRECTIONS
  directions = np.random.default_rng(0).normal(size=shape)
  directions = np.float32(directions / np.linalg.norm(directions, axis=0))
  generator = np.random.default_rng(seed)
  found = []
  for level in _split(images):
    # Sorted first: NumPy's own search for 1,000 quantiles is slower.
    values = np.sort(_draw(level, generator) @ directions, axis=0)
    found.append(np.quantile(values, _QUANTILES, axis=0))
  return np.stack(found)


def distance(a: Patches, b: Patches) -> float:
  """Return the mean distance over levels and directions, in grey levels.

  It is small, but not 0, for two draws from one distribution. Both arguments
  are of images of one size.
  """
  return float(np.abs(a - b).mean())


def _split(images: UInt8[np.ndarray, 'n h w c']) -> list[np.ndarray]:
  """Return what each of some blurs in a row takes away, the finest first."""
  blur = (0, 1, 1, 0)  # standard deviations in px
  levels, rest = [], images.astype(np.float32)
  while len(levels) < _NUM_LEVELS and min(rest.shape[1:3]) >= _SIDE:
    blurred = ndimage.gaussian_filter(rest, blur)
    levels.append(rest - blurred)
    rest = blurred[:, ::2, ::2]
  return levels


def _draw(
    images: Float[np.ndarray, 'n h w c'], generator: np.random.Generator
) -> Float[np.ndarray, 'm p']:
  windows = np.lib.stride_tricks.sliding_window_view(
      images, (_SIDE, _SIDE), (1, 2)
  )
  number = np.repeat(np.arange(len(images)), _PER_IMAGE)
  y, x = (generator.integers(0, n, len(number)) for n in windows.shape[1:3])
  return windows[number, y, x].reshape(len(number), -1)
