"""The names of refined images."""

import collections
import contextlib
import pathlib
from collections.abc import Iterator, Sequence

from simgan_jax.data.entries import Entry
from simgan_jax.machine import errors

PROGRESS = '.progress'  # folder beside the images while they are written
LOCK = '.lock'
# What refine.py writes itself, of any format.
RESERVED = (PROGRESS, LOCK, 'manifest.json', 'labels.csv', 'labels.npz')
_LOSSLESS = ('.npy', '.png', '.tif', '.tiff')
_CHANNELS = {'.pgm': 1, '.ppm': 3}  # that the format has
_OTHERS = ('.bmp', '.gif', '.jpeg', '.jpg', '.webp')
IMAGES = (*_LOSSLESS, *_CHANNELS, *_OTHERS)

Path = pathlib.PurePosixPath


def repeat(entries: Sequence[Entry], num_samples: int) -> list[Entry]:
  """Return each entry once a sample, named NAME.sample0.png for NAME.png."""
  if num_samples == 1:
    return list(entries)
  return [
      entry._replace(name=name_sample(entry.name, sample))
      for entry in entries
      for sample in range(num_samples)
  ]


def name_sample(name: str, sample: int) -> str:
  """Return the name of a sample of an image."""
  path = Path(name)
  suffix = path.suffix if path.suffix.lower() in IMAGES else ''
  return f'{name.removesuffix(suffix)}.sample{sample}{suffix}'


def name_files(entries: Sequence[Entry], channels: int) -> dict[str, str]:
  """Return the files of refined images by the names of the originals.

  A name stays if its format can hold the refined image: .pgm holds grey, .ppm
  RGB, .bmp 8 bits, which an original that is no BMP may exceed. Others, such as
  NAME.jpg and NAME, become NAME.png; if that is taken, .png is appended until
  the name is free. A changed stem is the stem of no other image, because the
  files beside an image are found by its stem.

  Args:
    entries: Originals.
    channels: Number of channels of the refined images, 1 or 3.

  Raises:
    InputError: If two names are equal, or a file would lie outside of the
      folder.
  """
  paths = {entry.name: _read_name(entry.name) for entry in entries}
  if len(paths) < len(entries):
    names = collections.Counter(entry.name for entry in entries)
    twice = names.most_common(1)[0][0]
    raise errors.InputError(
        f'two images are named {twice!r}, and only names tell refined images'
        ' apart; give each another.'
    )
  taken = {folder for path in paths.values() for folder in path.parents}
  stems = {_stem(path) for path in paths.values()}
  files = {}
  for entry in entries:
    path = paths[entry.name]
    if path not in taken and _can_hold(entry, path.suffix.lower(), channels):
      files[entry.name] = path
      taken.add(path)
  for name, path in paths.items():
    if name not in files:
      files[name] = next(
          file
          for file in _candidates(path)
          if file not in taken
          and (_stem(file) == _stem(path) or _stem(file) not in stems)
      )
      taken.add(files[name])
      stems.add(_stem(files[name]))
  assert len(set(files.values())) == len(entries)
  return {entry.name: str(files[entry.name]) for entry in entries}


def _read_name(name: str) -> Path:
  path = Path(name)
  if path.is_absolute() or '..' in path.parts or not path.parts:
    problem = 'which lies outside of the folder of refined images'
  elif path.parts[0] in RESERVED:
    problem = f'but refine.py writes a {path.parts[0]} itself'
  else:
    return path
  raise errors.InputError(f'an image is named {name!r}, {problem}; rename it.')


def _can_hold(original: Entry, suffix: str, channels: int) -> bool:
  """Return whether a format can hold the refined image of an original."""
  if suffix == '.bmp':
    with contextlib.suppress(OSError):  # reading the image reports it
      if original.file:
        with original.file.open('rb') as opened:
          return opened.read(2) == b'BM'
    return False
  return suffix in _LOSSLESS or _CHANNELS.get(suffix) == channels


def _stem(path: Path) -> Path:
  return path.with_suffix('') if path.suffix.lower() in IMAGES else path


def _candidates(path: Path) -> Iterator[Path]:
  if path.suffix.lower() in IMAGES:
    yield path.with_suffix('.png')
  while True:
    path = path.with_name(f'{path.name}.png')
    yield path
