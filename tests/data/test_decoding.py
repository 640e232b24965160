"""What the pixels of a file mean: one row a kind, by own drawings."""

import contextlib
import io
import random
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageCms

from simgan_jax.data import decoding
from simgan_jax.data.entries import Damaged
from simgan_jax.machine.errors import InputError

SOURCE = 'image_folder'

ON_BLACK = (decoding.ON_BLACK,)
_TURNED = {  # how an upright image is stored, by EXIF's orientation
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
    8: lambda a: np.rot90(a, -1),
}


def _draw(channels=1, dtype=np.uint8, size=(9, 13)):
  """Return an image unlike itself mirrored, turned, inverted or reordered."""
  most = np.iinfo(dtype).max
  y, x = np.mgrid[: size[0], : size[1]]
  image = np.stack(
      [(x * (7 + c) + y * (29 + 11 * c) + 5 * c) % 97 for c in range(channels)],
      axis=-1,
  )
  image = image * (most / 97)
  image[:3, :4] = most
  image[-2:, :4] = 1
  return image.astype(dtype)


GREY, RGB = _draw(), _draw(3)
GREY_16, RGB_16 = _draw(1, np.uint16), _draw(3, np.uint16)
ALPHA = np.zeros((9, 13, 1), np.uint8)
ALPHA[:, :5], ALPHA[:, 5:9] = 255, 100
ALPHA_16 = ALPHA * np.uint16(257)


def _on_black(image, alpha):
  return np.rint(image * (alpha / np.iinfo(image.dtype).max))


def _pillow(image, kind, mode=None, **options):
  """Return the content of a file that Pillow writes."""
  if isinstance(image, np.ndarray):
    image = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
  content = io.BytesIO()
  (image.convert(mode) if mode else image).save(content, kind, **options)
  return content.getvalue()


def _exif(orientation):
  exif = Image.Exif()
  exif[274] = orientation
  return exif


def _chunk(name, content):
  check = zlib.crc32(name + content)
  return (
      struct.pack('>I', len(content))
      + name
      + content
      + struct.pack('>I', check)
  )


def _png(samples, color=None, bits=None, **chunks):
  """Return a PNG, by hand; `samples` are rows of bytes where bits are few."""
  height = len(samples)
  width = samples.shape[1] if bits is None else GREY.shape[1]
  bits = bits or 8 * samples.itemsize
  if color is None:
    color = (0, 4, 2, 6)[samples.shape[2] - 1]
  rows = samples.astype(samples.dtype.newbyteorder('>'))
  data = zlib.compress(b''.join(b'\0' + row.tobytes() for row in rows))
  header = struct.pack('>IIBBBBB', width, height, bits, color, 0, 0, 0)
  return b''.join(
      [
          b'\x89PNG\r\n\x1a\n' + _chunk(b'IHDR', header),
          *(_chunk(name.encode(), content) for name, content in chunks.items()),
          _chunk(b'IDAT', data) + _chunk(b'IEND', b''),
      ]
  )


def _interlaced(image):
  """Return a PNG in the seven passes of Adam7."""
  data = b''
  for x, y, dx, dy in (
      *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
      *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
  ):
    rows = image[y::dy, x::dx].astype(image.dtype.newbyteorder('>'))
    data += b''.join(b'\0' + row.tobytes() for row in rows)
  plain = _png(image)
  header = plain[12:28] + b'\1'  # IHDR
  return b''.join(
      [
          plain[:8] + _chunk(b'IHDR', header[4:]),
          _chunk(b'IDAT', zlib.compress(data)) + _chunk(b'IEND', b''),
      ]
  )


def _packed(values, bits):
  """Return rows of values of few bits, the first the highest."""
  each = np.unpackbits(values.astype('>u2').view(np.uint8), axis=1)
  each = each.reshape(len(values), -1, 16)[..., -bits:]
  return np.packbits(each.reshape(len(values), -1), axis=1)


def _tiff(samples, photometric=None, **options):
  """Return a TIFF of one page, by hand; see `_tiff_page`."""
  order = options.get('order', '<')
  return _stack(order, (samples, photometric, options))


