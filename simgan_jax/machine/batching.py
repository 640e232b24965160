"""Running a function over a whole data set, batch by batch."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import UInt8

from simgan_jax.machine import mesh as mesh_lib

BATCH_SIZE = 200  # images a call of what learns nothing


def spread(num_images: int, limit: int) -> np.ndarray:
  """Return up to `limit` image numbers, evenly spread: [m] int, ascending."""
  indices = np.linspace(0, num_images - 1, min(limit, num_images))
  return np.unique(indices.astype(int))


def map_batches(
    function: Callable[[jax.Array], Any],
    images: UInt8[np.ndarray, 'n h w c'],
    *,
    mesh: Mesh,
    batch_size: int,
) -> Iterator[np.ndarray]:
  """Yield `function` of each batch, in order, the last partial one included.

  Args:
    function: of [batch_size, h, w, c] uint8 images, split over the mesh; its
      result has the batch as first axis.
    images: [n, h, w, c] uint8.
    mesh: devices that share a batch; their number divides it.
    batch_size: images a call.
  """
  sharding = mesh_lib.batch_sharding(mesh, batch_axis=0)
  for start in range(0, len(images), batch_size):
    batch = images[start : start + batch_size]
    # Filled up, so that one shape is compiled.
    missing = batch_size - len(batch)
    padded = np.pad(batch, ((0, missing), (0, 0), (0, 0), (0, 0)))
    yield np.asarray(function(jax.device_put(padded, sharding)))[: len(batch)]
