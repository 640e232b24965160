"""Seconds from starting train.py to its first finished round.

    python -m benchmarks.startup

Runs one round of the laptop preset without pre-training, from an empty compile
cache: the first start prepares the data and compiles; the second has another
working directory and finds both; the third continues the run by one round. Then
times commands that do little more than import.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app

from benchmarks import measure

SETTINGS = (
    *('pretrain_refiner_steps=0', 'pretrain_discriminator_steps=0'),
    *('log_every=1', 'sample_every=1', 'checkpoint_every=1'),
)


def _start(root: str, workdir: str, num_rounds: int) -> tuple[float, float]:
  """Return the seconds until the metrics of the last round and to the end."""
  metrics = os.path.join(workdir, 'metrics.jsonl')
  command = [
      *(sys.executable, 'train.py', '--config=configs/eyes.py'),
      *(f'--config.{setting}' for setting in SETTINGS),
      f'--config.num_rounds={num_rounds}',
      f'--workdir={workdir}',
      f'--data_dir={root}/data',
  ]
  environment = os.environ | {'JAX_COMPILATION_CACHE_DIR': f'{root}/cache'}
  start, first = time.perf_counter(), 0.0
  with open(f'{root}/log', 'a', encoding='utf-8') as log:
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    while process.poll() is None:
      if not first and _num_lines(metrics) == num_rounds:
        first = time.perf_counter() - start
      time.sleep(0.02)
  if process.returncode:
    raise RuntimeError(f'train.py failed; see {root}/log')
  end = time.perf_counter() - start
  return first or end, end


def _num_lines(path: str) -> int:
  if not os.path.exists(path):
    return 0
  with open(path, encoding='utf-8') as file:
    return len(file.readlines())


def _seconds(*arguments: str) -> float:
  """Return the median time of three runs of a Python command."""
  times = []
  for _ in range(3):
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], check=False, capture_output=True
    )
    times.append(time.perf_counter() - start)
  return statistics.median(times)


def main(_) -> None:
  """Time three starts and some short commands; print the table."""
  root = tempfile.mkdtemp()
  rows = []
  for name, workdir, num_rounds in (
      ('first start', 'one', 1),
      ('second start, another working directory', 'two', 1),
      ('continuing the second', 'two', 2),
  ):
    first, end = _start(root, os.path.join(root, workdir), num_rounds)
    rows.append([name, first, end])
  for name, arguments in (
      ('train.py --help', ('train.py', '--help')),
      ('train.py with a wrong setting', ('train.py', '--config.seed=x')),
      (
          'import simgan_jax.method.algorithm',
          ('-c', 'import simgan_jax.method.algorithm'),
      ),
  ):
    rows.append([name, '', _seconds(*arguments)])
  measure.show(
      'Seconds to start', ('what', 'first finished round', 'end'), rows
  )


if __name__ == '__main__':
  app.run(main)
