"""Checksums that show whether files of a folder have changed."""

import hashlib
import json
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

from simgan_jax.machine import files, processes

_NAME = 'checksums.json'


def _compute(folder: Path) -> dict[str, str]:
  found = {}
  for path in sorted(folder.rglob('*')):
    if path.is_file() and path.name != _NAME:
      with path.open('rb') as file:
        digest = hashlib.file_digest(file, 'sha256').hexdigest()
      found[path.relative_to(folder).as_posix()] = digest
  return found


def write(folder: Path) -> None:
  """Write the checksums of all files of a folder into it."""
  files.write_text(str(folder / _NAME), json.dumps(_compute(folder)) + '\n')


def check(folder: Path) -> None:
  """Check a folder against the checksums that `write` left there, if any.

  Raises:
    OSError: If a file has changed or is missing.
  """
  path = folder / _NAME
  if not path.exists():
    return
  now = _compute(folder)
  for name, digest in json.loads(path.read_text()).items():
    if now.get(name) != digest:
      raise OSError(f'{folder / name} is not what was saved')


class Sealer:
  """Writer of checksums for folders that are written in the background."""

  def __init__(self):
    """Create the thread that waits for the folders."""
    self._thread = futures.ThreadPoolExecutor(1)
    self._last: futures.Future[None] | None = None

  def seal(self, folder: Path, wait_until_written: Callable[[], Any]) -> None:
    """Write the checksums of a folder, in the first process.

    `wait_until_written` returns when the folder is complete.
    """

    def run() -> None:
      wait_until_written()
      if processes.is_first():
        write(folder)

    self._last = self._thread.submit(run)

  def wait(self) -> None:
    """Wait for the last folder, and raise the error that occurred there."""
    if self._last is not None:
      self._last.result()
