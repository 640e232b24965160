"""Sheets of images for people: synthetic | refined | real, and others."""

import io
from collections.abc import Mapping

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image, ImageDraw

from simgan_jax.machine import batching, files

TITLES = ('synthetic', 'refined', 'real')
NUM_ROWS, NUM_GROUPS = 8, 2
NUM_IMAGES = NUM_ROWS * NUM_GROUPS  # images of each kind on a sheet
_GAP, _HEADER = 4, 16  # pixels
_ZOOM, _LABEL_WIDTH, _FONT_SIZE = 3, 170, 14  # of draw_rows


def choose(images: np.ndarray) -> np.ndarray:
  """Return the images of a sheet, spread over the set and so over persons."""
  return images[batching.spread(len(images), NUM_IMAGES)]


def _paste(sheet: Image.Image, image: np.ndarray, x: int, y: int, zoom: int):
  """Put an image, [h, w, 1 or 3] uint8, enlarged into a sheet."""
  height, width = image.shape[:2]
  tile = Image.fromarray(np.broadcast_to(image, (height, width, 3)))
  size = width * zoom, height * zoom
  sheet.paste(tile.resize(size, Image.Resampling.NEAREST), (x, y))


def draw_sheet(
    synthetic: np.ndarray, refined: np.ndarray, real: np.ndarray
) -> np.ndarray:
  """Lay images side by side: each row holds two triples with a title above.

  Args:
    synthetic: Images, [n, h, w, c] uint8, c 1 or 3; at most `NUM_IMAGES` are
      drawn.
    refined: The same images after refining.
    real: Images like `synthetic`.

  Returns:
    The sheet, [height, width, 3] uint8.
  """
  height, width = synthetic.shape[1:3]
  zoom = max(1, round(150 / width))
  cell_h, cell_w = height * zoom + _GAP, width * zoom + _GAP
  num_rows = -(-min(len(synthetic), NUM_IMAGES) // NUM_GROUPS)
  group_w = len(TITLES) * cell_w + 3 * _GAP
  size = NUM_GROUPS * group_w - 2 * _GAP, _HEADER + num_rows * cell_h + _GAP
  sheet = Image.new('RGB', size, 'white')
  draw = ImageDraw.Draw(sheet)
  for column, images in enumerate((synthetic, refined, real)):
    for i, image in enumerate(images[:NUM_IMAGES]):
      row, group = divmod(i, NUM_GROUPS)
      x = _GAP + group * group_w + column * cell_w
      if row == 0:
        draw.text((x, 2), TITLES[column], fill='black')
      _paste(sheet, image, x, _HEADER + row * cell_h, zoom)
  return np.asarray(sheet)


def draw_rows(
    rows: Mapping[str, UInt8[np.ndarray, 'n h w c']],
) -> UInt8[np.ndarray, 'height width 3']:
  """Lay images side by side, each row with its name on the left.

  Args:
    rows: name -> images, [n, h, w, c] uint8. All rows have one n, h and w; c
      is 1 or 3 and may differ.
  """
  num, height, width = next(iter(rows.values())).shape[:3]
  cell_h, cell_w = height * _ZOOM + _GAP, width * _ZOOM + _GAP
  size = _LABEL_WIDTH + num * cell_w, len(rows) * cell_h + _GAP
  sheet = Image.new('RGB', size, 'white')
  draw = ImageDraw.Draw(sheet)
  for row, (name, images) in enumerate(rows.items()):
    y = _GAP + row * cell_h
    middle = _GAP, y + height * _ZOOM // 2
    draw.text(middle, name, fill='black', anchor='lm', font_size=_FONT_SIZE)
    for column, image in enumerate(images):
      _paste(sheet, image, _LABEL_WIDTH + column * cell_w, y, _ZOOM)
  return np.asarray(sheet)


def find_nearest(
    images: np.ndarray, others: np.ndarray
) -> Int[np.ndarray, 'n']:
  """Return for each image the index of the most similar other image.

  Similar means a small mean squared difference of pixels, after the mean grey
  value of each image is subtracted: light does not change who is in a picture.

  Args:
    images: Images, [n, h, w, c] uint8.
    others: Images to search in, [m, h, w, c] uint8, at least one.
  """
  flat, pool = (
      x.reshape(len(x), -1).astype(np.float32) for x in (images, others)
  )
  flat = flat - flat.mean(axis=1, keepdims=True)
  pool = pool - pool.mean(axis=1, keepdims=True)
  return np.argmin((pool**2).sum(axis=1) - 2 * flat @ pool.T, axis=1)


def draw_neighbours(refined: np.ndarray, real: np.ndarray) -> np.ndarray:
  """Lay refined images in a row, each above the real one nearest to it.

  Args:
    refined: Images, [n, h, w, c] uint8, c 1 or 3; up to `NUM_ROWS` are drawn.
    real: Images to search in, [m, h, w, c] uint8.

  Returns:
    The sheet, [height, width, 3] uint8.
  """
  refined = refined[batching.spread(len(refined), NUM_ROWS)]
  num, height, width = refined.shape[:3]
  zoom = max(1, round(110 / width))
  cell_h, cell_w = height * zoom + _GAP, width * zoom + _GAP
  sheet = Image.new('RGB', (num * cell_w, 2 * cell_h), 'white')
  for row, images in enumerate((refined, real[find_nearest(refined, real)])):
    for column, image in enumerate(images):
      _paste(sheet, image, column * cell_w, row * cell_h, zoom)
  return np.asarray(sheet)


def grey_shares(images: np.ndarray, num_bins: int = 32) -> list[float]:
  """Return the share of the pixels in equal bins from 0 to 255.

  Args:
    images: Images, uint8 of any shape.
    num_bins: Number of bins, a divisor of 256.
  """
  counts = np.bincount(images.ravel(), minlength=256).reshape(num_bins, -1)
  return (counts.sum(axis=1) / images.size).tolist()


def write_png(path: str, image: np.ndarray) -> None:
  """Write an image, [h, w, 3] uint8, as PNG: whole or not at all."""
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, 'PNG')
  files.write_bytes(path, buffer.getvalue())
