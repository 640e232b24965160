"""Kill a run at random moments and check that its result does not change.

    python -m benchmarks.kill

Starts a small run again and again and kills it (SIGKILL) after a random part of
the time it needs. Every second kill waits for the next save of a checkpoint,
whose folder then still has a temporary name. A finished run is followed by a
new one. At the end the parameters of all runs are compared bit by bit with
those of a run without kills. The benchmark fails if they differ or if no kill
was inside a save.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from typing import Any

import jax
import numpy as np
from absl import app, flags
from orbax.checkpoint import v1 as ocp

from simgan_jax.machine import devices

_NUM_KILLS = flags.DEFINE_integer('num_kills', 20, 'Number of kills.', 1)
_SEED = flags.DEFINE_integer('seed', 0, 'Seed of the moments.')

NUM_ROUNDS = 120
SETTINGS = (
    *(f'num_rounds={NUM_ROUNDS}', 'batch_size=4', 'history_size=8'),
    *('pretrain_refiner_steps=3', 'pretrain_discriminator_steps=2'),
    *('log_every=2', 'sample_every=10', 'checkpoint_every=2'),
    *('refiner.num_features=4', 'refiner.num_blocks=1'),
    *('data.synthetic.limit=64', 'data.real.limit=64'),
)


def _start(root: pathlib.Path, name: str) -> subprocess.Popen:
  return subprocess.Popen(
      [
          *(sys.executable, 'train.py', '--config=configs/eyes.py'),
          *(f'--config.{setting}' for setting in SETTINGS),
          *(f'--workdir={root / name}', f'--data_dir={root / "data"}'),
      ],
      env=os.environ | {'JAX_COMPILATION_CACHE_DIR': str(root / 'cache')},
      stdout=subprocess.DEVNULL,
      stderr=subprocess.PIPE,
      text=True,
  )


def _finish(process: subprocess.Popen) -> float:
  """Wait for a run and return the seconds that passed."""
  start = time.monotonic()
  _, error = process.communicate()
  if process.returncode:
    raise RuntimeError(f'train.py failed: {error}')
  return time.monotonic() - start


def _wait_for_save(process: subprocess.Popen, workdir: pathlib.Path) -> bool:
  """Wait until a checkpoint is being written; False if the run ends."""
  while process.poll() is None:
    if list(workdir.glob('checkpoints/*tmp')):
      return True
  return False


def _read_round(workdir: pathlib.Path) -> int:
  folders = workdir.glob('checkpoints/*')
  return max((int(f.name) for f in folders if f.name.isdigit()), default=-1)


def _read_parameters(workdir: pathlib.Path) -> Any:
  with warnings.catch_warnings():
    # Orbax warns that it takes the shardings from the file; here they fit.
    warnings.simplefilter('ignore', UserWarning)
    path = (workdir / 'checkpoints' / str(NUM_ROUNDS)).absolute()
    return jax.tree.map(np.asarray, ocp.load(str(path)))


def main(_: list[str]) -> None:
  """Kill runs and compare their parameters."""
  # Checkpoints of one device per core can only be read with as many devices.
  devices.use_cores(os.cpu_count() or 1)
  generator, num_kills = random.Random(_SEED.value), _NUM_KILLS.value
  with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    _finish(_start(root, 'alone'))  # compiles and prepares the data
    seconds = _finish(_start(root, 'again'))
    names, in_saves = ['killed_1'], 0
    for number in range(1, num_kills + 1):
      process = _start(root, names[-1])
      workdir = root / names[-1]
      time.sleep(generator.uniform(0, 0.9) * seconds)
      if number % 2 == 0:
        in_saves += _wait_for_save(process, workdir)
      process.send_signal(signal.SIGKILL)
      process.communicate()
      reached = _read_round(workdir)
      print(f'kill {number} of {names[-1]}: checkpoint of round {reached}')
      if reached == NUM_ROUNDS and number < num_kills:
        names.append(f'killed_{len(names) + 1}')
    _finish(_start(root, names[-1]))
    expected, *found = (_read_parameters(root / n) for n in ('alone', *names))
  same = all(
      np.array_equal(x, y)
      for state in found
      for x, y in zip(*map(jax.tree.leaves, (expected, state)), strict=True)
  )
  print(
      f'{num_kills} kills of {len(names)} runs, {in_saves} inside a save: the'
      f' final states are {"the same, bit by bit" if same else "OTHER ONES"}'
  )
  if not same or (num_kills > 1 and not in_saves):
    sys.exit(1)


if __name__ == '__main__':
  app.run(main)
