"""Sample sheets: synthetic | refined | real, to be looked at."""

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


def draw_sheet(
    synthetic: np.ndarray, refined: np.ndarray, real: np.ndarray
) -> np.ndarray:
  """Lay images side by side: each row holds two triples with a title above.

  Args:
    synthetic: [n, h, w, c] uint8, c 1 or 3; at most `NUM_IMAGES` are drawn.
    refined: like `synthetic`, the same images after refining.
    real: like `synthetic`.

  Returns:
    [height, width, 3] uint8.
  """
  height, width = synthetic.shape[1:3]
  zoom = max(1, round(150 / width))
  cell_h, cell_w = height * zoom + _GAP, width * zoom + _GAP
  num_rows = -(-min(len(synthetic), NUM_IMAGES) // NUM_GROUPS)
  group_w = len(TITLES) * cell_w + 3 * _GAP
  sheet = Image.new(
      'RGB',
      (NUM_GROUPS * group_w - 2 * _GAP, _HEADER + num_rows * cell_h + _GAP),
      'white',
  )
  draw = ImageDraw.Draw(sheet)
  for column, (title, images) in enumerate(
      zip(TITLES, (synthetic, refined, real), strict=True)
  ):
    for i, image in enumerate(images[:NUM_IMAGES]):
      row, group = divmod(i, NUM_GROUPS)
      x = _GAP + group * group_w + column * cell_w
      if row == 0:
        draw.text((x, 2), title, fill='black')
      tile = Image.fromarray(np.broadcast_to(image, (height, width, 3)))
      tile = tile.resize(
          (width * zoom, height * zoom), Image.Resampling.NEAREST
      )
      sheet.paste(tile, (x, _HEADER + row * cell_h))
  return np.asarray(sheet)


def draw_rows(
    rows: Mapping[str, UInt8[np.ndarray, 'n h w c']],
) -> UInt8[np.ndarray, 'height width 3']:
  """Lay images side by side, each row with its name on the left.

  Args:
    rows: name -> [n, h, w, c] uint8 of one n, h and w; c 1 or 3, which may
      differ.
  """
  num, height, width = next(iter(rows.values())).shape[:3]
  height, width = height * _ZOOM, width * _ZOOM
  sheet = Image.new(
      'RGB',
      (
          _LABEL_WIDTH + num * (width + _GAP),
          len(rows) * (height + _GAP) + _GAP,
      ),
      'white',
  )
  draw = ImageDraw.Draw(sheet)
  for row, (name, images) in enumerate(rows.items()):
    y = _GAP + row * (height + _GAP)
    draw.text(
        (_GAP, y + height // 2),
        name,
        fill='black',
        anchor='lm',
        font_size=_FONT_SIZE,
    )
    for column, image in enumerate(images):
      tile = Image.fromarray(np.broadcast_to(image, (*image.shape[:2], 3)))
      sheet.paste(
          tile.resize((width, height), Image.Resampling.NEAREST),
          (_LABEL_WIDTH + column * (width + _GAP), y),
      )
  return np.asarray(sheet)


def find_nearest(
    images: np.ndarray, others: np.ndarray
) -> Int[np.ndarray, 'n']:
  """Return for each image the place of the most similar of others.

  By the mean squared difference of pixels after the mean grey value of each
  image is taken off: a face in another light is still the same face.

  Args:
    images: [n, h, w, c] uint8.
    others: [m, h, w, c] uint8, at least one.
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
    refined: [n, h, w, c] uint8, c 1 or 3; up to eight are drawn.
    real: [m, h, w, c] uint8, to search in.

  Returns:
    [height, width, 3] uint8.
  """
  refined = refined[batching.spread(len(refined), NUM_ROWS)]
  nearest = real[find_nearest(refined, real)]
  height, width = refined.shape[1:3]
  zoom = max(1, round(110 / width))
  cells = np.stack([refined, nearest])  # [2, n, h, w, c]
  cells = np.broadcast_to(cells, (*cells.shape[:-1], 3))
  cells = cells.repeat(zoom, axis=2).repeat(zoom, axis=3)
  pads = ((0, 0), (0, 0), (0, _GAP), (0, _GAP), (0, 0))
  cells = np.pad(cells, pads, constant_values=255)
  rows, columns, height, width, _ = cells.shape
  return cells.transpose(0, 2, 1, 3, 4).reshape(
      rows * height, columns * width, 3
  )


def grey_shares(images: np.ndarray, num_bins: int = 32) -> list[float]:
  """Return the share of the pixels in equal bins from 0 to 255.

  Args:
    images: uint8, any shape.
    num_bins: a divisor of 256.
  """
  counts = np.bincount(images.ravel(), minlength=256).reshape(num_bins, -1)
  return (counts.sum(axis=1) / images.size).tolist()


def write_png(path: str, image: np.ndarray) -> None:
  """Write [h, w, 3] uint8 as PNG; an interrupted write leaves no half file."""
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, 'PNG')
  files.write_bytes(path, buffer.getvalue())
