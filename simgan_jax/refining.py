"""Refining a whole data set with a trained refiner."""

from collections.abc import Callable

import jax
import numpy as np
from flax.training import train_state
from jax.sharding import Mesh
from jaxtyping import UInt8

from simgan_jax import mesh as mesh_lib
from simgan_jax import samples, steps


def refine_images(
    refiner: train_state.TrainState,
    images: UInt8[np.ndarray, 'n h w c'],
    *,
    mesh: Mesh,
    batch_size: int,
    on_progress: Callable[[int], object] = lambda num_images: None,
) -> UInt8[np.ndarray, 'n h w c']:
  """Return R(x) for every image, in order, the last partial batch included.

  Args:
    refiner: a trained refiner, replicated over the mesh.
    images: [n, h, w, c] uint8.
    mesh: devices that share a batch; their number divides it.
    batch_size: images a call.
    on_progress: called with the number of images refined since the last call.

  Returns:
    [n, h, w, c] uint8, rounded from [-1, 1] to 0..255, never stretched.
  """
  refine = jax.jit(steps.refine)
  sharding = mesh_lib.batch_sharding(mesh, batch_axis=0)
  refined = np.empty_like(images)
  for start in range(0, len(images), batch_size):
    batch = images[start : start + batch_size]
    # Filled up, so that one shape is compiled.
    missing = batch_size - len(batch)
    padded = np.pad(batch, ((0, missing), (0, 0), (0, 0), (0, 0)))
    result = np.asarray(refine(refiner, jax.device_put(padded, sharding)))
    refined[start : start + len(batch)] = samples.to_uint8(result[: len(batch)])
    on_progress(len(batch))
  return refined
