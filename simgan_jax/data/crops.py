"""Reading image files, and cutting them to the size of a data set."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from simgan_jax.data.samples import Damaged

Box = tuple[float, float, float, float]  # left, upper, right, lower [px]


def read_image(file: Path) -> Image.Image:
  """Returns the decoded image in mode L or RGB.

  16-bit images keep their upper 8 bits, transparency is dropped.

  Raises:
    Damaged: If the file is missing, truncated, not an image, or has pixels of
      32 bits.
  """
  try:
    with Image.open(file) as image:
      image.load()
  except FileNotFoundError:
    raise Damaged(f'{file}: the file is missing') from None
  except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as e:
    raise Damaged(f'{file}: cannot be read as an image ({e})') from e
  if image.mode.startswith('I;16'):
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
  if image.mode in ('I', 'F'):
    raise Damaged(f'{file}: has 32-bit pixels, where 8 or 16 bits are expected')
  if image.mode in ('L', 'RGB'):
    return image
  grey = image.mode in ('1', 'LA', 'La')
  return image.convert('L' if grey else 'RGB')


def centre_box(image: Image.Image, height: int, width: int) -> Box:
  """Returns the largest centred box of the aspect ratio height : width."""
  box_width = min(image.width, image.height * width / height)
  return box_around(image.width / 2, image.height / 2, box_width, height, width)


def box_around(
    x: float, y: float, box_width: float, height: int, width: int
) -> Box:
  """Returns the box of a width and the aspect ratio around a centre [px]."""
  half_width, half_height = box_width / 2, box_width * height / width / 2
  return x - half_width, y - half_height, x + half_width, y + half_height


def cut(
    image: Image.Image, box: Box, *, height: int, width: int, channels: int
) -> Image.Image:
  """Returns a box of an image, resized; the border is repeated outside.

  Grey is Pillow's luma (ITU-R 601-2). Resampling is Lanczos, which filters
  before it reduces.
  """
  image = image.convert('L' if channels == 1 else 'RGB')
  left, upper, right, lower = box
  outside = max(-left, -upper, right - image.width, lower - image.height)
  if outside > 0:
    margin = math.ceil(outside)
    pixels = np.asarray(image)
    pads = [(margin, margin)] * 2 + [(0, 0)] * (pixels.ndim - 2)
    image = Image.fromarray(np.pad(pixels, pads, mode='edge'))
    box = left + margin, upper + margin, right + margin, lower + margin
  return image.resize((width, height), Image.Resampling.LANCZOS, box=box)