def _stack(order, *pages):
  """Return a TIFF of several pages, by hand."""
  content = (b'II*\0' if order == '<' else b'MM\0*') + bytes(4)
  link = 4  # place of the link to the next page
  for samples, photometric, options in pages:
    page, directory = _tiff_page(samples, photometric, len(content), **options)
    start = struct.pack(f'{order}I', directory)
    content = content[:link] + start + content[link + 4 :] + page
    (count,) = struct.unpack_from(f'{order}H', content, directory)
    link = directory + 2 + 12 * count
  return content


def _tiff_page(
    samples, photometric, start, *, order='<', data=None, tile=0, **tags
):
  """Return a page that begins at `start`, and the place of its directory.

  Args:
    samples: Image, [h, w, c].
    photometric: 0 if white is zero; None for the usual kind.
    start: Place of the page in the file.
    order: '<' or '>'.
    data: What is stored of the samples; 'deflate' compresses them.
    tile: Size of the only tile, 0 for a strip.
    **tags: Further tags, such as t258=16.
  """
  height, width, channels = samples.shape
  if photometric is None:
    photometric = 2 if channels > 2 else 1
  stored = samples
  if tile:
    margins = (0, tile - height), (0, tile - width), (0, 0)
    stored = np.pad(samples, margins)
  if tags.get('t317') == 2:
    stored = np.diff(stored, axis=1, prepend=stored[:, :1] * 0)
  raw = stored.astype(stored.dtype.newbyteorder(order)).tobytes()
  if tags.get('t259') == 8:
    raw = zlib.compress(raw)
  raw = raw if data is None else data
  fields = {256: width, 257: height, 258: 8 * samples.itemsize, 259: 1}
  fields |= {262: photometric, 277: channels}
  strip = {278: height, 273: start, 279: len(raw)}
  fields |= {322: tile, 323: tile, 324: start, 325: len(raw)} if tile else strip
  fields |= {int(tag[1:]): value for tag, value in tags.items()}
  place = start + len(raw)
  behind = place + 2 + 12 * len(fields) + 4
  directory, more = struct.pack(f'{order}H', len(fields)), b''
  for tag, value in sorted(fields.items()):
    count = channels if tag in (258, 339) else 1
    packed = struct.pack(f'{order}{count}H', *[value] * count)
    if len(packed) > 4:
      offset, more = behind + len(more), more + packed
      packed = struct.pack(f'{order}I', offset)
    directory += struct.pack(f'{order}HHI', tag, 3, count) + packed.ljust(
        4, b'\0'
    )
  return raw + directory + bytes(4) + more, place


def _cv2(samples, suffix, *flags):
  import cv2

  order = [2, 1, 0, 3][: samples.shape[-1]] if samples.shape[-1] > 2 else [0]
  return cv2.imencode(suffix, samples[..., order], flags)[1].tobytes()


def _twelve(values, order='<', photometric=1):
  data = _packed(values[..., 0], 12).tobytes()
  return _tiff(
      values.astype(np.uint16), photometric, order=order, data=data, t258=12
  )


TWELVE = GREY_16 >> 4
SCALED_12 = np.rint(TWELVE * (65535 / 4095))
FOUR, TWO = GREY >> 4, GREY >> 6
BIT = (GREY > 100).astype(np.uint8)
PALETTE = Image.fromarray(RGB).quantize(8)
LAB = ImageCms.profileToProfile(
    Image.fromarray(RGB),
    ImageCms.createProfile('sRGB'),
    ImageCms.createProfile('LAB'),
    outputMode='LAB',
)


def _key(image, place, dtype='>u2'):
  """Return a tRNS chunk of one pixel's colour, and the alpha that it makes."""
  color = image[place]
  opaque = (image != color).any(axis=-1, keepdims=True)
  return color.astype(dtype).tobytes(), opaque * np.iinfo(image.dtype).max


def _keyed(image, **options):
  chunk, alpha = _key(image, (5, 5))
  return _png(image, **options, tRNS=chunk), _on_black(image, alpha), ON_BLACK


