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
    values = json.loads(line)
    answer = Answer(**values)
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
  """JSON lines, appended one by one, each on disk before it counts.

  One process at a time has the file; another that opens it is refused.
  """

  def __init__(self, path: str):
    """Open `path`, made when missing; what a kill cut short at its end goes.

    Raises:
      InputError: when the file is damaged, in use or cannot be written.
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
      self._lock()
      self.answers = self._read()
    except BaseException:
      os.close(self._file)
      raise

  def _lock(self) -> None:
    try:
      fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
      raise errors.InputError(
          f'{self._path} is in use: this test is served already; stop the'
          ' other server first.'
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
    """Add an answer, on disk when this returns; all of it or nothing.

    Raises:
      OSError: when it cannot be stored.
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
