"""Speed of refining images and of training the gaze estimator, and PyTorch's.

    pip install -r requirements-benchmarks.txt
    python -m benchmarks.refine

Both use the functions of eval.py: `refiners.refine_images` with its batch size
and `estimators.gaze.train` with a batch of 32. PyTorch gets the same batches.
"""

import functools
import statistics

import jax
import numpy as np
from absl import app, flags

from benchmarks import measure, workload

_REPEATS = flags.DEFINE_integer('repeats', 7, 'Timed turns of each variant.')
_IMAGES = flags.DEFINE_integer('images', 800, 'Images to refine in one turn.')
_STEPS = flags.DEFINE_integer('steps', 25, 'Estimator steps in one turn.')
_BATCH = flags.DEFINE_integer('batch_size', 32, "The estimator's batch.")


def _torch_variants(make) -> dict:
  """Return the variants of PyTorch, made by make(channels_last, compiled)."""
  return {
      'PyTorch, eager': make(False, False),
      'PyTorch, eager, channels_last': make(True, False),
      'PyTorch, compile': make(False, True),
      'PyTorch, compile, channels_last': make(True, True),
  }


def refining_variants(mesh) -> dict:
  """Return functions that refine the same images."""
  import torch

  from benchmarks import pytorch_simgan
  from simgan_jax.machine import batching
  from simgan_jax.training import build, refiners

  config = workload.make_config(32, 'float32')
  state = build.make_state_fn(config, mesh)()
  batch = batching.BATCH_SIZE
  shape = (_IMAGES.value, 35, 55, 1)
  images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

  def ours():
    refiners.refine_images(state.refiner, images, mesh=mesh, batch_size=batch)

  def make(channels_last, compiled):
    layout = pytorch_simgan.memory_layout(channels_last=channels_last)
    network = pytorch_simgan.Refiner().to(memory_format=layout)
    pytorch_simgan.load_convolutions(
        network, jax.device_get(state.refiner.params)
    )
    function = torch.compile(network) if compiled else network

    @torch.no_grad()
    def run():
      for start in range(0, len(images), batch):
        part = images[start : start + batch]
        refined = function(pytorch_simgan.to_tensor(part, layout=layout))
        ((refined + 1.0) * 127.5).round().clamp(0, 255).byte().numpy()

    return run

  return {'simgan_jax': ours} | _torch_variants(make)


def training_variants(mesh) -> dict:
  """Return functions that train the same estimator."""
  import torch

  from benchmarks import pytorch_simgan
  from simgan_jax.estimators import gaze, trainer

  rng = np.random.default_rng(0)
  batch, num_steps = _BATCH.value, _STEPS.value
  images = rng.integers(0, 256, (batch * 10, 35, 55, 1), dtype=np.uint8)
  labels = rng.normal(size=(len(images), 3)).astype(np.float32)
  labels /= np.linalg.norm(labels, axis=-1, keepdims=True)
  ours = functools.partial(
      gaze.train,
      images,
      labels,
      mesh=mesh,
      seed=0,
      recipe=trainer.Recipe(num_steps, batch, learning_rate=1e-3),
  )

  def make(channels_last, compiled):
    layout = pytorch_simgan.memory_layout(channels_last=channels_last)
    network = pytorch_simgan.GazeEstimator().to(memory_format=layout)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)

    def loss_fn(part, truth):
      return (network(part) - truth).square().sum(-1).mean()

    function = torch.compile(loss_fn) if compiled else loss_fn

    def run():
      for step in range(num_steps):
        chosen = slice((step % 10) * batch, (step % 10 + 1) * batch)
        optimizer.zero_grad()
        loss = function(
            pytorch_simgan.to_tensor(images[chosen], layout=layout),
            torch.from_numpy(labels[chosen]),
        )
        loss.backward()
        optimizer.step()

    return run

  return {'simgan_jax': ours} | _torch_variants(make)


def main(_) -> None:
  """Time both and print the tables."""
  import torch

  num_devices = measure.use_devices(_BATCH.value)
  from simgan_jax.machine import mesh as mesh_lib

  mesh = mesh_lib.make_mesh(num_devices)
  for title, make, images in (
      ('Refining', refining_variants, _IMAGES.value),
      (
          f'Training the estimator at batch {_BATCH.value}',
          training_variants,
          _STEPS.value * _BATCH.value,
      ),
  ):
    seconds = measure.interleave(make(mesh), repeats=_REPEATS.value, warmups=2)
    rows = [
        [
            name,
            images / statistics.median(values),
            measure.ratio_to_best(seconds, name, prefix='PyTorch'),
        ]
        for name, values in seconds.items()
    ]
    measure.show(
        title,
        ('variant', 'images/s', 'time to best PyTorch'),
        rows,
        torch=torch.__version__,
    )


if __name__ == '__main__':
  app.run(main)
