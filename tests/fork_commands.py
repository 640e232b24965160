"""Run commands in processes that share what is slow to import.

Reads a JSON list of [[script or module, flag, ...], ...] from stdin, writes one
of [exit code, stdout, stderr] to stdout.
"""

import json
import os
import runpy
import sys
import tempfile
import traceback

# Whatever a command may import, as long as it starts no thread.
import jax  # noqa: F401
import tensorflow_datasets  # noqa: F401

sys.path.insert(0, os.getcwd())

from ml_collections import config_flags  # noqa: F401

import simgan_jax.data.sources
import simgan_jax.loop  # noqa: F401


def _run(command: list[str]) -> int:
  """Run a command as `python COMMAND` would and return its exit code."""
  sys.argv = command
  try:
    if command[0].endswith('.py'):
      runpy.run_path(command[0], run_name='__main__')
    else:
      runpy.run_module(command[0], run_name='__main__', alter_sys=True)
  except SystemExit as stop:
    return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
  except BaseException:
    traceback.print_exc()
    return 1
  return 0


def _fork(command: list[str]) -> tuple[int, str, str]:
  with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
    child = os.fork()
    if not child:
      os.dup2(output.fileno(), 1)
      os.dup2(error.fileno(), 2)
      code = _run(command)
      sys.stdout.flush()
      sys.stderr.flush()
      os._exit(code)
    _, status = os.waitpid(child, 0)
    texts = []
    for file in (output, error):
      file.seek(0)
      texts.append(file.read().decode())
  return os.waitstatus_to_exitcode(status), texts[0], texts[1]


if __name__ == '__main__':
  json.dump([_fork(command) for command in json.load(sys.stdin)], sys.stdout)
