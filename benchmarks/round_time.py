"""Time of a training round, compared with the same update in PyTorch.

    pip install -r requirements-benchmarks.txt
    python -m benchmarks.round_time --batch_size=32 --dtypes=float32

One round is K_g = 2 refiner and K_d = 1 discriminator steps of the eyes
networks with the history, from equal weights and equal uint8 images. The
variants take turns. Before that, the losses of some rounds are compared, with a
history of one image per pair, so that nothing is random.
"""

import functools
import statistics

import jax
import numpy as np
from absl import app, flags

from benchmarks import cost_model, measure, workload
from simgan_jax.settings import config as config_lib

_BATCH = flags.DEFINE_integer('batch_size', 32, 'Images per step.')
_DEVICE = flags.DEFINE_enum(
    'device', None, ['cpu', 'cuda', 'tpu'], "By default JAX's default device."
)
_REPEATS = flags.DEFINE_integer('repeats', 10, 'Timed turns of each variant.')
_ROUNDS = flags.DEFINE_integer('rounds', 1, 'Rounds in one turn.')
_DTYPES = flags.DEFINE_list('dtypes', ['float32'], 'float32, bfloat16 or both.')
_COMPILE = flags.DEFINE_bool('compile', True, 'Also time torch.compile.')
_TORCH = flags.DEFINE_bool('torch', True, 'Also time PyTorch.')


def compare_losses(
    config: config_lib.Config, *, num_devices: int
) -> list[list[object]]:
  """Return a table of both implementations' losses in the first rounds."""
  import torch

  config.history_size = config.batch_size // 2
  # A GPU may round factors to 10 bits, but the libraries do so differently.
  torch.backends.cudnn.allow_tf32 = False
  with jax.default_matmul_precision('highest'):
    ours = workload.Ours(config, num_devices=num_devices)
    images = workload.make_images(config)
    theirs = make_torch(config, ours)
    batch, rows = ours.place(*images), []
    found = [jax.device_get(ours.round(batch)) for _ in range(5)]
  for number, metrics in enumerate(found, 1):
    for name, loss in zip(
        ('refiner', 'discriminator'), theirs.round(*images), strict=True
    ):
      mine, other = float(metrics[f'{name}/loss'][0]), float(loss)
      rows.append([number, name, mine, other, abs(mine - other) / other])
  torch.backends.cudnn.allow_tf32 = True
  return rows


def make_torch(config: config_lib.Config, ours: workload.Ours, **options):
  """Return PyTorch's training, which starts from the same state."""
  from benchmarks import pytorch_simgan

  state = ours.state
  return pytorch_simgan.Training(
      *jax.device_get((state.refiner.params, state.discriminator.params)),
      self_regularization_weight=config.self_regularization_weight,
      learning_rate=config.optimizer.learning_rate,
      history=np.asarray(state.history.images),
      device='cuda' if jax.default_backend() == 'gpu' else 'cpu',
      **options,
  )


def our_variants(config: config_lib.Config, *, num_devices: int):
  """Return functions that run rounds on one and on all devices."""
  variants = {}
  for count in sorted({1, num_devices}):
    ours = workload.Ours(config, num_devices=count)
    batch = ours.place(*workload.make_images(config))
    variants[f'simgan_jax, {count} devices'] = functools.partial(
        ours.run, [batch] * _ROUNDS.value
    )
  return variants


def torch_variants(config: config_lib.Config):
  """Return functions that run rounds in each variant of PyTorch."""
  import torch

  kinds: dict[str, dict] = {'eager': {}}
  if _COMPILE.value:
    kinds['compile'] = {'compile_mode': 'default'}
    if jax.default_backend() == 'gpu':
      kinds['compile, CUDA graphs'] = {'compile_mode': 'reduce-overhead'}
  images = workload.make_images(config)
  ours = workload.Ours(config, num_devices=1)
  variants = {}
  for channels_last in (False, True):
    for name, options in kinds.items():
      theirs = make_torch(
          config,
          ours,
          dtype=getattr(torch, config.compute_dtype),
          channels_last=channels_last,
          **options,
      )
      # On the device before timing, like ours.
      placed = [torch.from_numpy(x).to(theirs.device) for x in images]
      layout = ', channels_last' if channels_last else ''
      variants[f'PyTorch, {name}{layout}'] = functools.partial(
          _run_torch, theirs, placed
      )
  return variants


def _run_torch(theirs, images) -> None:
  for _ in range(_ROUNDS.value - 1):
    theirs.round(*images)
  theirs.round(*images)[1].item()  # Waits for the device.


def main(_) -> None:
  """Compare the losses, time all variants and print the tables."""
  if _DEVICE.value:
    jax.config.update('jax_platforms', _DEVICE.value)
  num_devices = measure.use_devices(_BATCH.value)
  variants, facts, losses = {}, {}, []
  if _TORCH.value:
    import torch

    facts['torch'] = torch.__version__
    config = workload.make_config(_BATCH.value, 'float32')
    losses = compare_losses(config, num_devices=num_devices)
  for dtype in _DTYPES.value:
    config = workload.make_config(_BATCH.value, dtype)
    found = our_variants(config, num_devices=num_devices)
    if _TORCH.value:
      found |= torch_variants(config)
    variants |= {(name, dtype): run for name, run in found.items()}
  seconds = measure.interleave(variants, repeats=_REPEATS.value, warmups=3)
  report(seconds, losses, facts)


def report(seconds, losses, facts) -> None:
  """Print the losses, and the times with the least possible ones."""
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
              dtype,
              name,
              min(values),
              statistics.median(values),
              measure.ratio_to_best(own, name, prefix='PyTorch'),
              statistics.median(values) / floor,
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
