"""Time and peak memory of a round of hands at the paper's size.

    python -m benchmarks.hands_round --cases=4:1,8:0

Rounds of `configs/hands.py:paper` (224 x 224, 7 x 7 filters, 10 blocks, batch
512) in bfloat16 on random images, for an accelerator. A case is the number of
parts of a batch and whether activations are recomputed (1) or kept (0); each
case has its own process.
"""

import json
import statistics
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
from absl import app, flags

from benchmarks import cost_model, measure, workload

_CASES = flags.DEFINE_list('cases', ['4:1', '4:0', '8:0'], 'PARTS:RECOMPUTE.')
_ROUNDS = flags.DEFINE_integer('rounds', 3, 'Timed rounds of each case.')
_BATCH = flags.DEFINE_integer('batch_size', 512, 'Images per step.')
_ONE = flags.DEFINE_string('one', '', 'Measure only this case.')


def _measure_one(num_parts: int, again: bool) -> dict[str, float]:
  """Return the seconds of a round, the least possible, and memory in GiB."""
  from configs import hands
  from simgan_jax.machine import devices

  config = hands.get_config('paper')
  config.batch_size, config.compute_dtype = _BATCH.value, 'bfloat16'
  config.gradient_accumulation, config.rematerialize = num_parts, again
  config.history_size = 2 * config.batch_size
  ours = workload.Ours(config, num_devices=1)
  batch = ours.place(*workload.make_images(config))
  seconds = []
  for _ in range(_ROUNDS.value + 1):  # The first one compiles.
    start = time.perf_counter()
    jax.block_until_ready(ours.round(batch))
    seconds.append(time.perf_counter() - start)
  peak = devices.peak_memory_gib()
  cost = cost_model.round_cost(config)
  rate = measure.matmul_rate(jnp.bfloat16)
  floor = cost.seconds(rate=rate, bandwidth=measure.copy_bandwidth())
  return {
      'first': seconds[0],
      'median': statistics.median(seconds[1:]),
      'floor': floor,
      'memory': peak.get('device', float('nan')),
  }


def main(_) -> None:
  """Measure each case in its own process; print the table."""
  if _ONE.value:
    num_parts, again = map(int, _ONE.value.split(':'))
    print(json.dumps(_measure_one(num_parts, bool(again))))
    return
  rows = []
  for case in _CASES.value:
    command = [sys.executable, '-m', 'benchmarks.hands_round', f'--one={case}']
    for flag in (_ROUNDS, _BATCH):
      command.append(f'--{flag.name}={flag.value}')
    done = subprocess.run(command, capture_output=True, text=True)
    label = case.split(':')
    if done.returncode:
      rows.append(
          [*label, done.stderr.strip().splitlines()[-1][:80], *[''] * 4]
      )
      continue
    found = json.loads(done.stdout.splitlines()[-1])
    ratio = found['median'] / found['floor']
    rows.append([*label, *found.values(), ratio])
  measure.show(
      f'A round of hands at batch {_BATCH.value}, bfloat16',
      (
          'parts',
          'again',
          'first, s',
          'median, s',
          'floor, s',
          'GiB',
          'to floor',
      ),
      rows,
  )


if __name__ == '__main__':
  app.run(main)
