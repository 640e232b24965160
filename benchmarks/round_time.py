"""Time of a training round, ours beside the same update in PyTorch.

    pip install torch   # without a GPU: torch==2.13.0
    python -m benchmarks.round_time --batch_size=32 --dtypes=float32

Runs on whatever device JAX finds. One round is K_g = 2 refiner and K_d = 1
discriminator steps of the eyes networks, history included, with equal weights
and equal uint8 images; alternatives take turns. First both are compared: the
losses of some rounds with a history of one image a pair, where nothing is left
to chance.
"""

import jax
import numpy as np
from absl import app, flags

from benchmarks import cost_model, measure, workload
from simgan_jax import config as config_lib

_BATCH = flags.DEFINE_integer('batch_size', 32, 'Images a step.')
_REPEATS = flags.DEFINE_integer('repeats', 10, 'Timed turns of each variant.')
_ROUNDS = flags.DEFINE_integer('rounds', 1, 'Rounds timed in one turn.')
_DTYPES = flags.DEFINE_list('dtypes', ['float32'], 'float32, bfloat16 or both.')
_COMPILE = flags.DEFINE_bool('compile', True, 'Also time torch.compile.')
_TORCH = flags.DEFINE_bool('torch', True, 'Also time PyTorch.')


def compare_losses(
    config: config_lib.Config, make_torch, *, num_devices: int
) -> list[list[object]]:
  """Return rows of both implementations' losses over the first rounds."""
  config.history_size = config.batch_size // 2
  ours = workload.Ours(config, num_devices=num_devices)
  images = workload.make_images(config)
  theirs = make_torch(config, ours.state)
  batch, rows = ours.place(*images), []
  for number in range(1, 6):
    metrics = jax.device_get(ours.round(batch))
    for name, loss in zip(
        ('refiner', 'discriminator'), theirs.round(*images), strict=True
    ):
      mine, other = float(metrics[f'{name}/loss'][0]), float(loss)
      rows.append([number, name, mine, other, abs(mine - other) / other])
  return rows


def main(_) -> None:
  """Compare the losses, time all variants and print the tables."""
  num_devices = measure.use_devices(_BATCH.value)
  on_gpu = jax.default_backend() == 'gpu'
  variants, facts, losses = {}, {}, []

  def make_torch(config, state, **options):
    from benchmarks import pytorch_simgan

    return pytorch_simgan.Training(
        *jax.device_get((state.refiner.params, state.discriminator.params)),
        self_regularization_weight=config.self_regularization_weight,
        learning_rate=config.optimizer.learning_rate,
        history=np.asarray(state.history.images),
        device='cuda' if on_gpu else 'cpu',
        **options,
    )

  if _TORCH.value:
    import torch

    facts['torch'] = torch.__version__
    losses = compare_losses(
        workload.make_config(_BATCH.value, 'float32'),
        make_torch,
        num_devices=num_devices,
    )

  for dtype in _DTYPES.value:
    config = workload.make_config(_BATCH.value, dtype)
    images = workload.make_images(config)
    for count in sorted({1, num_devices}):
      ours = workload.Ours(config, num_devices=count)
      batch = ours.place(*images)

      def run(ours=ours, batch=batch):
        for _ in range(_ROUNDS.value):
          metrics = ours.round(batch)
        jax.block_until_ready(metrics)

      variants[f'simgan_jax, {count} devices', dtype] = run
    if not _TORCH.value:
      continue
    options = {
        'eager': {},
        'eager, channels_last': {'channels_last': True},
    }
    if _COMPILE.value:
      options['compile'] = {'compile_mode': 'default'}
      options['compile, channels_last'] = {
          'compile_mode': 'default',
          'channels_last': True,
      }
      if on_gpu:
        options['compile, channels_last, CUDA graphs'] = {
            'compile_mode': 'reduce-overhead',
            'channels_last': True,
        }
    for name, chosen in options.items():
      theirs = make_torch(
          config, ours.state, dtype=getattr(torch, dtype), **chosen
      )

      def run_torch(theirs=theirs, images=images):
        for _ in range(_ROUNDS.value):
          losses = theirs.round(*images)
        losses[1].item()

      variants[f'PyTorch, {name}', dtype] = run_torch

  seconds = measure.interleave(variants, repeats=_REPEATS.value, warmups=3)
  report(seconds, losses, facts)


def report(seconds, losses, facts) -> None:
  """Print the agreement of the losses and the times beside their floor."""
  if losses:
    measure.show(
        'Losses of the first rounds, float32',
        ('round', 'loss', 'simgan_jax', 'PyTorch', 'relative difference'),
        losses,
        **facts,
    )
  rows = []
  for dtype in _DTYPES.value:
    cost = cost_model.round_cost(workload.make_config(_BATCH.value, dtype))
    rate = measure.matmul_rate(jax.numpy.dtype(dtype))
    bandwidth = measure.copy_bandwidth()
    floor = cost.seconds(rate=rate, bandwidth=bandwidth)
    own = {
        name: [value / _ROUNDS.value for value in values]
        for (name, kind), values in seconds.items()
        if kind == dtype
    }
    for name, values in own.items():
      rows.append(
          [
              *(dtype, name, min(values), measure.median(values)),
              measure.ratio_to_best(own, name, prefix='PyTorch'),
              measure.median(values) / floor,
          ]
      )
    rows.append([dtype, 'floor', floor, floor, '', 1.0])
    facts |= {
        f'{dtype} products': f'{rate / 1e9:.0f} GFLOP/s',
        'copy': f'{bandwidth / 1e9:.1f} GB/s',
        'round': f'{cost.operations / 1e9:.0f} GFLOP',
    }
  measure.show(
      f'Seconds a round at batch {_BATCH.value}',
      ('type', 'variant', 'min', 'median', 'to best PyTorch', 'to floor'),
      rows,
      **facts,
  )


if __name__ == '__main__':
  app.run(main)
