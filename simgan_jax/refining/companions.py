"""Files beside the images, such as labels, that come along with them."""

import fnmatch
import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from simgan_jax.data.entries import Entry
from simgan_jax.data.source import Source
from simgan_jax.machine.errors import InputError
from simgan_jax.refining import naming

# From an image to the files that share its name up to the ending, each with its
# new name.
FindBeside = Callable[[Entry], list[tuple[Path, str]]]


def make_find_beside(
    originals: Source, folder: Path | None, files: Mapping[str, str]
) -> FindBeside:
  """Return the function that finds the files beside an image.

  The data set's own table of labels is not one of these files. Names are
  relative to `folder`, if there is one; `files` has the new ones by the old.
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

  def find(entry: Entry) -> list[tuple[Path, str]]:
    if not folder:
      return []
    image = entry.label_file or folder / entry.name
    renamed = PurePosixPath(files[entry.name])
    return [
        (file, str(renamed.with_suffix(file.suffix)))
        for file in list_folder(image.parent).get(image.stem, [])
    ]

  return find


def check_beside(
    entries: Iterable[Entry], find_beside: FindBeside, reserved: Iterable[str]
) -> None:
  """Check that no file beside an image has a name that refine.py writes.

  `reserved` holds patterns of these names.

  Raises:
    InputError: If a file beside an image has such a name.
  """
  for entry in entries:
    for path, name in find_beside(entry):
      if any(fnmatch.fnmatchcase(name, pattern) for pattern in reserved):
        raise InputError(
            f'{path} cannot be kept beside its image, because refine.py writes'
            f' a {name} itself; rename both.'
        )
