"""Sheets of images for people: synthetic | refined | real, and others."""

import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image, ImageDraw

from simgan_jax.data.marks import Marks
from simgan_jax.machine import batching, files

TITLES = ('synthetic', 'refined', 'real')
NUM_IMAGES = 16  # images of each kind on a sheet
_NUM_GROUPS = 2  # triples in a row
_NUM_NEIGHBOURS = 8
_GAP, _HEADER = 4, 16  # pixels
_ZOOM, _LABEL_WIDTH, _FONT_SIZE = 3, 170, 14  # of draw_rows
NUM_CONTACTS = 64  # images on a contact sheet
_CONTACT_WIDTH, _NAME_HEIGHT, _NAME_SIZE = 110, 13, 10  # pixels


def choose(images: np.ndarray) -> np.ndarray:
  """Return the images of a sheet, spread over the set and so over persons."""
  return images[batching.spread(len(images), NUM_IMAGES)]


def _enlarge(images: np.ndarray, zoom: int) -> list[np.ndarray]:
  """Return [h, w, 1 or 3] images in colour, with gaps right and below."""
  colour = np.broadcast_to(images, (*images.shape[:3], 3))
  enlarged = colour.repeat(zoom, axis=1).repeat(zoom, axis=2)
  gaps = (0, 0), (0, _GAP), (0, _GAP), (0, 0)
  return list(np.pad(enlarged, gaps, constant_values=255))


