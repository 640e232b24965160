"""Checksums of the files of a folder: a disk or a copy may change one."""

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
  """Note what the files of a folder are now."""
  files.write_text(str(folder / _NAME), json.dumps(_compute(folder)) + '\n')


def check(folder: Path) -> None:
  """Check that the files are those of `write`, if it was called.

  Raises:
    OSError: when one has changed, or is missing.
  """
  path = folder / _NAME
  if not path.exists():
    return
  now = _compute(folder)
  for name, digest in json.loads(path.read_text()).items():
    if now.get(name) != digest:
      raise OSError(f'{folder / name} is not what was saved')


class Sealer:
  """Notes the checksums of folders that are written in the background."""

  def __init__(self):
    """Start nothing yet."""
    self._thread = futures.ThreadPoolExecutor(1)
    self._last: futures.Future[None] | None = None

  def seal(self, folder: Path, wait_until_written: Callable[[], Any]) -> None:
    """Note them, on the first of several processes, when it is written."""

    def run() -> None:
      wait_until_written()
      if processes.is_first():
        write(folder)

    self._last = self._thread.submit(run)

  def wait(self) -> None:
    """Wait for the last folder, and raise what went wrong there."""
    if self._last is not None:
      self._last.result()
