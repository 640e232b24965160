"""Reading image files: their content tells what they are, not their names."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from PIL import Image, TiffImagePlugin

from simgan_jax.data import frames
from simgan_jax.data.crops import Pixels
from simgan_jax.data.entries import Damaged

ON_BLACK = 'transparent pixels are composited on black'

_KIND_OF_PAGE, _EXTRA_SAMPLES = 254, 338  # tags of TIFF
_REDUCED_OR_MASK = 0b101  # kinds of pages


class Decoded(NamedTuple):
  """An image, and what was decided about it."""

  pixels: Pixels  # uint8 or uint16, grey or RGB
  notes: tuple[str, ...] = ()  # the same words for the same decision


def read_image(file: Path, page: int | None = None) -> Decoded:
  """Return the image in a file, upright and without transparency.

  Colour profiles are ignored.

  Args:
    file: Image file, or NumPy array, of any name.
    page: Number of the page or frame, from 0; None if there must be only one.

  Raises:
    Damaged: If it cannot be read, has several pages and none is asked for, or
      is neither of 8 nor of 16 bits.
  """
  start = b''
  try:
    with file.open('rb') as opened:
      start = opened.read(16)
      opened.seek(0)
      if start.startswith(npy.MAGIC_PREFIX):
        return Decoded(check_pixels(npy.read_array(opened, allow_pickle=False)))
      pages = _list_pages(opened)
      if page is None and len(pages) > 1:
        raise Damaged(
            f'{file}: has {len(pages)} pages; set pages=all to make each an'
            ' image, or give a file for each'
        )
      if (page or 0) >= len(pages):
        raise Damaged(f'{file}: has no page {page}')
      frame, tags = pages[page or 0]
      found = frames.read(opened, frame, tags, several=len(pages) > 1)
      premultiplied = tags.get(_EXTRA_SAMPLES, (0,))[0] == 1
      return _composite(found, premultiplied=premultiplied)
  except FileNotFoundError:
    raise Damaged(f'{file}: the file is missing') from None
  except Damaged:
    raise
  # Damaged headers make the decoders raise almost anything.
  except Exception as error:
    reason = str(error)
    if not start:
      reason = 'the file is empty'
    elif isinstance(error, Image.UnidentifiedImageError):
      reason = f'damaged or of an unknown kind, it begins with {start!r}'
    raise Damaged(f'{file}: cannot be read as an image ({reason})') from error


def count_pages(file: Path) -> int:
  """Return the number of pages or frames; 1 if it cannot be told.

  Reduced copies and masks of a page do not count.
  """
  try:
    with file.open('rb') as opened:
      return len(_list_pages(opened))
  except Exception:  # reading the file reports it
    return 1


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


def _list_pages(opened: IO[bytes]) -> list[tuple[int, Mapping[int, Any]]]:
  """Return the frames that are pages: their numbers, and tags if it is TIFF."""
  if opened.read(4) in TiffImagePlugin.PREFIXES:
    every = list(enumerate(_read_tags(opened)))
    pages = [
        (number, tags)
        for number, tags in every
        if not tags.get(_KIND_OF_PAGE, 0) & _REDUCED_OR_MASK
    ]
    return pages or every
  opened.seek(0)
  image = Image.open(opened)
  # Photographs have previews as further frames, Photoshop has the layers there.
  whole = image.format in ('MPO', 'PSD')
  count = 1 if whole else getattr(image, 'n_frames', 1)
  return [(number, {}) for number in range(count)]


def _read_tags(opened: IO[bytes]) -> Iterator[Mapping[int, Any]]:
  """Yield the tags of all frames of a TIFF."""
  opened.seek(0)
  header = opened.read(8)
  if header[2] == 43:  # BigTIFF
    header += opened.read(8)
  directory = TiffImagePlugin.ImageFileDirectory_v2(header)
  seen = set()
  while directory.next and directory.next not in seen:
    seen.add(directory.next)
    opened.seek(directory.next)
    directory.load(opened)
    yield dict(directory)


def _composite(found: frames.Samples, *, premultiplied: bool) -> Decoded:
  """Return an image; of 2 or 4 channels, the last is alpha."""
  if found.shape[-1] % 2:
    return Decoded(found)
  pixels, alpha = found[..., :-1], found[..., -1:]
  largest = np.iinfo(found.dtype).max
  if (alpha == largest).all():
    return Decoded(pixels)
  if not premultiplied:
    pixels = np.rint(pixels * (alpha / largest)).astype(found.dtype)
  return Decoded(pixels, (ON_BLACK,))
