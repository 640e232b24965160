"""The files of the originals: what lies beside them, and their depth."""

import fnmatch
import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from simgan_jax.data.originals import Originals
from simgan_jax.data.samples import Entry
from simgan_jax.errors import InputError
from simgan_jax.refined import naming

# From an image to the files, no images, that have its name but for the ending.
FindBeside = Callable[[Entry], list[Path]]


def make_find_beside(originals: Originals, folder: Path | None) -> FindBeside:
  """Return the function that finds labels and the like of an image.

  Args:
    originals: whose own table is none of them.
    folder: that names are relative to, if there is one.
  """

  @functools.cache
  def list_folder(path: Path) -> Mapping[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in sorted(path.iterdir()) if path.is_dir() else ():
      if (
          file.suffix.lower() not in naming.IMAGES
          and file != originals.label_table
          and file.is_file()
      ):
        found.setdefault(file.stem, []).append(file)
    return found

  def find(entry: Entry) -> list[Path]:
    if not folder:
      return []
    file = entry.label_file or folder / entry.name
    return list_folder(file.parent).get(file.stem, [])

  return find


def rename_beside(file: str, beside: Path) -> str:
  """Return the new name of what lies beside an image with that new name."""
  return str(PurePosixPath(file).with_suffix(beside.suffix))


def check_beside(
    entries: Iterable[Entry],
    files: Mapping[str, str],
    find_beside: FindBeside,
    reserved: Iterable[str],
) -> None:
  """Check that no file beside an image would replace one of refine.py's.

  Args:
    entries: all images.
    files: new names of images.
    find_beside: of `make_find_beside`.
    reserved: patterns of names that refine.py writes.

  Raises:
    InputError: naming the file.
  """
  for entry in entries:
    for path in find_beside(entry):
      name = rename_beside(files[entry.name], path)
      if any(fnmatch.fnmatchcase(name, pattern) for pattern in reserved):
        raise InputError(
            f'{path} cannot be kept beside its image, because refine.py writes'
            f' a {name} itself; rename both.'
        )


def has_16_bits(folder: Path | None, name: str) -> bool:
  """Return whether an image, if it is a file, has over 8 bits a channel."""
  if not folder:
    return False
  file = folder / name
  if file.suffix.lower() in ('.jpg', '.jpeg') or not file.is_file():
    return False
  if file.suffix.lower() == '.npy':
    return np.load(file, mmap_mode='r').dtype.itemsize > 1
  # Pillow decodes colour to 8 bits; only the way it does so tells.
  with Image.open(file) as image:
    tile = image.tile[0]
    if tile.codec_name.startswith('ppm') and isinstance(tile.args, tuple):
      return tile.args[-1] > 255
    return ';16' in str(tile.args)
