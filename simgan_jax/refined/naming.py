"""The names of refined images."""

import collections
import pathlib
from collections.abc import Sequence

from simgan_jax import errors

PROGRESS = '.progress'  # folder beside the images while they are written
_LOSSLESS = ('.bmp', '.npy', '.pgm', '.png', '.ppm', '.tif', '.tiff')


def name_files(names: Sequence[str]) -> dict[str, str]:
  """Return the files of refined images by the names of the originals.

  A name stays where its format loses nothing; NAME.jpg and NAME become
  NAME.png or, if there is another of that name, NAME.jpg.png.

  Raises:
    InputError: when a file would lie outside of the folder.
  """
  files = []
  for name in names:
    path = pathlib.PurePosixPath(name)
    if path.is_absolute() or not {'..', PROGRESS}.isdisjoint(path.parts):
      raise errors.InputError(
          f'an image is named {name!r}, which lies outside of the folder of'
          ' refined images; rename it.'
      )
    suffix = path.suffix.lower()
    if suffix in _LOSSLESS:
      files.append(name)
    elif suffix in ('.jpg', '.jpeg'):
      files.append(str(path.with_suffix('.png')))
    else:
      files.append(f'{name}.png')
  counts = collections.Counter(files)
  return {
      name: file if file == name or counts[file] == 1 else f'{name}.png'
      for file, name in zip(files, names, strict=True)
  }
