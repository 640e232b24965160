"""What a run leaves in its working directory beside the checkpoints."""

import contextlib
import dataclasses
import fcntl
import json
import os
from collections.abc import Iterator

from simgan_jax import config as config_lib
from simgan_jax import errors

METRICS = 'metrics.jsonl'  # of the training steps, every `log_every` rounds
INSPECTION = 'inspection.jsonl'  # of the refiner, with every checkpoint


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


def _same(path: str, other: str) -> bool:
  """Return whether two paths are spelled alike but for slashes and ~."""
  first, second = (
      os.path.normpath(os.path.expanduser(name)) if name else ''
      for name in (path, other)
  )
  return first == second


def check_workdir(workdir: str, config: config_lib.Config) -> None:
  """Check that a run in `workdir`, if there is one, has the same settings.

  Only `num_rounds` may differ, and only grow: that trains a run longer.

  Raises:
    InputError: naming every field that differs.
  """
  path = os.path.join(workdir, 'config.json')
  if os.path.exists(path):
    old, new = (
        config_lib.flatten(dataclasses.asdict(settings))
        for settings in (config_lib.read(path), config)
    )
    longer = config.num_rounds > old['num_rounds']
    different = [
        f'{name} ({old[name]!r} there, {new[name]!r} now)'
        for name in new
        if old[name] != new[name]
        and not (name == 'num_rounds' and longer)
        and not (name.endswith('.path') and _same(old[name], new[name]))
    ]
    if different:
      raise errors.InputError(
          f'{workdir} holds a run with other settings: {", ".join(different)};'
          ' use the same ones to continue it, or another --workdir.'
      )


def claim_workdir(workdir: str, config: config_lib.Config) -> None:
  """Write `config.json`, or check that the run there has the same settings.

  Args:
    workdir: the working directory; made when missing.
    config: the settings of this run.

  Raises:
    InputError: as `check_workdir`, or when `workdir` is a file.
  """
  check_workdir(workdir, config)
  path = os.path.join(workdir, 'config.json')
  try:
    write_text(path, config_lib.to_json(config))
  except OSError as error:
    raise _cannot_write(workdir, error) from error


@contextlib.contextmanager
def hold_workdir(workdir: str, config: config_lib.Config) -> Iterator[None]:
  """Claim a working directory, for this process alone.

  The lock ends with the process, however it ends.

  Raises:
    InputError: as `claim_workdir`, or when another process holds it.
  """
  check_workdir(workdir, config)
  with hold(workdir, '--workdir'):
    claim_workdir(workdir, config)
    yield


@contextlib.contextmanager
def hold(folder: str, flag: str) -> Iterator[None]:
  """Keep a folder, made when missing, for this process alone.

  Args:
    folder: in which `.lock` stays.
    flag: that named the folder.

  Raises:
    InputError: when another process holds it, or it cannot be written.
  """
  try:
    os.makedirs(folder, exist_ok=True)
    lock = open(os.path.join(folder, '.lock'), 'a')  # noqa: SIM115
  except OSError as error:
    raise _cannot_write(folder, error, flag) from error
  with lock:
    try:
      fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
      raise errors.InputError(
          f'{folder} is in use by another process; wait for it, stop it or'
          f' give another {flag}.'
      ) from error
    except OSError:  # not every file system has locks
      pass
    yield


def _cannot_write(
    folder: str, error: OSError, flag: str = '--workdir'
) -> errors.InputError:
  return errors.InputError(
      f'{folder} cannot be written ({error.strerror}); give another {flag}.'
  )


class MetricsFile:
  """`metrics.jsonl` or one like it: a JSON object a logged round."""

  def __init__(self, workdir: str, *, last_round: int, name: str = METRICS):
    """Open it; rows after `last_round` belong to a lost future and go."""
    self._path = os.path.join(workdir, name)
    self.rows = [
        row for row in read_metrics(workdir, name) if row['round'] <= last_round
    ]
    lines = ''.join(json.dumps(row) + '\n' for row in self.rows)
    write_text(self._path, lines)

  def append(self, row: dict[str, int | float]) -> None:
    """Add a row, on disk when this returns to the caller."""
    self.rows.append(row)
    with open(self._path, 'a', encoding='utf-8') as file:
      file.write(json.dumps(row) + '\n')


def read_metrics(
    workdir: str, name: str = METRICS
) -> list[dict[str, int | float]]:
  """Return the rows of such a file; a torn last line is left out."""
  path = os.path.join(workdir, name)
  if not os.path.exists(path):
    return []
  rows: list[dict[str, int | float]] = []
  with open(path, encoding='utf-8') as file:
    for line in file:
      try:
        rows.append(json.loads(line))
      except ValueError:
        break
  return rows
