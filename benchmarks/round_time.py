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

from benchmarks import cost_model, measure
from simgan_jax import config as config_lib

_BATCH = flags.DEFINE_integer('batch_size', 32, 'Images a step.')
_REPEATS = flags.DEFINE_integer('repeats', 10, 'Timed turns of each variant.')
_ROUNDS = flags.DEFINE_integer('rounds', 1, 'Rounds timed in one turn.')
_DTYPES = flags.DEFINE_list('dtypes', ['float32'], 'float32, bfloat16 or both.')
_COMPILE = flags.DEFINE_bool('compile', True, 'Also time torch.compile.')
_TORCH = flags.DEFINE_bool('torch', True, 'Also time PyTorch.')


class Ours:
  """The compiled rounds of simgan_jax on arrays."""

  def __init__(self, config: config_lib.Config, *, num_devices: int):
    """Create a state on a mesh of `num_devices`."""
    from simgan_jax import create, losses, rounds
    from simgan_jax import mesh as mesh_lib

    mesh = mesh_lib.make_mesh(num_devices)
    self.state = create.make_state_fn(config, mesh)()
    self._update = rounds.make_update(
        mesh,
        refiner_steps=config.refiner_steps,
        self_regularization_weight=config.self_regularization_weight,
        features_fn=losses.FEATURES[config.self_regularization_features],
        num_parts=config.gradient_accumulation,
    )
    self._sharding = mesh_lib.batch_sharding(mesh, batch_axis=2)

  def place(self, synthetic: np.ndarray, real: np.ndarray):
    """Return a batch of one round on the devices."""
    from simgan_jax.rounds import RoundBatch

    return jax.device_put(
        RoundBatch(synthetic[None], real[None, None]), self._sharding
    )

  def round(self, batch):
    """Run a round; return its metrics, perhaps not ready yet."""
    self.state, metrics = self._update(self.state, batch)
    return metrics


def make_config(batch_size: int, dtype: str) -> config_lib.Config:
  """Return the settings of the eyes networks."""
  config = config_lib.Config()
  config.batch_size, config.compute_dtype = batch_size, dtype
  config.history_size = 64 * batch_size
  return config


def make_images(config: config_lib.Config) -> tuple[np.ndarray, np.ndarray]:
  """Return random uint8 images of a round, synthetic and real."""
  shape = (config.data.height, config.data.width, config.data.channels)
  rng = np.random.default_rng(0)
  num_steps = config.refiner_steps + config.discriminator_steps
  lead = (num_steps, config.batch_size)
  synthetic = rng.integers(0, 256, (*lead, *shape), dtype=np.uint8)
  return synthetic, rng.integers(0, 256, (*lead[1:], *shape), dtype=np.uint8)


def compare_losses(
    config: config_lib.Config, make_torch, *, num_devices: int
) -> list[list[object]]:
  """Return rows of both implementations' losses over the first rounds."""
  config.history_size = config.batch_size // 2
  ours, images = Ours(config, num_devices=num_devices), make_images(config)
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

    history = np.random.default_rng(1).uniform(
        -1, 1, state.history.images.shape
    )
    return pytorch_simgan.Training(
        *jax.device_get((state.refiner.params, state.discriminator.params)),
        self_regularization_weight=config.self_regularization_weight,
        learning_rate=config.optimizer.learning_rate,
        history=history.astype(np.float32),
        device='cuda' if on_gpu else 'cpu',
        **options,
    )

  if _TORCH.value:
    import torch

    facts['torch'] = torch.__version__
    losses = compare_losses(
        make_config(_BATCH.value, 'float32'),
        make_torch,
        num_devices=num_devices,
    )

  for dtype in _DTYPES.value:
    config = make_config(_BATCH.value, dtype)
    images = make_images(config)
    for count in sorted({1, num_devices}):
      ours = Ours(config, num_devices=count)
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
    cost = cost_model.round_cost(make_config(_BATCH.value, dtype))
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
