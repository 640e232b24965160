"""Processes of our commands, forked from one that imported what is slow."""

import atexit
import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from typing import IO

_CONTEXT = multiprocessing.get_context('forkserver')
# Whatever a command may import, but nothing is computed before the fork.
_CONTEXT.set_forkserver_preload(
    [
        'jax',
        'tensorflow',
        'tensorflow_datasets',
        'ml_collections.config_flags',
        'simgan_jax.data.cache',
        'simgan_jax.training.loop',
    ]
)


class Process:
  """Runs a command, with the methods of `subprocess.Popen` that tests need.

  Attributes:
    returncode: as `Popen` has it, None before `communicate`.
  """

  def __init__(
      self,
      command: Sequence[str],
      *,
      cwd: str | pathlib.Path,
      env: Mapping[str, str],
  ):
    """Start a script or a module with flags."""
    self.returncode: int | None = None
    self._files = [tempfile.NamedTemporaryFile() for _ in range(2)]
    names = [file.name for file in self._files]
    self._process = _CONTEXT.Process(
        target=_run, args=([*map(str, command)], str(cwd), dict(env), names)
    )
    self._process.start()

  def poll(self) -> int | None:
    """Return the exit code, None while it runs."""
    return self._process.exitcode

  def send_signal(self, number: int) -> None:
    """Send a signal, unless it has ended."""
    if self.poll() is None:
      os.kill(self._process.pid, number)

  def communicate(self, timeout: float = 300) -> tuple[str, str]:
    """Wait for the end; return what it wrote to stdout and stderr."""
    self._process.join(timeout)
    if self.poll() is None:
      self._process.kill()
      raise TimeoutError(f'ran for more than {timeout} s')
    self.returncode = self.poll()
    output, error = (_read(file) for file in self._files)
    return output, error


def run_commands(
    commands: Sequence[Sequence[str]],
    folder: str | pathlib.Path,
    environment: Mapping[str, str],
) -> list[tuple[int, str, str]]:
  """Return (exit code, stdout, stderr) of each command, run in a folder.

  Args:
    commands: each a list of a script or a module, and flags.
    folder: where they are run, one after the other, a process each.
    environment: of the processes.
  """
  found = []
  for command in commands:
    process = Process(command, cwd=folder, env=environment)
    output, error = process.communicate()
    found.append((process.returncode, output, error))
  return found


def run_alone(
    command: Sequence[str | pathlib.Path],
    *,
    cwd: str | pathlib.Path,
    env: Mapping[str, str],
) -> tuple[str, str]:
  """Run a script as a user does, imports and all; return stdout and stderr."""
  done = subprocess.run(
      [sys.executable, *command],
      cwd=cwd,
      env=env,
      capture_output=True,
      text=True,
  )
  assert done.returncode == 0, done.stderr
  return done.stdout, done.stderr


def _read(file: IO[bytes]) -> str:
  with file:
    return file.read().decode()


def _run(
    command: list[str],
    folder: str,
    environment: dict[str, str],
    files: list[str],
) -> None:
  """Become what `python COMMAND` would be."""
  for descriptor, name in enumerate(files, start=1):
    os.dup2(os.open(name, os.O_WRONLY), descriptor)
  os.chdir(folder)
  os.environ.clear()
  os.environ.update(environment)
  sys.path.insert(0, folder)
  sys.argv = command
  import jax  # imported before the fork, when the variables were not yet set

  if 'JAX_NUM_CPU_DEVICES' in environment:
    number = int(environment['JAX_NUM_CPU_DEVICES'])
    jax.config.update('jax_num_cpu_devices', number)
  jax.config.update('jax_platforms', environment.get('JAX_PLATFORMS'))
  code = 0
  try:
    if command[0].endswith('.py'):
      runpy.run_path(command[0], run_name='__main__')
    else:
      runpy.run_module(command[0], run_name='__main__', alter_sys=True)
  except SystemExit as stop:
    code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
  except BaseException:
    traceback.print_exc()
    code = 1
  atexit._run_exitfuncs()
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(code)
