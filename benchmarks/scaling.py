"""Time and memory of a round for several batch sizes and image sizes.

    python -m benchmarks.scaling

Both should be proportional to the work. Prints tables with fitted straight
lines and draws `docs/sweep.png`.
"""

import math
import os
import statistics

import jax
import numpy as np
from absl import app, flags
from matplotlib import figure

from benchmarks import cost_model, measure, workload

_REPEATS = flags.DEFINE_integer('repeats', 3, 'Timed turns of each size.')
_BATCHES = flags.DEFINE_list(
    'batch_sizes', ['8', '16', '32', '64', '128'], 'Images.'
)
_SCALES = flags.DEFINE_list(
    'scales', ['0.5', '1', '2', '4'], 'Factors of both sides.'
)
_PLOT = os.path.join(os.path.dirname(__file__), '..', 'docs', 'sweep.png')


def _fit(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
  """Return the exponent of y over x, and slope and R^2 of a straight line."""
  exponent = np.polyfit(np.log(x), np.log(y), 1)[0]
  slope, offset = np.polyfit(x, y, 1)
  residual = np.sum((y - slope * x - offset) ** 2)
  return exponent, slope, 1.0 - residual / np.sum((y - y.mean()) ** 2)


def _sizes() -> dict[str, list]:
  """Return the settings for each table."""
  batches, pixels = [], []
  for batch_size in map(int, _BATCHES.value):
    batches.append(workload.make_config(batch_size, 'float32'))
  for scale in map(float, _SCALES.value):
    config = workload.make_config(16, 'float32')
    config.data.height = round(35 * scale)
    config.data.width = round(55 * scale)
    pixels.append(config)
  return {'batch': batches, 'pixels': pixels}


def main(_) -> None:
  """Measure, print and plot."""
  measure.use_devices(16)
  chart = figure.Figure(figsize=(8, 3), layout='constrained')
  axes = chart.subplots(1, 2)
  for axis, (name, configs) in zip(axes, _sizes().items(), strict=True):
    rows = []
    for config in configs:
      ours = workload.Ours(config, num_devices=jax.device_count())
      batch = ours.place(*workload.make_images(config))
      memory = ours.memory(batch)
      seconds = measure.interleave(
          {'': lambda: jax.block_until_ready(ours.round(batch))},  # noqa: B023
          repeats=_REPEATS.value,
      )['']
      x = config.batch_size
      if name == 'pixels':
        x = math.prod((config.data.height, config.data.width))
      work = cost_model.round_cost(config).operations
      median = statistics.median(seconds)
      rows.append([x, median, work / median / 1e9, memory / 2**20])
    columns = (name, 'seconds a round', 'GFLOP/s', 'MiB of the program')
    measure.show(f'A round against {name}', columns, rows)
    x, seconds, _, memory = np.array(rows, float).T
    measure.show(
        f'Straight lines through seconds and MiB against {name}',
        ('what', 'exponent', 'slope', 'R^2'),
        [['seconds', *_fit(x, seconds)], ['MiB', *_fit(x, memory)]],
    )
    axis.plot(x, seconds, 'o-', color='tab:blue')
    axis.set(xlabel=name, xlim=(0, None), ylim=(0, None))
    axis.set_ylabel('seconds a round', color='tab:blue')
    other = axis.twinx()
    other.plot(x, memory, 's--', color='tab:orange')
    other.set_ylabel('MiB', color='tab:orange')
    other.set_ylim(0, None)
  chart.savefig(_PLOT, dpi=80)


if __name__ == '__main__':
  app.run(main)
