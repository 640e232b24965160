"""What several processes that train one run agree on.

With one process everything here is free. What a run writes, process 0 writes;
checkpoints are written by all.
"""

import math
from collections.abc import Iterable, Mapping

import jax
import numpy as np
from jax.experimental import multihost_utils


def is_first() -> bool:
  """Return whether this process writes and speaks for all."""
  return jax.process_index() == 0


def are_alone() -> bool:
  """Return whether there is one process."""
  return jax.process_count() == 1


def wait_for_all(name: str) -> None:
  """Wait until every process has come here."""
  if not are_alone():
    multihost_utils.sync_global_devices(name)


def any_of(value: int) -> int:
  """Return the largest of the processes' values."""
  if are_alone():
    return value
  return int(np.max(multihost_utils.process_allgather(np.int32(value))))


def from_first(
    values: Mapping[str, float], names: Iterable[str]
) -> dict[str, float]:
  """Return the values of process 0, as far as it has those of `names`."""
  if are_alone():
    return dict(values)
  names = tuple(names)
  sent = np.array([values.get(name, math.nan) for name in names])
  # As bits: JAX would shorten them to 32.
  sent = sent.view(np.uint32)
  received = multihost_utils.broadcast_one_to_all(sent)
  received = np.asarray(received, np.uint32).view(np.float64)
  found = zip(names, received.tolist(), strict=True)
  return {name: value for name, value in found if not math.isnan(value)}