def draw_sheet(
    synthetic: np.ndarray, refined: np.ndarray, real: np.ndarray
) -> np.ndarray:
  """Lay images side by side: each row holds two triples with a title above.

  Images are [n, h, w, 1 or 3] uint8, of which up to `NUM_IMAGES` are drawn;
  the sheet is [height, width, 3] uint8.
  """
  zoom = max(1, round(150 / synthetic.shape[2]))
  kinds = synthetic, refined, real
  columns = [_enlarge(images[:NUM_IMAGES], zoom) for images in kinds]
  cell_h, cell_w, _ = columns[0][0].shape
  group_w = len(TITLES) * cell_w + 3 * _GAP
  height = _HEADER + -(-len(columns[0]) // _NUM_GROUPS) * cell_h + _GAP
  size = _NUM_GROUPS * group_w - 2 * _GAP, height
  sheet = Image.new('RGB', size, 'white')
  draw = ImageDraw.Draw(sheet)
  for column, images in enumerate(columns):
    for i, image in enumerate(images):
      row, group = divmod(i, _NUM_GROUPS)
      x = _GAP + group * group_w + column * cell_w
      if row == 0:
        draw.text((x, 2), TITLES[column], fill='black')
      sheet.paste(Image.fromarray(image), (x, _HEADER + row * cell_h))
  return np.asarray(sheet)


def draw_rows(
    rows: Mapping[str, UInt8[np.ndarray, 'n h w c']],
) -> UInt8[np.ndarray, 'height width 3']:
  """Lay images side by side, each row with its name on the left.

  All rows have one n, h and w; c is 1 or 3 and may differ.
  """
  tiles = [_enlarge(images, _ZOOM) for images in rows.values()]
  grid = np.vstack([np.hstack(row) for row in tiles])
  margins = (_GAP, 0), (_LABEL_WIDTH, 0), (0, 0)
  sheet = Image.fromarray(np.pad(grid, margins, constant_values=255))
  draw = ImageDraw.Draw(sheet)
  cell_h = len(tiles[0][0])
  for row, name in enumerate(rows):
    middle = _GAP, _GAP + row * cell_h + (cell_h - _GAP) // 2
    draw.text(middle, name, fill='black', anchor='lm', font_size=_FONT_SIZE)
  return np.asarray(sheet)


def draw_contacts(
    images: UInt8[np.ndarray, 'n h w c'],
    names: Sequence[str],
    marks: Sequence[Marks],
) -> UInt8[np.ndarray, 'height width 3']:
  """Lay up to 64 images, evenly spread, side by side, each above its name.

  Points are red, boxes green. The last tile is the mean of all images.
  """
  places = batching.spread(len(images), NUM_CONTACTS)
  mean = images.mean(axis=0).round().astype(np.uint8)
  zoom = max(1, round(_CONTACT_WIDTH / images.shape[2]))
  tiles = _enlarge(np.concatenate([images[places], mean[None]]), zoom)
  labels = [*(names[place] for place in places), 'mean']
  cell_h, cell_w = tiles[0].shape[0] + _NAME_HEIGHT, tiles[0].shape[1]
  columns = math.ceil(math.sqrt(len(tiles)))
  size = columns * cell_w, math.ceil(len(tiles) / columns) * cell_h
  sheet = Image.new('RGB', size, 'white')
  draw = ImageDraw.Draw(sheet)
  for i, tile in enumerate(tiles):
    x, y = i % columns * cell_w, i // columns * cell_h
    found = marks[places[i]] if i < len(places) else Marks()
    inside = tile[:-_GAP, :-_GAP]  # clips the marks
    sheet.paste(_draw_marks(inside, found, zoom), (x, y))
    name = ascii(labels[i])[1:-1]  # the font has no other letters
    while name and draw.textlength(name, font_size=_NAME_SIZE) > cell_w - _GAP:
      name = name[1:]  # its end tells images apart
    below = x, y + cell_h - _NAME_HEIGHT - _GAP
    draw.text(below, name, fill='black', font_size=_NAME_SIZE)
  return np.asarray(sheet)


def _draw_marks(
    image: UInt8[np.ndarray, 'h w 3'], marks: Marks, zoom: int
) -> Image.Image:
  tile = Image.fromarray(image)
  draw = ImageDraw.Draw(tile)
  for box in marks.boxes:
    x, y, width, height = (zoom * value for value in box)
    left, right = sorted((x, x + width))
    upper, lower = sorted((y, y + height))
    draw.rectangle((left, upper, right - 1, lower - 1), outline='lime')
  for point in marks.points:
    x, y = (zoom * value for value in point)
    draw.ellipse((x - 2, y - 2, x + 2, y + 2), outline='red')
  return tile


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
  both = images, others
  flat, pool = (x.reshape(len(x), -1).astype(np.float32) for x in both)
  flat -= flat.mean(axis=1, keepdims=True)
  pool -= pool.mean(axis=1, keepdims=True)
  return np.argmin((pool**2).sum(axis=1) - 2 * flat @ pool.T, axis=1)


def draw_neighbours(refined: np.ndarray, real: np.ndarray) -> np.ndarray:
  """Lay up to 8 refined images in a row, each above its `find_nearest` image.

  Images are [n, h, w, 1 or 3] uint8, the sheet is [height, width, 3] uint8.
  """
  refined = refined[batching.spread(len(refined), _NUM_NEIGHBOURS)]
  zoom = max(1, round(110 / refined.shape[2]))
  rows = refined, real[find_nearest(refined, real)]
  return np.vstack([np.hstack(_enlarge(images, zoom)) for images in rows])


def draw_samples(
    synthetic: UInt8[np.ndarray, 'n h w c'],
    samples: Sequence[UInt8[np.ndarray, 'n h w c']],
    real: UInt8[np.ndarray, 'm h w c'],
) -> UInt8[np.ndarray, 'height width 3']:
  """Lay up to 8 synthetic images above their samples and a similar real one.

  `samples` has the refined images of one sample of the noise each.
  """
  chosen = batching.spread(len(synthetic), _NUM_NEIGHBOURS)
  rows = {'synthetic': synthetic[chosen]}
  rows |= {f'sample {i}': images[chosen] for i, images in enumerate(samples)}
  rows['nearest real'] = real[find_nearest(samples[0][chosen], real)]
  return draw_rows(rows)


def grey_shares(images: np.ndarray) -> list[float]:
  """Return the share of the uint8 pixels in 32 equal bins from 0 to 255."""
  counts = np.bincount(images.ravel() // 8, minlength=32)
  return (counts / images.size).tolist()


def write_png(path: str, image: np.ndarray) -> None:
  """Write an image, [h, w, 3] uint8, as PNG: whole or not at all."""
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, 'PNG')
  files.write_bytes(path, buffer.getvalue())
