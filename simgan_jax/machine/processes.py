"""Communication between the processes that train one run.

With a single process, all of it costs nothing. Process 0 writes all files of a
run except checkpoints, which all processes write.
"""

import math
from collections.abc import Iterable, Mapping

import jax
import numpy as np
from jax.experimental import multihost_utils


def is_first() -> bool:
  """Return whether this is the process that writes files and messages."""
  return jax.process_index() == 0


def are_alone() -> bool:
  """Return whether there is only one process."""
  return jax.process_count() == 1


def wait_for_all(name: str) -> None:
  """Wait until every process has called this function with this name."""
  if not are_alone():
    multihost_utils.sync_global_devices(name)


def max_of(value: int) -> int:
  """Return the maximum of the values of all processes."""
  if are_alone():
    return value
  return int(np.max(multihost_utils.process_allgather(np.int32(value))))


def from_first(
    values: Mapping[str, float], names: Iterable[str]
) -> dict[str, float]:
  """Return the values that process 0 has for `names`, in every process."""
  if are_alone():
    return dict(values)
  names = tuple(names)
  sent = np.array([values.get(name, math.nan) for name in names])
  # Sent as uint32, because JAX would round float64 to float32.
  sent = sent.view(np.uint32)
  received = multihost_utils.broadcast_one_to_all(sent)
  received = np.asarray(received, np.uint32).view(np.float64)
  found = zip(names, received.tolist(), strict=True)
  return {name: value for name, value in found if not math.isnan(value)}
