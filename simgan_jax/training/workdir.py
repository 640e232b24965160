"""The working directory of a run: one process and one set of settings."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator

from simgan_jax.machine import errors, files
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import stored


def _same(path: str, other: str) -> bool:
  """Return whether two paths are equal apart from how they are written."""
  first, second = (
      os.path.abspath(os.path.expanduser(name)) if name else ''
      for name in (path, other)
  )
  return first == second


def check_workdir(workdir: str, config: config_lib.Config) -> None:
  """Check that a run in `workdir`, if there is one, has the same settings.

  Only `num_rounds` may differ, and only grow: that trains a run longer.

  Raises:
    InputError: If settings differ; the message names every field.
  """
  if os.path.exists(os.path.join(workdir, 'config.json')):
    old, new = (
        config_lib.flatten(dataclasses.asdict(settings))
        for settings in (stored.read_run(workdir), config)
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
    workdir: Path of the working directory; made when missing.
    config: Settings of this run.

  Raises:
    InputError: As `check_workdir`, or if `workdir` cannot be written.
  """
  check_workdir(workdir, config)
  try:
    stored.write_run(workdir, config)
  except OSError as error:
    raise files.cannot_write(workdir, error, '--workdir') from error


@contextlib.contextmanager
def hold_workdir(workdir: str, config: config_lib.Config) -> Iterator[None]:
  """Claim a working directory, for this process alone.

  Raises:
    InputError: As `claim_workdir`, or if another process holds it.
  """
  check_workdir(workdir, config)
  with files.hold(workdir, '--workdir'):
    claim_workdir(workdir, config)
    yield
