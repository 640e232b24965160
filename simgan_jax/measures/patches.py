"""The distance between two sets of images, as seen through small windows.

The sliced Wasserstein distance of Karras et al., "Progressive Growing of GANs",
ICLR 2018, section 5, arXiv:1710.10196: patches from the levels of a pyramid,
compared along random directions. Here in grey levels, without the coarsest one:
how bright the images are at large is not compared, only what they are made of.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from scipy import ndimage

from simgan_jax.machine import errors

_SIDE = 7  # px of a patch
_NUM_LEVELS = 3  # of the pyramid, fewer in images too small for them
_PER_IMAGE = 32  # patches of each level
_NUM_DIRECTIONS = 128
_QUANTILES = (np.arange(1_000) + 0.5) / 1_000


class Patches(NamedTuple):
  """What `distance` compares."""

  quantiles: Float[np.ndarray, 'level q direction']


def describe(images: UInt8[np.ndarray, 'n h w c'], *, seed: int = 0) -> Patches:
  """Return the quantiles of random patches along random directions.

  Args:
    images: [n, h, w, c] uint8, at least one.
    seed: of the places of the patches; the directions are always the same.

  Raises:
    InputError: when the images are smaller than a patch.
  """
  if min(images.shape[1:3]) < _SIDE:
    height, width = images.shape[1:3]
    raise errors.InputError(
        f'images of {width} x {height} pixels are smaller than the patches of'
        f' {_SIDE} x {_SIDE} that are compared; use larger ones.'
    )
  directions = np.random.default_rng(0).normal(
      size=(_SIDE**2 * images.shape[-1], _NUM_DIRECTIONS)
  )
  directions = np.float32(directions / np.linalg.norm(directions, axis=0))
  generator = np.random.default_rng(seed)
  return Patches(
      np.stack(
          [
              # Sorted first: NumPy's own search of 1,000 places is slower.
              np.quantile(
                  np.sort(_draw(level, generator) @ directions, axis=0),
                  _QUANTILES,
                  axis=0,
              )
              for level in _split(images)
          ]
      )
  )


def distance(a: Patches, b: Patches) -> float:
  """Return the mean distance over levels and directions, in grey levels.

  For two draws from one distribution it is not 0, but small.

  Args:
    a: of `describe`.
    b: of images of the same size.
  """
  return float(np.abs(a.quantiles - b.quantiles).mean())


def _split(
    images: UInt8[np.ndarray, 'n h w c'],
) -> list[Float[np.ndarray, 'n _ _ c']]:
  """Return what each of a sequence of blurs takes away, the finest first."""
  blur = (0, 1, 1, 0)  # deviations in px
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
