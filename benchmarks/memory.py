"""Peak memory of training, with a separate process per batch size.

    python -m benchmarks.memory

Runs two rounds of the eyes networks on JAX's default devices. `resident` is the
peak of the whole process with Python, JAX and XLA. `program` is the memory of
the compiled round on all devices for arguments and temporary arrays.
"""

import json

import jax
from absl import app, flags

from benchmarks import measure, workload

_BATCHES = flags.DEFINE_list('batch_sizes', ['32', '128', '512'], 'Images.')
_ONE = flags.DEFINE_list('one', [], 'Batch and parts; measure only these.')


def _measure_one(batch_size: int, num_parts: int) -> None:
  """Run two rounds and print the peak memory as JSON."""
  num_devices = measure.use_devices(batch_size)
  from simgan_jax.machine import devices

  config = workload.make_config(batch_size, 'float32')
  config.gradient_accumulation = num_parts
  ours = workload.Ours(config, num_devices=num_devices)
  batch = ours.place(*workload.make_images(config))
  program = ours.memory(batch)
  for _ in range(2):
    jax.block_until_ready(ours.round(batch))
  print(json.dumps(devices.peak_memory_gib() | {'program': program / 2**30}))


def main(_) -> None:
  """Measure each size in its own process; print the table."""
  if _ONE.value:
    _measure_one(*map(int, _ONE.value))
    return
  rows = []
  for batch_size in _BATCHES.value:
    for num_parts in ('1', '0'):
      found = measure.run_one('benchmarks.memory', batch_size, num_parts)
      rows.append(
          [
              int(batch_size),
              'chosen' if num_parts == '0' else num_parts,
              found['host'],
              found.get('device', ''),
              found['program'],
          ]
      )
  measure.show(
      'Peak memory of two rounds, GiB',
      ('batch', 'parts', 'resident', 'device', 'program'),
      rows,
  )


if __name__ == '__main__':
  app.run(main)
