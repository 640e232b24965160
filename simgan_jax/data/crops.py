"""Reading image files, and cutting them to the size of a data set."""

import math
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from PIL import Image

from simgan_jax.data.samples import Damaged

FITS = ('crop', 'resize', 'pad')
Box = tuple[float, float, float, float]  # left, upper, right, lower [px]


def read_image(file: Path) -> Image.Image:
  """Returns the decoded image in mode L, RGB or I;16.

  Transparency is dropped, and of 16-bit colour the lower 8 bits are.

  Raises:
    Damaged: If the file is missing, truncated, not an image, or has pixels of
      32 bits.
  """
  try:
    if file.suffix.lower() == '.npy':
      with file.open('rb') as opened:
        return from_array(npy.read_array(opened, allow_pickle=False))
    with Image.open(file) as image:
      image.load()
  except FileNotFoundError:
    raise Damaged(f'{file}: the file is missing') from None
  # Damaged headers make the decoders raise almost anything.
  except Exception as e:
    raise Damaged(f'{file}: cannot be read as an image ({e})') from e
  # Of 16 bits, Pillow gives those of PGM files in 32.
  if image.mode.startswith('I;16') or (image.mode, image.format) == (
      'I',
      'PPM',
  ):
    return Image.fromarray(np.asarray(image).astype(np.uint16))
  if image.mode in ('I', 'F'):
    raise Damaged(f'{file}: has 32-bit pixels, where 8 or 16 bits are expected')
  if image.mode in ('L', 'RGB'):
    return image
  grey = image.mode in ('1', 'LA', 'La')
  return image.convert('L' if grey else 'RGB')


def from_array(pixels: np.ndarray) -> Image.Image:
  """Returns an image of mode L, RGB or I;16.

  Raises:
    ValueError: If the shape or the type is another one.
  """
  if pixels.ndim == 3 and pixels.shape[2] == 1:
    pixels = pixels[..., 0]
  colour = pixels.ndim == 3 and pixels.shape[2] == 3
  depths = (np.uint8,) if colour else (np.uint8, np.uint16)
  shaped = (colour or pixels.ndim == 2) and pixels.size
  if not shaped or pixels.dtype not in depths:
    raise ValueError(
        f'{pixels.dtype} {list(pixels.shape)}, not uint8 or uint16 [height,'
        ' width], or uint8 [height, width, 3]'
    )
  return Image.fromarray(pixels)


def levels_of_16_bits(image: Image.Image) -> tuple[int, int] | None:
  """Returns the least and the greatest grey value, None of other images."""
  if image.mode != 'I;16':
    return None
  pixels = np.asarray(image)
  return int(pixels.min()), int(pixels.max())


def to_8_bits(image: Image.Image) -> Image.Image:
  """Returns the image with the upper 8 bits of its grey values."""
  if image.mode != 'I;16':
    return image
  return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def fit_box(image: Image.Image, fit: str, height: int, width: int) -> Box:
  """Returns what becomes an image of height x width by one of `FITS`.

  'crop' is the largest centred box of that aspect ratio, 'pad' the smallest
  centred one that holds the whole image, 'resize' the image, stretched.
  """
  if fit == 'resize':
    return 0, 0, image.width, image.height
  choose = min if fit == 'crop' else max
  box_width = choose(image.width, image.height * width / height)
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

  Grey is Pillow's luma (ITU-R 601-2), or stays of 16 bits. Resampling is
  Lanczos, which filters before it reduces.
  """
  deep = image.mode == 'I;16' and channels == 1
  if deep:
    image = Image.fromarray(np.asarray(image).astype(np.float32))
  else:
    image = to_8_bits(image).convert('L' if channels == 1 else 'RGB')
  left, upper, right, lower = box
  outside = max(-left, -upper, right - image.width, lower - image.height)
  if outside > 0:
    margin = math.ceil(outside)
    pixels = np.asarray(image)
    pads = [(margin, margin)] * 2 + [(0, 0)] * (pixels.ndim - 2)
    image = Image.fromarray(np.pad(pixels, pads, mode='edge'))
    box = left + margin, upper + margin, right + margin, lower + margin
  image = image.resize((width, height), Image.Resampling.LANCZOS, box=box)
  if not deep:
    return image
  values = np.asarray(image).round().clip(0, 2**16 - 1)
  return Image.fromarray(values.astype(np.uint16))
