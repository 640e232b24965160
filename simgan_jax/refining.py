"""Refining a whole data set with a trained refiner."""

import functools
from collections.abc import Callable

import jax
import numpy as np
from flax.training import train_state
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import UInt8

from simgan_jax import batching, devices, samples, steps
from simgan_jax import mesh as mesh_lib


@functools.cache
def _compile(mesh: Mesh, num_parts: int):
  """Return refine(refiner, images [b h w c]), compiled once for a mesh."""
  split = mesh_lib.batch_spec(0)
  return jax.jit(
      jax.shard_map(
          functools.partial(steps.refine, num_parts=num_parts),
          mesh=mesh,
          in_specs=(PartitionSpec(), split),
          out_specs=split,
          check_vma=False,
      )
  )


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
  num_parts = devices.choose_parts(batch_size, num_devices=mesh.size)
  refine = functools.partial(_compile(mesh, num_parts), refiner)
  refined = []
  for batch in batching.map_batches(
      refine, images, mesh=mesh, batch_size=batch_size
  ):
    refined.append(samples.to_uint8(batch))
    on_progress(len(batch))
  return np.concatenate([images[:0], *refined])
