"""The names of refined images."""

import collections
import pathlib
from collections.abc import Iterator, Sequence

from simgan_jax.machine import errors

PROGRESS = '.progress'  # folder beside the images while they are written
LOCK = '.lock'
# What refine.py writes itself, of any format.
RESERVED = (PROGRESS, LOCK, 'manifest.json', 'labels.csv')
_LOSSLESS = ('.bmp', '.npy', '.pgm', '.png', '.ppm', '.tif', '.tiff')
_JPEG = ('.jpg', '.jpeg')
IMAGES = (*_LOSSLESS, *_JPEG)

Path = pathlib.PurePosixPath


def name_files(names: Sequence[str]) -> dict[str, str]:
  """Return the files of refined images by the names of the originals.

  A name stays if its format loses nothing. NAME.jpg becomes NAME.png and NAME
  becomes NAME.png; if that is taken, .png is appended until the name is free.
  A changed stem is the stem of no other image, because the files beside an
  image are found by its stem.

  Raises:
    InputError: If two names are equal, or a file would lie outside of the
      folder.
  """
  paths = {name: _read_name(name) for name in names}
  if len(paths) < len(names):
    twice = collections.Counter(names).most_common(1)[0][0]
    raise errors.InputError(
        f'two images are named {twice!r}, and only names tell refined images'
        ' apart; give each another.'
    )
  taken = {folder for path in paths.values() for folder in path.parents}
  stems = {_stem(path) for path in paths.values()}
  files = {}
  for name, path in paths.items():
    if path.suffix.lower() in _LOSSLESS and path not in taken:
      files[name] = path
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
  assert len(set(files.values())) == len(names)
  return {name: str(files[name]) for name in names}


def _read_name(name: str) -> Path:
  path = Path(name)
  if path.is_absolute() or '..' in path.parts or not path.parts:
    problem = 'which lies outside of the folder of refined images'
  elif path.parts[0] in RESERVED:
    problem = f'but refine.py writes a {path.parts[0]} itself'
  else:
    return path
  raise errors.InputError(f'an image is named {name!r}, {problem}; rename it.')


def _stem(path: Path) -> Path:
  return path.with_suffix('') if path.suffix.lower() in IMAGES else path


def _candidates(path: Path) -> Iterator[Path]:
  if path.suffix.lower() in _JPEG:
    yield path.with_suffix('.png')
  while True:
    path = path.with_name(f'{path.name}.png')
    yield path
