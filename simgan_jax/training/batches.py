"""The batches of a run: which images a step sees."""

from collections.abc import Iterator

import jax
import numpy as np

from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.method.algorithm import RoundBatch
from simgan_jax.settings.config import Config


class Batches:
  """Batches of a run, placed on the devices."""

  def __init__(
      self,
      synthetic: np.ndarray,
      real: np.ndarray,
      *,
      mesh: jax.sharding.Mesh,
      seed: int,
      on_devices: bool = False,
  ):
    """Take the images of a run.

    Args:
      synthetic: Synthetic images, [n, h, w, c] uint8.
      real: Real images, [m, h, w, c] uint8.
      mesh: Devices that share a batch.
      seed: Seed of the order of the images.
      on_devices: Whether every device gets a copy of all images, as `dataset`.
        Batches then hold image numbers instead of images, in the same order.
    """
    self._mesh, self._seed = mesh, seed
    self.dataset: RoundBatch | None = None
    if on_devices:
      self.dataset = RoundBatch(
          *jax.device_put((synthetic, real), mesh_lib.replicated(mesh))
      )
      synthetic, real = (
          np.arange(len(images), dtype=np.int32) for images in (synthetic, real)
      )
    self._images = {'synthetic': synthetic, 'real': real}

  def stream(
      self, name: str, kind: str, batch_shape: tuple[int, ...], first_step: int
  ) -> Iterator[jax.Array]:
    """Yield a batch for each step from `first_step` on.

    Args:
      name: Name of the stream; each stream has an order of its own.
      kind: 'synthetic' or 'real'.
      batch_shape: Leading axes of a batch, the last one over all processes.
      first_step: Number of the first step.

    Yields:
      Global arrays, [*batch_shape, h, w, c] uint8 images or [*batch_shape]
      int32 image numbers.
    """
    from simgan_jax.data import pipeline

    sharding = mesh_lib.batch_sharding(
        self._mesh, batch_axis=len(batch_shape) - 1
    )
    for images in pipeline.batches(
        self._images[kind],
        batch_shape=batch_shape,
        seed=self._seed,
        stream=f'{name}/{kind}',
        first_step=first_step,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    ):
      with mesh_lib.intentional_copy():
        batch = jax.make_array_from_process_local_data(sharding, images)
      yield batch

  def rounds(
      self, name: str, config: Config, first_step: int
  ) -> Iterator[RoundBatch]:
    """Yield the images of `rounds_per_call` rounds at a time."""
    calls, batch = config.rounds_per_call, config.batch_size
    num_steps = config.refiner_steps + config.discriminator_steps
    streams = (
        ('synthetic', (calls, num_steps, batch)),
        ('real', (calls, config.discriminator_steps, batch)),
    )
    synthetic, real = (
        self.stream(name, kind, shape, first_step) for kind, shape in streams
    )
    yield from map(RoundBatch, synthetic, real)
