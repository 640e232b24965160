"""Operations and speed of the compact gaze estimator and of the paper's.

    python -m benchmarks.estimators

Both train on grey images of 35 x 55 pixels, in turns, with the same steps. The
operations are XLA's count for one image, forward.
"""

import functools
import statistics

import numpy as np
from absl import app, flags

from benchmarks import measure

_STEPS = flags.DEFINE_integer('steps', 50, 'Optimiser steps of a turn.')
_REPEATS = flags.DEFINE_integer('repeats', 5, 'Turns.')
_BATCH = flags.DEFINE_integer('batch_size', 64, 'Images a step.')
_SHAPE = (35, 55, 1)


def describe(network) -> tuple[int, int]:
  """Return the parameters of a Flax network, and its operations an image."""
  import jax

  images = np.zeros((1, *_SHAPE), np.float32)
  params = network.init(jax.random.key(0), images)
  compiled = jax.jit(network.apply).lower(params, images).compile()
  cost = compiled.cost_analysis() or {}
  size = sum(leaf.size for leaf in jax.tree.leaves(params))
  return size, int(cost['flops'])


def main(_) -> None:
  """Train both and print a table."""
  num_devices = measure.use_devices(2 * _BATCH.value)
  from simgan_jax.estimators import compact, gaze, trainer
  from simgan_jax.estimators.compact_network import CompactNetwork
  from simgan_jax.machine import mesh as mesh_lib

  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (10 * _BATCH.value, *_SHAPE), dtype=np.uint8)
  labels = rng.normal(size=(len(images), 3)) / 10 - np.array([0, 0, 1])
  labels /= np.linalg.norm(labels, axis=-1, keepdims=True)
  variants, facts = {}, {}
  for name, network, train in (
      (
          'compact',
          CompactNetwork(2),
          compact.make('gaze').train,
      ),
      ('paper', gaze.GazeEstimator(), gaze.train),
  ):
    for augmented in (False, True):
      kind = f'{name}, augmented' if augmented else name
      facts[kind] = describe(network)
      variants[kind] = functools.partial(
          train,
          images,
          labels.astype(np.float32),
          mesh=mesh_lib.make_mesh(num_devices),
          seed=0,
          recipe=trainer.Recipe(_STEPS.value, _BATCH.value, 1e-3, augmented),
      )
  seconds = measure.interleave(variants, repeats=_REPEATS.value)
  rows = []
  for name, values in seconds.items():
    parameters, operations = facts[name]
    step = statistics.median(values) / _STEPS.value
    rows.append(
        [name, parameters, operations / 1e6, 1e3 * step, _BATCH.value / step]
    )
  columns = 'estimator', 'parameters', 'Mflop', 'ms a step', 'images/s'
  title = f'Gaze estimators at batch {_BATCH.value}'
  measure.show(title, columns, rows)


if __name__ == '__main__':
  app.run(main)
