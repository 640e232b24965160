"""Images of every kind of pixels, and their cut to one size."""

import numpy as np
import pytest
from PIL import Image

from simgan_jax.data import crops
from simgan_jax.machine.errors import InputError

SOURCE = 'image_folder'


def test_sizes_are_brought_together_by_a_centre_crop(load, tmp_path):
  folder = tmp_path / 'sizes'
  folder.mkdir()
  tall, wide = np.zeros((200, 55), np.uint8), np.zeros((35, 300), np.uint8)
  tall[83:118], wide[:, 123:178] = 200, 200
  Image.fromarray(tall).save(folder / 'tall.png')
  Image.fromarray(wide).save(folder / 'wide.png')
  for image in load(folder).images:
    assert image[1:-1, 1:-1].min() > 190


@pytest.mark.parametrize('fit', ['crop', 'resize', 'pad'])
def test_fit(load, tmp_path, fit):
  # Grey grows along x; a black bar along the upper border.
  image = np.tile(np.linspace(50, 250, 200), (100, 1))
  image[:20] = 0
  folder = tmp_path / 'fit'
  folder.mkdir()
  Image.fromarray(image.astype(np.uint8)).save(folder / 'a.png')
  (found,) = load(folder, height=40, width=40, fit=fit).images[..., 0]
  ends = found[30, [0, -1]].astype(int)
  black = int((found[:, 20] < 25).sum())
  expected = {
      'crop': ((100, 200), 8),  # the middle
      'resize': ((50, 250), 8),  # all of it, stretched
      'pad': ((50, 250), 10 + 4),  # all of it, the border repeated
  }[fit]
  np.testing.assert_allclose(ends, expected[0], atol=5)
  assert abs(black - expected[1]) <= 1
  assert load(folder, height=40, width=40, fit=fit).report.sizes == {
      '200 x 100': 1
  }


def test_an_unknown_fit(load, tmp_path):
  with pytest.raises(InputError, match="fit='zoom': choose one of"):
    load(tmp_path, fit='zoom')


def test_modes_of_pixels(load, tmp_path):
  folder = tmp_path / 'modes'
  folder.mkdir()
  grey = np.full((35, 55), 0x64, np.uint8)
  colour = np.tile(np.array([200, 100, 50], np.uint8), (35, 55, 1))
  deep = (grey.astype(np.uint16) << 8) + 7
  Image.fromarray(grey).save(folder / 'grey.png')
  Image.fromarray(deep).save(folder / 'deep.png')
  Image.fromarray(deep).save(folder / 'deep.pgm')
  Image.fromarray(colour).save(folder / 'colour.png')
  Image.fromarray(colour).quantize(4).save(folder / 'palette.png')
  Image.fromarray(colour).convert('RGBA').save(folder / 'rgba.png')
  loaded = load(folder)
  values = dict(zip(loaded.names, loaded.images[:, 5, 5, 0], strict=True))
  luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
  for name in ('grey.png', 'deep.png', 'deep.pgm'):
    assert values[name] == 100
  for name in ('colour.png', 'palette.png', 'rgba.png'):
    assert abs(int(values[name]) - luma) <= 1
  assert loaded.report.sixteen_bit == (2, deep[0, 0], deep[0, 0])
  loaded = load(folder, channels=3)
  assert loaded.report.sixteen_bit == (2, deep[0, 0], deep[0, 0])
  values = dict(zip(loaded.names, loaded.images[:, 5, 5], strict=True))
  np.testing.assert_array_equal(values['rgba.png'], (200, 100, 50))
  np.testing.assert_array_equal(values['deep.png'], (100, 100, 100))


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('found', [1, 3])
def test_16_bits_are_cut_as_8_are(found, channels):
  small = np.random.default_rng(0).integers(60, 200, (50, 90, found), np.uint8)
  box = -7, 3, 80.5, 61
  size = {'height': 20, 'width': 30, 'channels': channels}
  expected = crops.cut(small, box, **size).astype(float)
  deep = crops.cut(small * np.uint16(256), box, **size)
  assert deep.shape == (20, 30, channels) and deep.dtype == np.uint16
  np.testing.assert_allclose(deep / 256, expected, atol=1.5)
  assert len(np.unique(deep & 255)) > 50