def _few_bits(values, bits, transparent):
  chunk = struct.pack('>H', transparent)
  content = _png(_packed(values[..., 0], bits), 0, bits, tRNS=chunk)
  expected = values * (255 // (2**bits - 1))
  return content, np.where(values == transparent, 0, expected), ON_BLACK


def _alpha(image, alpha, kind):
  return _pillow(np.dstack([image, alpha]), kind)


KINDS = {
    'grey.png': (_pillow(GREY, 'PNG'), GREY),
    'rgb.ppm': (_pillow(RGB, 'PPM'), RGB),
    'rgb.bmp': (_pillow(RGB, 'BMP'), RGB),
    'rgb.webp': (_pillow(RGB, 'WEBP', lossless=True), RGB),
    'grey.gif': (_pillow(GREY, 'GIF'), np.repeat(GREY, 3, axis=-1)),
    'bit.png': (_png(_packed(BIT[..., 0], 1), 0, 1), BIT * 255),
    '2 bits.png': (_png(_packed(TWO[..., 0], 2), 0, 2), TWO * 85),
    '4 bits.png': (_png(_packed(FOUR[..., 0], 4), 0, 4), FOUR * 17),
    'palette.png': (_pillow(PALETTE, 'PNG'), PALETTE.convert('RGB')),
    'palette.bmp': (_pillow(PALETTE, 'BMP'), PALETTE.convert('RGB')),
    'palette.tif': (_pillow(PALETTE, 'TIFF'), PALETTE.convert('RGB')),
    'lab.tif': (_pillow(LAB, 'TIFF'), RGB, (), 25),
    'ycbcr.tif': (_pillow(RGB, 'TIFF', 'YCbCr'), RGB, (), 3),
    'cmyk.tif': (_pillow(RGB, 'TIFF', 'CMYK'), RGB),
    'cmyk.jpg': (_pillow(RGB, 'JPEG', 'CMYK', quality=100), RGB, (), 6),
    # Another depth.
    '16.png': (_pillow(GREY_16, 'PNG'), GREY_16),
    '16 rgb.png': (_png(RGB_16), RGB_16),
    '16 rgb of others.png': (tf.io.encode_png(RGB_16).numpy(), RGB_16),
    '16 rgb interlaced.png': (_interlaced(RGB_16), RGB_16),
    '16 grey alpha interlaced.png': (
        _interlaced(np.dstack([GREY_16, ALPHA_16])),
        _on_black(GREY_16, ALPHA_16),
        ON_BLACK,
    ),
    '12 of 16.pgm': (
        b'P5 13 9 4095 ' + TWELVE.astype('>u2').tobytes(),
        SCALED_12,
    ),
    '12 of 16.ppm': (
        b'P6 13 9 4095 ' + (RGB_16 >> 4).astype('>u2').tobytes(),
        np.rint((RGB_16 >> 4) * (65535 / 4095)),
    ),
    '16 above the largest.ppm': (
        b'P6 13 9 4095 ' + (RGB_16 | 4096).astype('>u2').tobytes(),
        np.full_like(RGB_16, 65535),
    ),
    '16 plain.ppm': (
        b'P3 13 9 65535 ' + ' '.join(map(str, RGB_16.ravel())).encode(),
        RGB_16,
    ),
    '16 rgb lzw.tif': (_cv2(RGB_16, '.tiff'), RGB_16),
    '16 rgb deflate.tif': (_cv2(RGB_16, '.tiff', 259, 8, 317, 2), RGB_16),
    # Transparency.
    'rgba.png': (
        _alpha(RGB, ALPHA, 'PNG'),
        _on_black(RGB, ALPHA),
        ON_BLACK,
    ),
    'la.png': (_alpha(GREY, ALPHA, 'PNG'), _on_black(GREY, ALPHA), ON_BLACK),
    'opaque.png': (_alpha(RGB, 255 | ALPHA, 'PNG'), RGB),
    'opaque 16.png': (_png(np.dstack([RGB_16, ALPHA_16 | 65535])), RGB_16),
    'rgba 16.png': (
        _png(np.dstack([RGB_16, ALPHA_16])),
        _on_black(RGB_16, ALPHA_16),
        ON_BLACK,
    ),
    'la 16.png': (
        _png(np.dstack([GREY_16, ALPHA_16])),
        _on_black(GREY_16, ALPHA_16),
        ON_BLACK,
    ),
    'rgb key.png': _keyed(RGB.astype(np.uint8), color=2),
    'rgb 16 key.png': _keyed(RGB_16),
    'grey 16 key.png': _keyed(GREY_16),
    'grey key.png': _keyed(GREY),
    'bit key.png': _few_bits(BIT, 1, 1),
    '2 bits key.png': _few_bits(TWO, 2, 1),
    '4 bits key.png': _few_bits(FOUR, 4, 15),
    'palette key.png': (
        _pillow(PALETTE, 'PNG', transparency=2),
        np.where(
            np.asarray(PALETTE)[..., None] == 2, 0, PALETTE.convert('RGB')
        ),
        ON_BLACK,
    ),
    'palette key.gif': (
        _pillow(PALETTE, 'GIF', transparency=2, optimize=False),
        np.where(
            np.asarray(PALETTE)[..., None] == 2, 0, PALETTE.convert('RGB')
        ),
        ON_BLACK,
    ),
    'rgba.webp': (
        _pillow(np.dstack([RGB, ALPHA]), 'WEBP', lossless=True, exact=True),
        _on_black(RGB, ALPHA),
        ON_BLACK,
    ),
}
for _order in '<>':
  _tiffs = {
      'white is zero': (_tiff(255 - GREY, 0, order=_order), GREY),
      '16': (_tiff(GREY_16, order=_order), GREY_16),
      '16 white is zero': (_tiff(65535 - GREY_16, 0, order=_order), GREY_16),
      '16 rgb': (_tiff(RGB_16, order=_order), RGB_16),
      '12': (_twelve(TWELVE, _order), SCALED_12),
      '12 white is zero': (_twelve(4095 - TWELVE, _order, 0), SCALED_12),
      'bit white is zero': (
          _tiff(
              BIT,
              0,
              order=_order,
              data=_packed(1 - BIT[..., 0], 1).tobytes(),
              t258=1,
          ),
          BIT * 255,
      ),
  }
  for _name, _bits, _image, _a in (
      ('8 grey', 8, GREY, ALPHA),
      ('8 rgb', 8, RGB, ALPHA),
      ('16 grey', 16, GREY_16, ALPHA_16),
      ('16 rgb', 16, RGB_16, ALPHA_16),
  ):
    _both, _composed = np.dstack([_image, _a]), _on_black(_image, _a)
    _multiplied = np.dstack([_composed, _a]).astype(_image.dtype)
    _tiffs |= {
        f'{_name}, other sample': (
            _tiff(_both, order=_order, t338=0),
            _image,
        ),
        f'{_name}, premultiplied': (
            _tiff(_multiplied, order=_order, t338=1),
            _composed,
            ON_BLACK,
        ),
        f'{_name}, alpha': (
            _tiff(_both, order=_order, t338=2),
            _composed,
            ON_BLACK,
        ),
    }
  for _name, _image, _white in (
      ('8', GREY, 255),
      ('16', GREY_16, 65535),
      ('8 rgb', RGB, None),
      ('16 rgb', RGB_16, None),
  ):
    _stored = _image if _white is None else _white - _image
    _photometric = None if _white is None else 0
    for _storage in ({'t259': 8}, {'t259': 8, 't317': 2}, {'tile': 32}):
      _tiffs[f'{_name} {_storage}'] = (
          _tiff(_stored, _photometric, order=_order, **_storage),
          _image,
      )
  KINDS |= {f'{_order} {name}.tif': kind for name, kind in _tiffs.items()}


# Names say nothing: every kind is read under another name.
@pytest.mark.parametrize('name', KINDS)
def test_a_kind_of_pixels(tmp_path, name):
  content, expected, *more = KINDS[name]
  notes, tolerance = (*more, (), 0)[:2] if len(more) != 1 else (more[0], 0)
  file = tmp_path / 'a.npy'
  file.write_bytes(content)
  found = decoding.read_image(file)
  expected = np.asarray(expected)
  deep = '16' in name or '12' in name
  assert found.pixels.dtype == (np.uint16 if deep else np.uint8)
  assert found.pixels.shape == expected.shape
  np.testing.assert_allclose(found.pixels.astype(int), expected, atol=tolerance)
  assert found.notes == notes
  assert decoding.count_pages(file) == 1


def _turned(image, orientation, kind):
  stored = np.ascontiguousarray(_TURNED[orientation](image))
  if kind == 'PNG':
    return _png(stored, eXIf=_exif(orientation).tobytes()[6:])
  if kind == 'JPEG':
    return _pillow(
        stored, 'JPEG', quality=100, subsampling=0, exif=_exif(orientation)
    )
  return _tiff(stored, order=kind, t274=orientation)


@pytest.mark.parametrize('orientation', _TURNED)
@pytest.mark.parametrize('kind', ['PNG', '<', '>', 'JPEG'])
def test_photographs_that_were_turned(tmp_path, orientation, kind):
  file = tmp_path / 'a.jpg'
  for image in (GREY, RGB, GREY_16, RGB_16):
    if kind == 'JPEG' and image.dtype == np.uint16:
      continue
    file.write_bytes(_turned(image, orientation, kind))
    found = decoding.read_image(file).pixels
    assert found.shape == image.shape
    if kind == 'JPEG':
      assert np.abs(found - image.astype(float)).mean() < 2
    else:
      np.testing.assert_array_equal(found, image)


def _frames(kind, **options):
  frames = [
      Image.fromarray(image[..., 0]) for image in (GREY, 255 - GREY, GREY)
  ]
  return _pillow(
      frames[0], kind, save_all=True, append_images=frames[1:], **options
  )


_DEEP_STACK = [
    (GREY // 2, None, {'t254': 1}),  # a preview
    (GREY_16, 0, {'t254': 2}),
    (RGB_16, None, {'t274': 3}),
    (BIT, 4, {'t254': 4}),  # a mask
    (GREY, None, {}),
]
SEVERAL = {
    'a.tif': (_frames('TIFF'), [GREY, 255 - GREY, GREY]),
    'a.gif': (_frames('GIF'), [GREY, 255 - GREY, GREY]),
    'a.webp': (
        _frames('WEBP', lossless=True),
        [np.repeat(a, 3, axis=-1) for a in (GREY, 255 - GREY, GREY)],
    ),
    'a.png': (_frames('PNG'), [GREY, 255 - GREY, GREY]),
    'default.png': (
        _frames('PNG', default_image=True),
        [GREY, 255 - GREY, GREY],
    ),
    'deep.tif': (
        _stack('<', *_DEEP_STACK),
        [65535 - GREY_16, RGB_16[::-1, ::-1], GREY],
    ),
    'deep.tiff': (
        _stack(
            '>',
            *((*page[:2], page[2] | {'order': '>'}) for page in _DEEP_STACK),
        ),
        [65535 - GREY_16, RGB_16[::-1, ::-1], GREY],
    ),
}


@pytest.mark.parametrize('name', SEVERAL)
def test_several_pages(tmp_path, name):
  content, pages = SEVERAL[name]
  file = tmp_path / name
  file.write_bytes(content)
  assert decoding.count_pages(file) == len(pages)
  with pytest.raises(Damaged, match='has 3 pages; set pages=all to make each'):
    decoding.read_image(file)
  for number, expected in enumerate(pages):
    found = decoding.read_image(file, number).pixels
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found - expected, 0, err_msg=str(number))
  with pytest.raises(Damaged, match=f'{name}: has no page 3'):
    decoding.read_image(file, 3)


def test_previews_are_no_pages(tmp_path):
  file = tmp_path / 'a.jpg'
  file.write_bytes(_frames('MPO', quality=100))
  assert decoding.count_pages(file) == 1
  found = decoding.read_image(file).pixels
  assert np.abs(found - GREY.astype(float)).mean() < 2


REFUSED = {
    'empty.png': (b'', 'the file is empty'),
    'page.png': (b'<!DOCTYPE html><html>', "it begins with b'<!DOCTYPE"),
    'cut.png': (_png(RGB_16)[:300], 'truncated'),
    'cut.jpg': (_pillow(RGB, 'JPEG')[:-40], 'truncated'),
    'cut.tif': (_pillow(RGB, 'TIFF')[:-9], 'truncated|not enough'),
    'cut deep.tif': (_tiff(RGB_16, t259=8, data=b'x'), 'decoder error'),
    'cut.ppm': (b'P6 13 9 65535 ' + bytes(700), 'truncated'),
    'cut.gif': (_pillow(GREY, 'GIF')[:40], 'truncated|unknown|kind'),
    'bomb.png': (
        b'\x89PNG\r\n\x1a\n'
        + _chunk(b'IHDR', struct.pack('>IIBBBBB', 10**5, 10**5, 8, 2, 0, 0, 0))
        + _chunk(b'IDAT', b''),
        'exceeds limit',
    ),
    'large.ppm': (b'P6 10000 10000 255 ' + bytes(99), 'truncated'),
    'large 16.ppm': (b'P6 10000 10000 65535 ' + bytes(99), 'truncated'),
    'float.tif': (
        _pillow(Image.new('F', (5, 3)), 'TIFF'),
        r'32-bit float; save them as',
    ),
    'half.tif': (_tiff(GREY_16, t339=3), r'16-bit float'),
    'signed.tif': (_tiff(GREY_16, t339=2), r'16-bit signed'),
    'signed 8.tif': (_tiff(GREY, t339=2), r'8-bit signed'),
    'rgb.tif': (_tiff(RGB_16.astype(np.uint32)), r'32-bit unsigned'),
    'five.tif': (
        _tiff(np.repeat(GREY, 5, axis=-1), 1),
        r'TIFF of \(8, 8, 8, 8, 8\) bits and photometric interpretation 1;',
    ),
    'multiplied.tif': (
        _tiff(np.dstack([RGB, ALPHA]), t284=2, t338=1),
        'premultiplied alpha in planes; save it as plain RGB',
    ),
    'reduced.tif': (_tiff(RGB, 6), 'YCbCr of reduced colour; save it as RGB'),
    'many.tif': (_tiff(RGB, t277=200), 'TIFF of'),
    'planes.tif': (_tiff(RGB_16, t284=2), '16-bit RGB in planes; save it as'),
    'cmyk.tif': (
        _tiff(np.dstack([RGB_16, GREY_16]), 5),
        '16-bit CMYK; save it as plain RGB',
    ),
    'a.pfm': (b'Pf 2 2 -1.0\n' + bytes(16), r'32-bit float; save them as'),
    'deep.png': (
        _pillow(
            Image.fromarray(GREY_16[..., 0]),
            'PNG',
            save_all=True,
            append_images=[Image.fromarray(GREY_16[::-1, :, 0])],
        ),
        'has 2 pages',
    ),
}


@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
@pytest.mark.parametrize('name', REFUSED)
def test_what_is_refused(tmp_path, name):
  content, message = REFUSED[name]
  file = tmp_path / name
  file.write_bytes(content)
  with pytest.raises(Damaged, match=message) as caught:
    decoding.read_image(file)
  assert str(caught.value).startswith(f'{file}: ')
  assert '\n' not in str(caught.value)


def test_frames_of_16_bits(tmp_path):
  file = tmp_path / 'a.png'
  file.write_bytes(REFUSED['deep.png'][0])
  with pytest.raises(Damaged, match='frames of 16 bits; save each as a PNG'):
    decoding.read_image(file, 1)


def test_nothing_else_is_printed(tmp_path):
  for name, (content, _) in REFUSED.items():
    (tmp_path / name).write_bytes(content)
  program = """
import pathlib, sys
from simgan_jax.data import decoding, entries
for file in pathlib.Path(sys.argv[1]).iterdir():
  try:
    decoding.read_image(file)
  except entries.Damaged:
    pass
"""
  process = subprocess.run(
      [sys.executable, '-c', program, tmp_path], capture_output=True, text=True
  )
  assert (process.returncode, process.stdout, process.stderr) == (0, '', '')


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
      decoding.read_image(file)


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
      decoding.read_image(file)
