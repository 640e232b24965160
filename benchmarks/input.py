"""Speed of training with streamed batches and with batches on the devices.

    python -m benchmarks.input

Three variants take turns: tf.data streams images (`data.cache=host`), tf.data
streams image numbers for a data set on the devices (`data.cache=device`), and
one batch on the devices is used again and again. A second table has the speed
of the pipeline alone. Without TensorFlow, NumPy streams.
"""

import itertools
import statistics
import time

import jax
import numpy as np
from absl import app, flags

from benchmarks import measure, workload

_BATCH = flags.DEFINE_integer('batch_size', 32, 'Images per step.')
_DTYPE = flags.DEFINE_string('dtype', 'float32', 'Type of the activations.')
_REPEATS = flags.DEFINE_integer('repeats', 8, 'Timed turns of each variant.')
_ROUNDS = flags.DEFINE_integer('rounds', 2, 'Rounds in one turn.')
_IMAGES = flags.DEFINE_integer('images', 50_000, 'Images of each data set.')


def main(_) -> None:
  """Time the rounds and the pipeline alone; print the tables."""
  num_devices = measure.use_devices(_BATCH.value)
  from simgan_jax.machine import mesh as mesh_lib
  from simgan_jax.training import batches as batches_lib

  config = workload.make_config(_BATCH.value, _DTYPE.value)
  shape = (_IMAGES.value, 35, 55, 1)
  rng = np.random.default_rng(0)
  synthetic, real = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
  mesh = mesh_lib.make_mesh(num_devices)

  def make_batches(on_devices):
    return batches_lib.Batches(
        synthetic, real, mesh=mesh, seed=0, on_devices=on_devices
    )

  def make(on_devices):
    batches = make_batches(on_devices)
    stream = batches.rounds('rounds', config, 0)
    ours = workload.Ours(config, num_devices=num_devices)

    return lambda: ours.run(
        itertools.islice(stream, _ROUNDS.value), batches.dataset
    )

  placed = workload.Ours(config, num_devices=num_devices)
  batch = placed.place(*workload.make_images(config))
  variants = {
      'already on the devices': lambda: placed.run([batch] * _ROUNDS.value),
      'streamed images': make(False),
      'streamed numbers, data set on the devices': make(True),
  }
  seconds = measure.interleave(variants, repeats=_REPEATS.value, warmups=2)
  base = seconds['already on the devices']
  rows = [
      [
          name,
          _ROUNDS.value / statistics.median(values),
          statistics.median([a / b for a, b in zip(base, values, strict=True)]),
      ]
      for name, values in seconds.items()
  ]
  measure.show(
      f'Rounds a second by the source of the batches, batch {_BATCH.value}',
      ('batches', 'rounds/s', 'share of the speed without input'),
      rows,
  )

  rows = []
  for on_devices in (False, True):
    for batch_size in (32, 512):
      config.batch_size = batch_size
      stream = make_batches(on_devices).rounds('rounds', config, 0)
      next(stream)
      start, num_rounds = time.perf_counter(), 2_000 // batch_size * 10
      for found in itertools.islice(stream, num_rounds):
        jax.block_until_ready(found)
      speed = num_rounds / (time.perf_counter() - start)
      kind = 'image numbers' if on_devices else 'images'
      rows.append([kind, batch_size, speed, speed * batch_size * 4])
  measure.show(
      'What the pipeline delivers alone',
      ('elements', 'batch', 'rounds/s', 'images/s'),
      rows,
  )


if __name__ == '__main__':
  app.run(main)
