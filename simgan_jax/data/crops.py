"""Reading image files, and cutting them to the size of a data set.

Images are arrays [h, w, c] of uint8 or uint16, grey (c = 1) or RGB (c = 3).
"""

import math
from pathlib import Path

import numpy as np
from jaxtyping import UInt, UInt8, UInt16
from numpy.lib import format as npy
from PIL import Image, ImageFile, ImageOps, TiffImagePlugin

from simgan_jax.data.entries import Damaged

Box = tuple[float, float, float, float]  # left, upper, right, lower [px]
Pixels = UInt[np.ndarray, 'h w c']

_LUMA = np.array([19595, 38470, 7471], np.float32) / 65536  # of ITU-R 601-2
_BITS_PER_SAMPLE, _PLANES = 258, 284  # tags of TIFF


def read_image(file: Path) -> Pixels:
  """Return the decoded image, without transparency.

  Raises:
    Damaged: If it cannot be read, or is neither of 8 nor of 16 bits.
  """
  try:
    if file.suffix.lower() == '.npy':
      with file.open('rb') as opened:
        return check_pixels(npy.read_array(opened, allow_pickle=False))
    with Image.open(file) as image:
      largest = _largest_of_16_bit_colour(image)
      image.load()
      ImageOps.exif_transpose(image, in_place=True)  # as people see it
    if largest:
      return _read_16_bit_colour(file, image, largest)
  except FileNotFoundError:
    raise Damaged(f'{file}: the file is missing') from None
  # Damaged headers make the decoders raise almost anything.
  except Exception as e:
    raise Damaged(f'{file}: cannot be read as an image ({e})') from e
  # Pillow decodes PGM files of 16 bits to 32.
  deep_pgm = image.mode == 'I' and image.format == 'PPM'
  if image.mode.startswith('I;16') or deep_pgm:
    return np.asarray(image).astype(np.uint16)[..., None]
  if image.mode in ('I', 'F'):
    raise Damaged(f'{file}: has 32-bit pixels, where 8 or 16 bits are expected')
  grey = image.mode in ('1', 'L', 'LA', 'La')
  return _from_pillow(image.convert('L' if grey else 'RGB'))


def _largest_of_16_bit_colour(image: ImageFile.ImageFile) -> int:
  """Return the largest value of 16-bit colour, 0 for any other image.

  Pillow would decode such an image to 8 bits, and drop what is asked here.
  """
  if image.mode.startswith('I') or not image.tile:
    return 0
  args = image.tile[0].args
  if image.format == 'PPM' and isinstance(args, tuple):
    return args[-1] if args[-1] > 255 else 0
  if isinstance(image, TiffImagePlugin.TiffImageFile):
    deep = max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,))) == 16
  else:
    deep = image.format == 'PNG' and ';16' in str(args)
  return 65535 if deep else 0


def _read_16_bit_colour(
    file: Path, image: ImageFile.ImageFile, largest: int
) -> UInt16[np.ndarray, 'h w c']:
  import cv2  # imported here because nothing else needs it

  in_planes = getattr(image, 'tag_v2', {}).get(_PLANES) == 2
  if image.mode not in ('RGB', 'RGBA', 'RGBX') or in_planes:
    layout = f'{image.mode} in planes' if in_planes else image.mode
    raise ValueError(f'16-bit {layout}; save it as plain RGB')
  content = np.frombuffer(file.read_bytes(), np.uint8)
  pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
  if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
    raise ValueError(f'16-bit {image.mode} that OpenCV does not decode')
  rgb = np.minimum(pixels[..., 2::-1], largest)  # from BGR or BGRA
  return np.rint(rgb * (65535 / largest)).astype(np.uint16)


def check_pixels(pixels: np.ndarray) -> Pixels:
  """Return an array as an image, or raise ValueError if it is none."""
  grey = pixels.ndim == 2
  shaped = grey or (pixels.ndim == 3 and pixels.shape[2] in (1, 3))
  unsigned = pixels.dtype.kind == 'u' and pixels.itemsize <= 2
  if not (shaped and pixels.size and unsigned):
    raise ValueError(
        f'{pixels.dtype} {list(pixels.shape)}, not uint8 or uint16 [height,'
        ' width] or [height, width, 3]'
    )
  pixels = pixels.astype(pixels.dtype.newbyteorder('='), copy=False)
  return pixels[..., None] if grey else pixels


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


def _to_channels(image: Pixels, channels: int) -> Pixels:
  if image.shape[-1] <= channels:
    return np.repeat(image, channels // image.shape[-1], axis=-1)
  if image.dtype == np.uint8:
    return _from_pillow(to_pillow(image).convert('L'))
  return np.rint(image @ _LUMA).astype(np.uint16)[..., None]
