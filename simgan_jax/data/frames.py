"""One frame of an image file, decoded: grey or RGB, and alpha if there is any.

Pillow decodes everything. It reduces colour of 16 bits to 8, so this is decoded
twice, for the upper and for the lower bytes.
"""

import contextlib
import ctypes
import logging
import warnings
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from jaxtyping import UInt
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin

Samples = UInt[np.ndarray, 'h w c']  # c: grey or RGB, and alpha if any

_BITS, _PHOTOMETRIC, _PLANES = 258, 262, 284  # tags of TIFF
_COMPRESSION, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 259, 338, 339
_SUBSAMPLING = 530
_FORMATS = {2: 'signed', 3: 'float', 5: 'complex', 6: 'complex'}
_REMEDY = 'save them as unsigned ones of 8 or 16 bits'
_SCALES = {'L;2': 85, 'L;4': 17}  # of grey PNGs, to 8 bits

# Kinds of TIFF that Pillow has decoders for, but refuses or gets wrong: the
# rest is done here. Grey with alpha of 16 bits comes as 4 bytes a pixel.
for _order, _grey in ((b'II', 'I;16'), (b'MM', 'I;16B')):
  for _photometric, _depths, _extra, _kind in (
      (0, (16,), (), (_grey, _grey)),
      (0, (12,), (), ('I;16', 'I;12')),
      (1, (12,), (), ('I;16', 'I;12')),
      *((1, (16, 16), (extra,), ('RGBA', 'RGBA')) for extra in (0, 1, 2)),
  ):
    _key: Any = _order, _photometric, (1,), 1, _depths, _extra
    TiffImagePlugin.OPEN_INFO[_key] = _kind
# What Pillow and libtiff print either does not matter or raises as well.
warnings.filterwarnings('ignore', module='PIL')
logging.getLogger('PIL').setLevel(logging.CRITICAL)
with contextlib.suppress(AttributeError, OSError):  # where it is another file
  ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


def _open(opened: IO[bytes], frame: int) -> Any:
  opened.seek(0)
  image = Image.open(opened)
  image.seek(frame)
  return image


def _raw_mode(image: Any) -> str:
  """Return Pillow's name for the layout of the samples in the file."""
  args = image.tile[0].args if image.tile else ''
  return str(args[0]) if isinstance(args, tuple) else args or ''


def _load(image: Any, raw_mode: str = '') -> Any:
  """Decode an image and turn it upright; return it.

  Args:
    image: Image that is open, but not decoded.
    raw_mode: Layout of the samples to assume, Pillow's own if empty.
  """
  for i, tile in enumerate(image.tile if raw_mode else ()):
    args = tile.args
    args = (raw_mode, *args[1:]) if isinstance(args, tuple) else raw_mode
    image.tile[i] = tile._replace(args=args)
  image.load()
  ImageOps.exif_transpose(image, in_place=True)
  return image


def read(
    opened: IO[bytes], frame: int, tags: Mapping[int, Any], *, several: bool
) -> Samples:
  """Return the samples of a frame, of 8 or 16 bits and upright.

  Args:
    opened: Image file.
    frame: Number of the frame, from 0.
    tags: Tags of the frame of a TIFF; empty for any other format.
    several: Whether the file has further pages.

  Raises:
    Exception: Of any type, if the file is damaged or of another kind.
  """
  bits = max(tags.get(_BITS, (1,)))
  kind = _FORMATS.get(tags.get(_SAMPLE_FORMAT, (1,))[0], 'unsigned')
  if bits > 16 or kind != 'unsigned':
    raise ValueError(f'pixels are {bits}-bit {kind}; {_REMEDY}')
  raw = tags.get(_COMPRESSION, 1) == 1
  if tags.get(_PHOTOMETRIC) == 6 and raw and tags.get(_SUBSAMPLING) != (1, 1):
    raise ValueError('YCbCr of reduced colour; save it as RGB')
  if tags.get(_PLANES) == 2 and tags.get(_EXTRA_SAMPLES, (0,))[0] == 1:
    raise ValueError('premultiplied alpha in planes; save it as plain RGB')
  try:
    image = _open(opened, frame)
  except (Image.UnidentifiedImageError, SyntaxError) as error:
    if not tags:
      raise
    raise ValueError(
        f'TIFF of {tags.get(_BITS)} bits and photometric interpretation'
        f' {tags.get(_PHOTOMETRIC)}; save it as grey or RGB'
    ) from error
  raw_mode = _raw_mode(image)
  is_ppm = image.format == 'PPM'
  if is_ppm and image.mode == 'RGB':
    (tile,) = image.tile
    if isinstance(tile.args, tuple) and tile.args[-1] > 255:
      return _decode_ppm(opened, tile)
  deep = bits == 16 or ';16' in raw_mode
  if deep and several and image.format == 'PNG':
    raise ValueError('frames of 16 bits; save each as a PNG')
  if deep and not image.mode.startswith('I'):
    samples = _decode_16_bits(opened, frame, image, tags)
  # Pillow decodes PGM files of 16 bits to 32.
  elif image.mode.startswith('I;16') or (is_ppm and image.mode == 'I'):
    samples = np.asarray(_load(image)).astype(np.uint16)[..., None]
    if bits == 12:
      samples = np.rint(samples * (65535 / 4095)).astype(np.uint16)
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero
      samples = 65535 - samples
  else:
    return _decode_8_bits(image, raw_mode)
  if 'transparency' in image.info:
    transparent = (samples == image.info['transparency']).all(axis=-1)
    alpha = np.where(transparent, 0, 65535).astype(np.uint16)
    samples = np.dstack([samples, alpha])
  return samples


