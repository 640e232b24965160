"""Label images beside pictures: the class of every pixel.

Pixels of palettes are told by index, grey ones by value, others by colour. All
are one code, so that a grey image and a palette of the same numbers agree.
"""

import collections
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int32
from PIL import Image

from simgan_jax.data import companions, crops, decoding, label_columns
from simgan_jax.data.entries import Damaged
from simgan_jax.data.label_cells import LabelSet
from simgan_jax.data.source import FittedSource
from simgan_jax.data.targets import Targets
from simgan_jax.machine.errors import InputError

_CLASS_WORDS = frozenset(
    """annotation annotations class classes gt gtfine label labelid labelids
    labels mask masks parsing seg segmap segmentation segmentations segs
    semantic semantics stencil trimap
    """.split()
)
# Words of images whose pixels are quantities, or number things.
_OTHER_WORDS = frozenset(
    """albedo coordinates cs depth depths disparity flow instance instanceids
    instances matte matting normal normals objectid panoptic uv
    """.split()
)
_MOST_COLOURS = 64  # of all images; more are blurred, or no classes
_GREY = 0x10101  # code of the darkest grey but black
_Files = Mapping[str, Path]  # label images by the picture


def find(found: LabelSet, word: str = '') -> tuple[str, _Files]:
  """Return the kind and the files of a set's label images.

  They are empty if there are none.

  Args:
    found: Data set.
    word: Word that tells the label images' names from the pictures', such as
      mask; empty for any that is usual for classes.

  Raises:
    InputError: If there are several kinds, or those of the word are no classes.
  """
  kinds = {}
  for kind, files in list_kinds(found).items():
    words = set(kind.split())
    usual = words & _CLASS_WORDS and not words & _OTHER_WORDS
    if word.rstrip('s') in {x.rstrip('s') for x in words} if word else usual:
      kinds[kind] = files
  if word in kinds:
    kinds = {word: kinds[word]}
  if len(kinds) > 1:
    raise InputError(
        f'{found.source} has several kinds of label images,'
        f' {", ".join(kinds)}; set {label_columns.SETTING} to a word of one.'
    )
  kind, files = next(iter(kinds.items()), ('', {}))
  if not _OTHER_WORDS.isdisjoint(kind.split()):
    raise InputError(
        f'{found.source}: the images of {kind} hold no classes; set'
        f' {label_columns.SETTING} to others, or to columns.'
    )
  return kind, files


def list_kinds(found: LabelSet) -> Mapping[str, _Files]:
  """Return the images beside the pictures by the words that tell them apart."""
  source = found.source
  kinds: dict[str, dict[str, Path]] = collections.defaultdict(dict)
  if not isinstance(source, FittedSource):
    return kinds
  for picture in map(str, found.images.names):
    for file in source.files.companions.get(picture, ()):
      if Path(file).suffix.lower() in companions.IMAGES:
        words = _list_words(file)
        for own in _list_words(picture):
          if own in words:
            words.remove(own)
        kinds[' '.join(words)].setdefault(picture, source.path / file)
  return kinds


def _list_words(name: str) -> list[str]:
  """Return the words of letters in a path without its ending."""
  return re.findall(r'[^\W\d_]+', str(Path(name).with_suffix('')).lower())


def read(sets: Sequence[LabelSet], word: str = '') -> list[Targets | None]:
  """Return the classes of the pixels of every set, None if it has none.

  Args:
    sets: Data sets of a run.
    word: Word of the label images, see `find`.

  Raises:
    InputError: If a label image cannot be read as one.
  """
  codes = []
  for found in sets:
    _, files = find(found, word)
    codes.append(_read_codes(found, files) if files else None)
  every = [np.unique(own) for own in codes if own is not None]
  used = np.unique(np.concatenate(every))
  used = used[used >= 0]
  grey = all(code % _GREY == 0 for code in used)
  if not grey and len(used) > _MOST_COLOURS:
    raise InputError(
        f'the label images have {len(used):,} colours, more than'
        f' {_MOST_COLOURS}: they are blurred or hold no classes; save them'
        ' without smoothing, as PNG.'
    )
  names = tuple(f'{x // _GREY}' if grey else f'#{x:06x}' for x in used.tolist())
  places = [
      None
      if own is None
      else np.where(own < 0, -1, np.searchsorted(used, own)).astype(np.int32)
      for own in codes
  ]
  return [x if x is None else Targets('mask', x, names) for x in places]


def _read_codes(found: LabelSet, files: _Files) -> Int32[np.ndarray, 'n h w']:
  """Return the codes of the pixels of all images, -1 where unknown."""
  source, transform = found.source, found.images.transform
  assert isinstance(source, FittedSource) and transform is not None
  size = source.height, source.width
  codes = np.full((len(transform), *size), -1, np.int32)
  for i, picture in enumerate(map(str, found.images.names)):
    if picture in files:
      try:
        codes[i] = _cut(_decode(files[picture]), source, transform[i])
      except ValueError as error:
        raise InputError(
            f'{files[picture]}: {error}; give it the same.'
        ) from error
      except Damaged as damage:
        if source.on_error == 'stop':
          raise InputError(
              f'{damage}; correct it, or remove it to leave the picture'
              ' unlabelled.'
          ) from damage
  return codes


def _decode(file: Path) -> Int32[np.ndarray, 'h w']:
  """Return the codes of a label image's pixels; raise Damaged if it is none."""
  if file.suffix.lower() in ('.jpg', '.jpeg'):
    raise Damaged(f'{file}: JPEG changes the numbers of classes; save PNG')
  try:
    with Image.open(file) as image:
      if image.mode == 'P' and getattr(image, 'n_frames', 1) == 1:
        return np.asarray(image).astype(np.int32) * _GREY
  except OSError:
    pass  # an array, or reading it reports it
  pixels = decoding.read_image(file).pixels
  if pixels.dtype != np.uint8:
    raise Damaged(f'{file}: has 16 bits; classes are numbers up to 255')
  shifts = [_GREY] if pixels.shape[2] == 1 else [1 << 16, 1 << 8, 1]
  return pixels.astype(np.int32) @ np.array(shifts, np.int32)


def _cut(
    codes: Int32[np.ndarray, 'h w'],
    source: FittedSource,
    transform: Float[np.ndarray, '4'],
) -> Int32[np.ndarray, '_ _']:
  """Return the codes nearest to the pixels' centres, -1 outside.

  A label image may have another resolution than its picture, but not another
  shape; then ValueError is raised.
  """
  size = source.height, source.width
  box = crops.fit_box(codes[..., None].view(np.uint32), source.fit, *size)
  starts = np.array([box[1], box[0]])
  scales = size / np.array([box[3] - box[1], box[2] - box[0]])
  shifts = starts * scales - transform[1::-1] * transform[:1:-1]
  if (abs(shifts) > 0.5).any():
    raise ValueError('its shape is not that of its picture')
  rows, columns = (
      np.floor(start + (np.arange(count) + 0.5) / scale).astype(int)
      for start, count, scale in zip(starts, size, scales, strict=True)
  )
  padded = np.pad(codes, 1, constant_values=-1)
  rows, columns = (
      np.clip(places + 1, 0, count + 1)
      for places, count in zip((rows, columns), codes.shape, strict=True)
  )
  return padded[np.ix_(rows, columns)]
