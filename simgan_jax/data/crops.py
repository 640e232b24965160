"""Cutting images to the size of a data set.

Images are arrays [h, w, c] of uint8 or uint16, grey (c = 1) or RGB (c = 3).
"""

import math

import numpy as np
from jaxtyping import UInt, UInt8
from PIL import Image

Box = tuple[float, float, float, float]  # left, upper, right, lower [px]
Pixels = UInt[np.ndarray, 'h w c']

_LUMA = np.array([19595, 38470, 7471], np.float32) / 65536  # of ITU-R 601-2


def to_pillow(image: UInt8[np.ndarray, 'h w c']) -> Image.Image:
  """Return an image as Pillow has it, of mode L or RGB."""
  return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _from_pillow(image: Image.Image) -> UInt8[np.ndarray, 'h w c']:
  return np.asarray(image).reshape(image.height, image.width, -1)


def to_8_bits(image: UInt[np.ndarray, '...']) -> UInt8[np.ndarray, '...']:
  """Return the upper 8 bits of 16-bit values; 8-bit values stay."""
  return image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8)


def fit_box(image: Pixels, fit: str, height: int, width: int) -> Box:
  """Return the box of an image that is resized to height x width.

  'crop' is the largest centred box of that aspect ratio, 'pad' the smallest
  centred one that holds the whole image. 'resize' is the image itself, which is
  stretched.
  """
  image_height, image_width = image.shape[:2]
  if fit == 'resize':
    return 0, 0, image_width, image_height
  choose = min if fit == 'crop' else max
  box_width = choose(image_width, image_height * width / height)
  return box_around(image_width / 2, image_height / 2, box_width, height, width)


def box_around(
    x: float, y: float, box_width: float, height: int, width: int
) -> Box:
  """Return the box of that width and aspect ratio around (x, y) [px]."""
  half_width, half_height = box_width / 2, box_width * height / width / 2
  return x - half_width, y - half_height, x + half_width, y + half_height


def cut(
    image: Pixels, box: Box, *, height: int, width: int, channels: int
) -> UInt[np.ndarray, 'height width channels']:
  """Return a box of an image, resized; outside, the border is repeated.

  Grey is the luma of ITU-R 601-2. Resampling is Lanczos, which filters before
  it reduces.
  """
  image = _to_channels(image, channels)
  left, upper, right, lower = box
  outside = max(-left, -upper, right - image.shape[1], lower - image.shape[0])
  if outside > 0:
    margin = math.ceil(outside)
    pads = (margin, margin), (margin, margin), (0, 0)
    image = np.pad(image, pads, mode='edge')
    box = left + margin, upper + margin, right + margin, lower + margin

  def resize(image: Image.Image) -> Image.Image:
    return image.resize((width, height), Image.Resampling.LANCZOS, box=box)

  if image.dtype == np.uint8:
    return _from_pillow(resize(to_pillow(image)))
  planes = np.moveaxis(image.astype(np.float32), -1, 0)
  resized = [np.asarray(resize(Image.fromarray(plane))) for plane in planes]
  return np.stack(resized, axis=-1).round().clip(0, 65535).astype(np.uint16)


def _to_channels(
    image: Pixels, channels: int
) -> UInt[np.ndarray, 'h w channels']:
  if image.shape[-1] <= channels:
    return np.repeat(image, channels // image.shape[-1], axis=-1)
  if image.dtype == np.uint8:
    return _from_pillow(to_pillow(image).convert('L'))
  return np.rint(image @ _LUMA).astype(np.uint16)[..., None]
