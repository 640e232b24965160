"""Files beside the images, such as labels, that come along with them."""

import fnmatch
import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from simgan_jax.data.entries import Entry
from simgan_jax.data.originals import Originals
from simgan_jax.machine.errors import InputError
from simgan_jax.refining import naming

# From an image to the other files that have its name up to the ending.
FindBeside = Callable[[Entry], list[Path]]


def make_find_beside(originals: Originals, folder: Path | None) -> FindBeside:
  """Return the function that finds the files beside an image.

  Args:
    originals: Data set; its own table of labels is not one of these files.
    folder: Folder that names are relative to, if there is one.
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
  """Return the new name of a file beside an image.

  Args:
    file: New name of the image.
    beside: File beside the original.
  """
  return str(PurePosixPath(file).with_suffix(beside.suffix))


def check_beside(
    entries: Iterable[Entry],
    files: Mapping[str, str],
    find_beside: FindBeside,
    reserved: Iterable[str],
) -> None:
  """Check that no file beside an image would replace one of refine.py's.

  Args:
    entries: All images.
    files: New names of the images, by the old ones.
    find_beside: Function from `make_find_beside`.
    reserved: Patterns of the names that refine.py writes.

  Raises:
    InputError: If a file beside an image has such a name.
  """
  for entry in entries:
    for path in find_beside(entry):
      name = rename_beside(files[entry.name], path)
      if any(fnmatch.fnmatchcase(name, pattern) for pattern in reserved):
        raise InputError(
            f'{path} cannot be kept beside its image, because refine.py writes'
            f' a {name} itself; rename both.'
        )
