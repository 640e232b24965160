"""Files that are written whole or not at all, and folders held alone."""

import contextlib
import fcntl
import io
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from simgan_jax.machine import errors


def write_bytes(path: str, content: bytes) -> None:
  """Write a file; an interrupted write leaves the old one."""
  os.makedirs(os.path.dirname(path), exist_ok=True)
  try:
    with open(path + '.tmp', 'wb') as file:
      file.write(content)
    os.replace(path + '.tmp', path)
  except OSError:
    with contextlib.suppress(OSError):
      os.remove(path + '.tmp')
    raise


def write_text(path: str, text: str) -> None:
  """Write a text file; an interrupted write leaves the old one."""
  write_bytes(path, text.encode())


def write_json(path: str, content: Any) -> None:
  """Write strict JSON; an interrupted write leaves the old file."""
  write_text(path, json.dumps(content, indent=2, allow_nan=False) + '\n')


def write_arrays(path: str, arrays: Mapping[str, np.ndarray]) -> None:
  """Write an .npz file; an interrupted write leaves the old one."""
  content = io.BytesIO()
  np.savez_compressed(content, allow_pickle=False, **dict[str, Any](arrays))
  write_bytes(path, content.getvalue())


def read_json(path: str) -> Any:
  """Return what is in a JSON file, None if there is no file."""
  if not os.path.exists(path):
    return None
  with open(path, encoding='utf-8') as file:
    return json.load(file)


@contextlib.contextmanager
def hold(folder: str, flag: str) -> Iterator[None]:
  """Keep a folder, made when missing, for this process alone.

  The lock, a file `.lock` in the folder, ends with the process, however it
  ends.

  Args:
    folder: Path of the folder.
    flag: Command-line flag that named the folder, for error messages.

  Raises:
    InputError: If another process holds the folder, or it cannot be written.
  """
  try:
    os.makedirs(folder, exist_ok=True)
    lock = open(os.path.join(folder, '.lock'), 'a')  # noqa: SIM115
  except OSError as error:
    raise cannot_write(folder, error, flag) from error
  with lock:
    try:
      fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
      raise errors.InputError(
          f'{folder} is in use by another process; wait for it, stop it or'
          f' give another {flag}.'
      ) from error
    except OSError:  # Not every file system has locks.
      pass
    yield


def cannot_write(folder: str, error: OSError, flag: str) -> errors.InputError:
  """Return the exception to raise for a folder that cannot be written."""
  return errors.InputError(
      f'{folder} cannot be written ({error.strerror}); give another {flag}.'
  )
