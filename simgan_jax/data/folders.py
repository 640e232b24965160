"""Listing a source's folder, and noticing that it has changed."""

import os
from collections.abc import Collection
from pathlib import Path

from simgan_jax.machine.errors import InputError


def list_files(
    folder: Path, suffixes: Collection[str], *, recursive: bool = False
) -> list[Path]:
  """Return the files of a folder that have one of the suffixes, sorted.

  Broken links are among them; reading one reports it. Suffixes are in lower
  case, with the dot. `recursive` includes files in subfolders.

  Raises:
    InputError: If the folder is missing, cannot be read or holds no such file.
  """
  if not os.path.isdir(folder):
    raise InputError(f'{folder} is not a folder; set path to one that exists.')
  try:
    found = list(folder.rglob('*') if recursive else folder.iterdir())
  except OSError as error:
    raise InputError(
        f'{folder} cannot be read ({error.strerror}); set path to a folder that'
        ' can.'
    ) from error
  files = sorted(
      file
      for file in found
      if file.suffix.lower() in suffixes
      and not file.name.startswith('.')
      and (os.path.isfile(file) or not os.path.exists(file))
  )
  if not files:
    raise InputError(
        f'{folder} holds no {" or ".join(suffixes)} files; set path to the'
        ' folder that does.'
    )
  return files


def stamp(folder: Path, files: list[Path]) -> str:
  """Return the relative names, sizes and modification times of files."""
  lines = []
  for file in files:
    name = file.relative_to(folder).as_posix()
    try:
      status = file.stat()
      lines.append(f'{name} {status.st_size} {status.st_mtime_ns}')
    except OSError:
      lines.append(f'{name} missing')
  return '\n'.join(lines)
