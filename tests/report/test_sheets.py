"""Sample sheets: rounding, layout, atomic writing."""

import numpy as np
from PIL import Image

from simgan_jax.machine import pixels
from simgan_jax.report import sheets


def test_rounding_is_the_inverse_of_scaling_and_never_stretches():
  grey = np.arange(256, dtype=np.uint8)
  np.testing.assert_array_equal(pixels.to_integers(grey / 127.5 - 1), grey)
  assert pixels.to_integers(np.array([-1.2, 1.2])).tolist() == [0, 255]
  # A flat image stays flat at its own value.
  assert pixels.to_integers(np.full((2, 2), 0.1)).tolist() == [[140, 140]] * 2


def test_chosen_images_are_spread_and_distinct():
  images = np.arange(1_000).reshape(-1, 1, 1, 1)
  chosen = sheets.choose(images).ravel()
  assert len(set(chosen)) == sheets.NUM_IMAGES
  assert chosen[0] == 0 and chosen[-1] == 999
  assert sheets.choose(images[:3]).ravel().tolist() == [0, 1, 2]


def test_a_sheet_holds_every_image_in_its_column(tmp_path):
  n, h, w = sheets.NUM_IMAGES, 35, 55
  levels = (30, 120, 210)
  groups = [np.full((n, h, w, 1), level, np.uint8) for level in levels]
  sheet = sheets.draw_sheet(*groups)
  for level in levels:
    # Pixels of the zoomed tiles, up to the titles above them.
    count = np.all(sheet == level, axis=-1).sum()
    assert abs(count - n * h * w * 9) < 10
  first = [int(np.argmax(np.any(sheet[..., 0] == v, axis=0))) for v in levels]
  assert first == sorted(first)
  path = tmp_path / 'new' / 'sheet.png'
  sheets.write_png(str(path), sheet)
  with Image.open(path) as written:
    np.testing.assert_array_equal(np.asarray(written), sheet)
  assert [p.name for p in path.parent.iterdir()] == ['sheet.png']


def test_colour_images_keep_their_colour():
  colour = np.zeros((1, 35, 55, 3), np.uint8)
  colour[..., 1] = 200
  sheet = sheets.draw_sheet(colour, colour, colour)
  assert np.all(sheet == [0, 200, 0], axis=-1).sum() == 3 * 35 * 55 * 9


def test_the_nearest_is_the_same_picture_in_any_light():
  generator = np.random.default_rng(0)
  others = generator.integers(50, 200, (20, 35, 55, 1)).astype(np.uint8)
  order = generator.permutation(20)[:6]
  noise = generator.integers(0, 30, (6, 35, 55, 1)).astype(np.uint8)
  brighter = others[order] + noise
  np.testing.assert_array_equal(sheets.find_nearest(brighter, others), order)


def test_neighbours_stand_below():
  images = np.stack([np.full((35, 55, 1), i * 10, np.uint8) for i in range(9)])
  images[:, :5] = 255 - images[:, :5]
  sheet = sheets.draw_neighbours(images[:3], images)
  height, width, _ = sheet.shape
  assert (height, width) == (2 * (70 + 4), 3 * (110 + 4))
  upper, lower = np.split(sheet, 2)
  np.testing.assert_array_equal(upper, lower)
  assert sheets.draw_neighbours(images, images).shape[1] == 8 * 114


def test_shares_of_grey_values():
  images = np.array([0, 7, 8, 255], np.uint8)
  shares = sheets.grey_shares(images)
  assert shares[0] == 0.5 and shares[1] == shares[-1] == 0.25
  assert sum(shares) == 1 and len(shares) == 32
