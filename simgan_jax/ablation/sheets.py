"""Sheets of an ablation: the same images a column, one treatment a row."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

_ZOOM, _GAP, _LABEL_WIDTH, _FONT_SIZE = 3, 4, 170, 14  # pixels but the zoom


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
