"""Files beside the images, such as labels, that come along with them."""

import fnmatch
import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from simgan_jax.data import labels, pixel_labels
from simgan_jax.data.entries import Entry
from simgan_jax.data.source import Source
from simgan_jax.machine import files as files_lib
from simgan_jax.machine.errors import InputError
from simgan_jax.settings.config import BUILTIN


class Companions:
  """The companions of the originals, with their names beside refined images."""

  def __init__(self, originals: Source, files: Mapping[str, str]):
    """Take the source, and the new names of images by the old ones."""
    self._originals, self._files = originals, files

  def find(self, entry: Entry) -> list[tuple[Path, str]]:
    """Return the files that belong to an image, each with its new name."""
    originals = self._originals
    if originals.origin in BUILTIN or not originals.path.is_dir():
      return []
    image = entry.file or entry.label_file or originals.path / entry.name
    old, new = image.stem, PurePosixPath(self._files[entry.name])
    found = []
    for file in originals.companions(entry):
      if file.parent == image.parent and file.name.startswith(old):
        rest = file.name.removeprefix(old)
        if file.name.startswith(f'{image.name}.'):  # 0.jpg.json
          rest = new.suffix + file.name.removeprefix(image.name)
        name = str(new.with_name(new.stem + rest))
      else:  # in a folder of its own, or mask_0.png
        name = file.relative_to(originals.path).as_posix()
      found.append((file, name))
    return found

  def check(self, entries: Iterable[Entry], reserved: Collection[str]) -> None:
    """Raise an InputError if a file has a name that refine.py writes.

    `reserved` holds patterns of such names beside those of the images.
    """
    images = set(self._files.values())
    for entry in entries:
      for path, name in self.find(entry):
        if name in images or any(
            fnmatch.fnmatchcase(name, pattern) for pattern in reserved
        ):
          raise InputError(
              f'{path} cannot be kept beside its image, because refine.py'
              f' writes a {name} itself; rename both.'
          )

  def write(
      self,
      entry: Entry,
      folder: Path,
      transform: pixel_labels.Transform | None,
  ) -> None:
    """Write the files beside a refined image.

    They stay byte for byte, but for points and boxes in a file of labels.
    """
    declared = self._originals.pixel_labels
    for file, name in self.find(entry):
      copy = folder / name
      copy.parent.mkdir(parents=True, exist_ok=True)
      if file == entry.label_file and declared.names and transform:
        content = labels.read_json(file)
        moved = pixel_labels.move_values(
            declared, content, transform, str(file)
        )
        text = json.dumps(moved, indent=2, ensure_ascii=False) + '\n'
        files_lib.write_text(str(copy), text)
      else:
        shutil.copyfile(file, copy)
