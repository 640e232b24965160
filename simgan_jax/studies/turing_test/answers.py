"""The answers of a visual Turing test: one file that only grows."""

import fcntl
import json
import os
from typing import NamedTuple

from simgan_jax.machine import errors

SELECTIONS = ('real', 'synthetic')


class Answer(NamedTuple):
  """One judged image, a line of the file."""

  participant: str
  number: int  # of the trial, from 1
  kind: str  # what the image is: 'real', 'refined' or 'synthetic'
  image: str  # its name in the data set
  selected: str  # one of SELECTIONS
  time: str  # ISO 8601, UTC


def _parse(line: bytes, where: str) -> Answer:
  try:
    answer = Answer(**json.loads(line))
    types = [type(value) for value in answer]
    if types != [str, int, str, str, str, str]:
      raise TypeError(types)
    if answer.selected not in SELECTIONS:
      raise ValueError(answer.selected)
  except (ValueError, TypeError) as error:
    raise errors.InputError(
        f'{where} is no answer; restore the file or move it away to begin'
        ' anew.'
    ) from error
  return answer


class AnswersFile:
  """A file of JSON lines; an answer counts when it is on disk.

  Only one process at a time can open the file.
  """

  def __init__(self, path: str):
    """Open `path`; remove an answer at its end that a kill cut short.

    Raises:
      InputError: If the file is damaged, in use or cannot be written.
    """
    self._path = path
    try:
      os.makedirs(os.path.dirname(path), exist_ok=True)
      self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
      raise errors.InputError(
          f'{path} cannot be written ({error.strerror}); give another'
          ' --workdir or make it writable.'
      ) from error
    try:
      fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
      self.answers = self._read()
    except Exception as error:
      self.close()
      if not isinstance(error, OSError):
        raise
      raise errors.InputError(
          f'{path} is in use: this test is served already; stop the other'
          ' server first.'
      ) from error

  def _read(self) -> list[Answer]:
    with open(self._path, 'rb') as file:
      *lines, torn = file.read().split(b'\n')
    answers = [
        _parse(line, f'line {number} of {self._path}')
        for number, line in enumerate(lines, 1)
    ]
    if torn:
      os.ftruncate(self._file, os.fstat(self._file).st_size - len(torn))
    return answers

  def append(self, answer: Answer) -> None:
    """Add an answer, whole or not at all; it is on disk when this returns.

    Raises:
      OSError: If it cannot be stored.
    """
    line = (json.dumps(answer._asdict()) + '\n').encode()
    size = os.fstat(self._file).st_size
    try:
      if os.write(self._file, line) < len(line):
        raise OSError(f'{self._path} took only a part of an answer')
      os.fsync(self._file)
    except OSError:
      os.ftruncate(self._file, size)
      raise
    self.answers.append(answer)

  def close(self) -> None:
    """Let another process have the file."""
    os.close(self._file)
