"""Giving synthetic images the grey values of real ones, before refining.

A simulator's light is not the world's. When that difference is taken out first,
the discriminator has to look at texture, and the refiner need not change
brightness and contrast.
"""

import io
import os

import numpy as np
from jaxtyping import Int, UInt, UInt8

from simgan_jax.data import crops
from simgan_jax.machine import batching, files
from simgan_jax.machine.errors import InputError

FILE = 'histograms.npy'  # in the folder of a run
NUM_LEVELS = 256
MAX_IMAGES = 1_000  # histograms that a run keeps


def quantiles(
    images: UInt8[np.ndarray, 'n h w c'],
) -> UInt8[np.ndarray, 'm levels c']:
  """Return the grey values of up to `MAX_IMAGES` images in ascending order.

  Of more images [n, h, w, c] uint8, n > 0, evenly spread ones are used.

  Returns:
    Quantiles, [m, NUM_LEVELS, c] uint8. For each channel, entry i of an image
    is the value that a share (i + 1/2) / NUM_LEVELS of its pixels does not
    exceed.
  """
  chosen = batching.spread(len(images), MAX_IMAGES)
  pixels = images[chosen].reshape(len(chosen), -1, images.shape[-1])
  ranks = (np.arange(NUM_LEVELS) + 0.5) / NUM_LEVELS * pixels.shape[1]
  return np.sort(pixels, axis=1)[:, ranks.astype(np.int64)]


def match(
    images: UInt[np.ndarray, 'n h w c'],
    references: UInt8[np.ndarray, 'm levels c'],
    *,
    seed: int,
    numbers: Int[np.ndarray, 'n'] | None = None,
) -> UInt[np.ndarray, 'n h w c']:
  """Return the images with the histograms of randomly chosen references.

  Grey values change monotonically, each channel on its own (Gonzalez and Woods,
  "Digital Image Processing", histogram specification): equal values stay equal,
  and a darker one never becomes brighter than another.

  Args:
    images: Images, [n, h, w, c] uint8 or uint16. The lower bits of 16 are
      interpolated between the levels of the upper 8.
    references: Result of `quantiles`.
    seed: Seed of the choice, which depends only on it and an image's number.
    numbers: Numbers of the images in their data set, [n], ascending; None if
      these are all images.
  """
  if numbers is None:
    numbers = np.arange(len(images))
  generator = np.random.default_rng(seed)
  draws = generator.integers(len(references), size=numbers.max(initial=-1) + 1)
  chosen = references[draws[numbers]]
  matched, middles = np.empty_like(images), np.arange(NUM_LEVELS) + 0.5
  for i, image in enumerate(images):
    for channel in range(images.shape[-1]):
      values = image[..., channel]
      upper = crops.to_8_bits(values)
      counts = np.bincount(upper.ravel(), minlength=NUM_LEVELS)
      # The rank of a value is that of the middle one of its pixels.
      ranks = (np.cumsum(counts) - counts / 2) / values.size
      levels = np.minimum(ranks * NUM_LEVELS, NUM_LEVELS - 1).astype(np.int64)
      new = chosen[i, levels, channel]
      if values.dtype == np.uint8:
        matched[i, ..., channel] = new[values]
      else:
        between = np.interp(values / 256, middles, new * 257.0)
        matched[i, ..., channel] = np.rint(between)
  return matched


def write(workdir: str, references: UInt8[np.ndarray, 'm levels c']) -> None:
  """Write the references of a run, which refining needs again."""
  buffer = io.BytesIO()
  np.save(buffer, references)
  files.write_bytes(os.path.join(workdir, FILE), buffer.getvalue())


def read(workdir: str) -> UInt8[np.ndarray, 'm levels c']:
  """Return the references of a run; InputError if they cannot be read."""
  path = os.path.join(workdir, FILE)
  try:
    return np.load(path, allow_pickle=False)
  except (OSError, ValueError, EOFError) as error:
    raise InputError(
        f'{path} cannot be read ({error}): refining needs the histograms that'
        ' train.py wrote there; restore it, or train again in another'
        ' --workdir.'
    ) from error