def _decode_8_bits(image: Any, raw_mode: str) -> Samples:
  # Pillow would divide by alpha, and lose digits.
  _load(image, raw_mode.upper() if raw_mode.startswith('RGBa') else '')
  if image.mode in ('I', 'F'):
    kind = 'float' if image.mode == 'F' else 'integer'
    raise ValueError(f'pixels are 32-bit {kind}; {_REMEDY}')
  if image.mode == 'LAB':
    lab, rgb = (ImageCms.createProfile(name) for name in ('LAB', 'sRGB'))
    image = ImageCms.profileToProfile(image, lab, rgb, outputMode='RGB')
  elif image.mode != 'La':
    if raw_mode in _SCALES and 'transparency' in image.info:
      image.info['transparency'] *= _SCALES[raw_mode]  # as the pixels are
    mode = 'L' if image.mode in ('1', 'L', 'LA') else 'RGB'
    image = image.convert(mode + 'A' * image.has_transparency_data)
  return np.asarray(image).reshape(image.height, image.width, -1)


def _decode_16_bits(
    opened: IO[bytes], frame: int, image: Any, tags: Mapping[int, Any]
) -> Samples:
  """Return an image of 16 bits and several channels."""
  in_planes = tags.get(_PLANES) == 2
  if image.mode not in ('RGB', 'RGBA') or in_planes:
    layout = f'{image.mode} in planes' if in_planes else image.mode
    raise ValueError(f'16-bit {layout}; save it as plain RGB')
  order = '<' if tags and image.tag_v2.prefix == b'II' else '>'
  if image.tile[0].codec_name == 'libtiff':
    order = '='
  layout = _raw_mode(image).partition(';')[0].upper()
  if layout == 'LA' or len(tags.get(_BITS, ())) == 2:
    samples = np.array(_load(image, 'RGBA')).view(f'{order}u2')
    channels = 1 if tags.get(_EXTRA_SAMPLES) == (0,) else 2
    return samples[..., :channels].astype(np.uint16)
  # The bytes that are upper in big-endian files, and the others.
  halves = [
      _load(_open(opened, frame), f'{layout};16{end}') for end in ('B', 'L')
  ]
  pairs = np.stack(halves, axis=-1)
  return pairs.view(f'{order}u2')[..., 0].astype(np.uint16)


def _decode_ppm(opened: IO[bytes], tile: Any) -> Samples:
  """Return PPM of 16 bits, scaled so that its white is 65535."""
  width, height = tile.extents[2:]
  count, largest = 3 * width * height, tile.args[-1]
  opened.seek(tile.offset)
  content = opened.read()
  if tile.codec_name == 'ppm_plain':
    values = np.array(content.split()[:count], np.uint16)
  else:
    values = np.frombuffer(content, '>u2', min(count, len(content) // 2))
  if len(values) < count:
    raise ValueError('truncated')
  values = np.rint(np.minimum(values, largest) * (65535 / largest))
  return values.astype(np.uint16).reshape(height, width, 3)
