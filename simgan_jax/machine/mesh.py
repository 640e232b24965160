"""The device mesh, shardings over it, and functions compiled for it."""

import contextlib
import functools
from collections.abc import Sequence
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = 'data'  # the only axis of the mesh; batches are split over it


def _mesh_of(devices: Sequence[jax.Device]) -> Mesh:
  return jax.make_mesh(
      (len(devices),),
      (AXIS,),
      axis_types=(jax.sharding.AxisType.Auto,),
      devices=devices,
  )


def intentional_copy() -> contextlib.AbstractContextManager[None]:
  """Allow copies between host and devices inside a loop that forbids them."""
  return jax.transfer_guard('allow')


def make_mesh(num_devices: int | None = None) -> Mesh:
  """Return a mesh of the first `num_devices` devices, by default of all."""
  return _mesh_of(jax.devices()[:num_devices])


def local_mesh(mesh: Mesh) -> Mesh:
  """Return a mesh of those devices that belong to this process."""
  return mesh if jax.process_count() == 1 else _mesh_of(mesh.local_devices)


def copy_to(tree: Any, mesh: Mesh) -> Any:
  """Return a copy of replicated arrays, replicated over `mesh`."""
  return jax.device_put(jax.device_get(tree), replicated(mesh))


def batch_spec(batch_axis: int) -> PartitionSpec:
  """Return the partition of arrays whose axis `batch_axis` is the batch."""
  return PartitionSpec(*[None] * batch_axis, AXIS)


def batch_sharding(mesh: Mesh, *, batch_axis: int) -> NamedSharding:
  """Return the sharding of arrays whose axis `batch_axis` is the batch."""
  return NamedSharding(mesh, batch_spec(batch_axis))


def replicated(mesh: Mesh) -> NamedSharding:
  """Return the sharding that keeps a copy on every device of the mesh."""
  return NamedSharding(mesh, PartitionSpec())


def compile_step(step, mesh: Mesh, *, state_specs: Any, batch_axis: int):
  """Compile step(state, batch, shared=None) for a mesh.

  Each device runs `step` on its part of the batch and of the state, and on a
  copy of `shared`. Devices communicate only by the collectives over `AXIS` in
  `step`. The state is donated.

  Args:
    step: Function that returns the new state and metrics; metrics are equal on
      all devices.
    mesh: Devices to run on.
    state_specs: Partition of the state, a prefix of its pytree.
    batch_axis: Axis of the arrays of a batch that is split over the devices.

  Returns:
    Compiled function with the arguments and results of `step`.
  """
  sharded = jax.shard_map(
      step,
      mesh=mesh,
      in_specs=(state_specs, batch_spec(batch_axis), PartitionSpec()),
      out_specs=(state_specs, PartitionSpec()),
      check_vma=False,
  )

  @functools.partial(jax.jit, donate_argnums=0)
  def compiled(state, batch, shared=None):
    return sharded(state, batch, shared)

  if mesh.devices.flat[0].platform != 'cpu':
    return compiled

  def run(state, batch, shared=None):
    # On a CPU, collectives of queued calls can block each other for ever, and
    # queueing saves no time because all work shares the same cores.
    return jax.block_until_ready(compiled(state, batch, shared))

  return run
