"""Sample sheets: synthetic | refined | real, to be looked at."""

import io

import numpy as np
from PIL import Image, ImageDraw

from simgan_jax import records

TITLES = ('synthetic', 'refined', 'real')
NUM_ROWS, NUM_GROUPS = 8, 2
NUM_IMAGES = NUM_ROWS * NUM_GROUPS  # images of each kind on a sheet
_GAP, _HEADER = 4, 16  # pixels


def to_uint8(images: np.ndarray) -> np.ndarray:
  """Return float images in [-1, 1] as uint8, rounded, never stretched."""
  return np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype(np.uint8)


def spread(num_images: int, limit: int) -> np.ndarray:
  """Return the numbers of `limit` images, evenly spread, or of all: [m] int."""
  indices = np.linspace(0, num_images - 1, min(limit, num_images))
  return np.unique(indices.astype(int))


def choose(images: np.ndarray) -> np.ndarray:
  """Return the images of a sheet, spread over the set and so over persons."""
  return images[spread(len(images), NUM_IMAGES)]


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


def write_png(path: str, image: np.ndarray) -> None:
  """Write [h, w, 3] uint8 as PNG; an interrupted write leaves no half file."""
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, 'PNG')
  records.write_bytes(path, buffer.getvalue())
