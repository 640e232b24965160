"""Files of images, of every kind of pixels, and their cut to one size."""

import contextlib
import io
import random
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from simgan_jax.data import crops
from simgan_jax.data.entries import Damaged
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


def test_pixels_of_32_bits(load, tmp_path):
  Image.new('F', (55, 35)).save(tmp_path / 'depth.tiff')
  with pytest.raises(InputError, match=r'depth\.tiff: has 32-bit pixels'):
    load(tmp_path)


def _draw(channels, most=2**16):
  random_values = np.random.default_rng(0).integers(0, most, (35, 55, channels))
  return random_values.astype(np.uint16)


def _tiff(pixels, *, planar=1):
  """Return an uncompressed TIFF of 16-bit colour, by hand."""
  height, width, channels = pixels.shape
  tags = [
      *((256, 4, width), (257, 4, height), (258, 3, 16), (259, 3, 1)),
      *((262, 3, 2), (273, 4, 0), (277, 3, channels), (278, 4, height)),
      *((279, 4, pixels.nbytes), (284, 3, planar)),
  ]
  end = 8 + 2 + 12 * len(tags) + 4
  content = b'II*\0' + struct.pack('<IH', 8, len(tags))
  for tag, kind, value in tags:
    count = 1
    if tag == 258:
      count, value = channels, end  # as many values, behind the tags
    elif tag == 273:
      value = end + 2 * channels
    content += struct.pack('<HHII', tag, kind, count, value)
  content += bytes(4) + struct.pack(f'<{channels}H', *[16] * channels)
  return content + pixels.astype('<u2').tobytes()


def _ppm(pixels, largest):
  height, width, _ = pixels.shape
  header = f'P6\n{width} {height}\n{largest}\n'.encode()
  return header + pixels.astype('>u2').tobytes()


def test_colour_of_16_bits(tmp_path):
  colour, with_alpha, grey_with_alpha = _draw(3), _draw(4), _draw(2)
  twelve_bits = _draw(3, most=2**12)
  encode = tf.io.encode_png
  for name, content, expected in (
      ('a.png', encode(colour).numpy(), colour),
      ('b.png', encode(with_alpha).numpy(), with_alpha[..., :3]),
      ('c.png', encode(grey_with_alpha).numpy(), grey_with_alpha[..., [0] * 3]),
      ('d.tif', _tiff(colour), colour),
      ('e.ppm', _ppm(colour, 65_535), colour),
      (
          'f.ppm',
          _ppm(twelve_bits, 4_095),
          np.rint(twelve_bits / 4_095 * 65_535),
      ),
  ):
    (tmp_path / name).write_bytes(content)
    found = crops.read_image(tmp_path / name)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, expected, err_msg=name)


def test_values_above_the_largest_of_a_ppm(tmp_path):
  path = tmp_path / 'a.ppm'
  path.write_bytes(_ppm(_draw(3, most=1_000) + np.uint16(4_096), 4_095))
  assert (crops.read_image(path) == 65_535).all()


def test_a_photograph_that_was_turned(tmp_path):
  upright = np.zeros((20, 40, 3), np.uint8)
  upright[:8] = 255
  image = Image.fromarray(np.rot90(upright))
  turned = Image.Exif()
  turned[0x0112] = 6  # Orientation: a quarter to the right is upright
  for name in ('a.png', 'a.jpg', 'a.tif'):
    image.save(tmp_path / name, exif=turned)
    found = crops.read_image(tmp_path / name)
    assert found.shape == (20, 40, 3)
    np.testing.assert_allclose(found, upright, atol=8)


def test_colour_of_16_bits_that_cannot_be_read(tmp_path):
  png = tf.io.encode_png(_draw(3)).numpy()
  planes = _tiff(np.moveaxis(_draw(3), -1, 0).reshape(35, 55, 3), planar=2)
  for name, content, message in (
      ('cut.png', png[: len(png) // 2], 'truncated'),
      ('cut.ppm', _ppm(_draw(3), 65_535)[:-9], 'not enough|truncated'),
      ('planes.tif', planes, '16-bit RGB in planes; save it as plain RGB'),
  ):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Damaged, match=f'{name}: cannot be read .*({message})'):
      crops.read_image(tmp_path / name)


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


def test_numpy_files(load, tmp_path):
  grey = np.full((35, 55), 100, np.uint8)
  for name, array in (
      ('grey', grey),
      ('channel', grey[..., None]),
      ('deep', grey.astype(np.uint16) << 8),
      ('colour', np.stack([grey] * 3, axis=-1)),
      ('big_endian', (grey.astype(np.uint16) << 8).astype('>u2')),
  ):
    np.save(tmp_path / f'{name}.npy', array)
  assert (load(tmp_path).images == 100).all()


@pytest.mark.parametrize(
    ('array', 'message'),
    [
        (np.zeros((35, 55)), r'a\.npy: cannot be read as an image \(float64'),
        (np.zeros((35, 55, 4), np.uint8), r'uint8 \[35, 55, 4\], not'),
        (np.zeros((0, 5), np.uint8), r'uint8 \[0, 5\], not'),
        (np.array([{}], object), 'allow_pickle=False'),
    ],
)
def test_numpy_files_of_something_else(load, tmp_path, array, message):
  np.save(tmp_path / 'a.npy', array, allow_pickle=True)
  with pytest.raises(InputError, match=message):
    load(tmp_path)


def _npy(**header):
  file = io.BytesIO()
  header = {'descr': '|u1', 'fortran_order': False, 'shape': (5, 5)} | header
  np.lib.format.write_array_header_1_0(file, header)
  return file.getvalue() + bytes(25)


def test_numpy_files_that_are_damaged(tmp_path):
  file = tmp_path / 'a.npy'
  np.savez(tmp_path / 'a.npz', a=np.zeros(3))
  for content in (
      *((tmp_path / 'a.npz').read_bytes(), b'PK', b''),
      *(_npy(shape=(10**8, 10**8)), _npy(descr='O'), _npy()[:-1]),
      _npy().replace(b'(', b' '),  # no Python
  ):
    file.write_bytes(content)
    with pytest.raises(Damaged, match=r'a\.npy: cannot be read as an image \('):
      crops.read_image(file)


@pytest.mark.filterwarnings('ignore:invalid escape:DeprecationWarning')
def test_no_header_of_a_numpy_file_raises_anything_else(tmp_path):
  file, generator = tmp_path / 'a.npy', random.Random(0)
  for _ in range(500):
    content = bytearray(_npy())
    for _ in range(generator.randint(1, 3)):
      place = generator.randrange(100)
      content[place] = generator.choice(b'(){}[],:\'"09e+-*._ \n\\\xff')
    file.write_bytes(content)
    with contextlib.suppress(Damaged):
      crops.read_image(file)
