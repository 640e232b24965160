"""Batch-wise evaluation of a function on a whole data set."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from simgan_jax.machine import mesh as mesh_lib

BATCH_SIZE = 200  # images per call where nothing is trained


def spread(num_images: int, limit: int) -> np.ndarray:
  """Return up to `limit` evenly spaced image numbers, [m] int, ascending."""
  indices = np.linspace(0, num_images - 1, min(limit, num_images))
  return np.unique(indices.astype(int))


def map_batches(
    function: Callable[[Any], Any],
    images: Any,
    *,
    mesh: Mesh,
    batch_size: int,
) -> Iterator[np.ndarray]:
  """Yield the results of `function` for each batch, in order.

  Args:
    function: Function of images [batch_size, h, w, c] uint8, split over the
      mesh; the first axis of its result is the batch.
    images: Images [n, h, w, c] uint8, or a pytree of arrays [n, ...], of which
      `function` then gets batches; n need not be a multiple of `batch_size`.
    mesh: Devices that share a batch; their number divides it.
    batch_size: Images per call.

  Yields:
    Result of `function` for each batch, without the padding of the last one.
  """
  sharding = mesh_lib.batch_sharding(mesh, batch_axis=0)
  num_images = len(jax.tree.leaves(images)[0])
  for start in range(0, num_images, batch_size):
    kept = min(batch_size, num_images - start)

    def cut(x: np.ndarray, start: int = start, kept: int = kept) -> jax.Array:
      # Padded, so that only one shape is compiled.
      padding = [(0, batch_size - kept), *[(0, 0)] * (x.ndim - 1)]
      padded = np.pad(x[start : start + kept], padding)
      return jax.device_put(padded, sharding)

    yield np.asarray(function(jax.tree.map(cut, images)))[:kept]
