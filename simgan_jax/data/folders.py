"""Listing a source's folder, and telling whether it has changed."""

from collections.abc import Collection
from pathlib import Path

from simgan_jax.errors import InputError


def list_files(
    folder: Path, suffixes: Collection[str], *, recursive: bool = False
) -> list[Path]:
  """Returns the files of a folder with such (lower-case) suffixes, sorted.

  Raises:
    InputError: If the folder is missing or holds no such file.
  """
  if not folder.is_dir():
    raise InputError(f'{folder} is not a folder; set path to one that exists.')
  found = folder.rglob('*') if recursive else folder.iterdir()
  files = sorted(
      file
      for file in found
      if file.suffix.lower() in suffixes and not file.name.startswith('.')
  )
  if not files:
    raise InputError(
        f'{folder} holds no {" or ".join(suffixes)} files; set path to the'
        ' folder that does.'
    )
  return files


def stamp(folder: Path, files: list[Path]) -> str:
  """Returns the relative names, sizes and modification times of files."""
  lines = []
  for file in files:
    status = file.stat()
    name = file.relative_to(folder).as_posix()
    lines.append(f'{name} {status.st_size} {status.st_mtime_ns}')
  return '\n'.join(lines)
