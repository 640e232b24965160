"""The training round of the benchmarks: networks for eyes, random images."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from simgan_jax.settings import config as config_lib


class Ours:
  """State and compiled rounds of simgan_jax."""

  def __init__(self, config: config_lib.Config, *, num_devices: int):
    """Create a state with a full history on a mesh of `num_devices`."""
    from simgan_jax.machine import mesh as mesh_lib
    from simgan_jax.method import algorithm
    from simgan_jax.training import build

    self._mesh = mesh = mesh_lib.make_mesh(num_devices)
    state = build.make_state_fn(config, mesh)()
    shape, sharding = state.history.images.shape, state.history.images.sharding
    old = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
    history = state.history._replace(
        images=jax.device_put(old, sharding),
        count=jax.device_put(np.int32(shape[1]), state.round.sharding),
    )
    self.state = state._replace(history=history)
    self._update = algorithm.make_update(
        mesh, build.make_objective(config), build.make_split(config, mesh)
    )
    self._sharding = mesh_lib.batch_sharding(mesh, batch_axis=2)

  def place(self, synthetic: np.ndarray, real: np.ndarray):
    """Return a batch of one round on the devices."""
    from simgan_jax.method.algorithm import RoundBatch

    images = synthetic[None], real[None, None]
    return RoundBatch(*jax.device_put(images, self._sharding))

  def run(self, batches: Iterable[Any], dataset=None) -> None:
    """Run a round for each batch and wait for the last."""
    metrics = None
    for batch in batches:
      metrics = self.round(batch, dataset)
    jax.block_until_ready(metrics)

  def compiled(self, batch) -> jax.stages.Compiled:
    """Return the compiled program of a round."""
    update = jax.jit(self._update, donate_argnums=0)
    return update.lower(self.state, batch).compile()

  def memory(self, batch) -> int:
    """Return the bytes that a compiled round needs on all devices together."""
    found: Any = self.compiled(batch).memory_analysis()
    one = found.temp_size_in_bytes + found.argument_size_in_bytes
    return one * self._mesh.size

  def round(self, batch, dataset=None):
    """Start a round; return its metrics, which may not be computed yet."""
    self.state, metrics = self._update(self.state, batch, dataset)
    return metrics


def make_config(batch_size: int, dtype: str) -> config_lib.Config:
  """Return the settings of the networks for eyes."""
  config = config_lib.Config()
  config.batch_size, config.compute_dtype = batch_size, dtype
  config.history_size = 64 * batch_size
  return config


def make_images(config: config_lib.Config) -> tuple[np.ndarray, np.ndarray]:
  """Return random synthetic and real uint8 images of a round."""
  shape = (config.data.height, config.data.width, config.data.channels)
  rng = np.random.default_rng(0)
  num_steps = config.refiner_steps + config.discriminator_steps
  lead = (num_steps, config.batch_size)
  synthetic = rng.integers(0, 256, (*lead, *shape), dtype=np.uint8)
  return synthetic, rng.integers(0, 256, (*lead[1:], *shape), dtype=np.uint8)
