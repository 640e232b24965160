"""Listing a source's folder, and noticing that it has changed."""

import collections
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from simgan_jax.machine.errors import InputError

# Folders that systems and programs put beside a user's own files, as are all
# whose name begins with a dot.
_OF_SYSTEMS = {
    *('@eadir', '@recycle', '#recycle', '$recycle.bin', '__macosx'),
    *('lost+found', 'system volume information', '__pycache__'),
}


def list_files(
    folder: Path, suffixes: Collection[str], *, recursive: bool = False
) -> list[Path]:
  """Return the files of a folder that have one of the suffixes, sorted.

  Broken links are among them; reading one reports it. Suffixes are in lower
  case, with the dot. `recursive` includes files in subfolders.

  Raises:
    InputError: If the folder is missing, cannot be read or holds no such file.
  """
  found = list_all(folder, recursive=recursive)
  files = [file for file in found if file.suffix.lower() in suffixes]
  if not files:
    raise InputError(
        f'{folder} holds no {" or ".join(suffixes)} files; set path to the'
        ' folder that does.'
    )
  return files


def list_all(folder: Path, *, recursive: bool = True) -> list[Path]:
  """Return the files of a folder, sorted, without hidden and system ones.

  Linked folders are followed, but not into a folder that holds the link.

  Raises:
    InputError: If the folder or a subfolder is missing or cannot be read.
  """
  if not os.path.isdir(folder):
    raise InputError(f'{folder} is not a folder; set path to one that exists.')
  try:
    return sorted(_walk(folder, frozenset(), recursive=recursive))
  except OSError as error:
    raise InputError(
        f'{error.filename or folder} cannot be read ({error.strerror}); set'
        ' path to a folder that can.'
    ) from error


def _walk(
    folder: Path, above: frozenset[str], *, recursive: bool
) -> Iterator[Path]:
  place = os.path.realpath(folder)
  if place in above:
    return
  with os.scandir(folder) as entries:
    for entry in entries:
      if entry.name.startswith('.'):
        continue
      path = folder / entry.name
      if not entry.is_dir():
        if entry.is_file() or not os.path.exists(path):
          yield path
      elif recursive and entry.name.lower() not in _OF_SYSTEMS:
        yield from _walk(path, above | {place}, recursive=True)


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


def count_endings(names: Sequence[str]) -> str:
  """Return such as '12 .gif files, 1 .db file, first a.gif'."""
  counts = collections.Counter(
      os.path.splitext(name)[1].lower() for name in names
  )
  parts = [
      f'{count:,} {suffix or "file without ending"}'
      + (' file' + 's' * (count > 1)) * bool(suffix)
      for suffix, count in counts.most_common()
  ]
  return f'{", ".join(parts)}, first {names[0]}'
