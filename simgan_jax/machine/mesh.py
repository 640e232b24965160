"""The device mesh: what is split over it, and what runs on it."""

import contextlib
import functools
from collections.abc import Sequence
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = 'data'  # the only mesh axis: parts of the batch


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
  """Return a mesh of the first `num_devices` devices (default all)."""
  return _mesh_of(jax.devices()[:num_devices])


def local_mesh(mesh: Mesh) -> Mesh:
  """Return the mesh itself or, of several processes, this one's devices."""
  return mesh if jax.process_count() == 1 else _mesh_of(mesh.local_devices)


def copy_to(tree: Any, mesh: Mesh) -> Any:
  """Return arrays that are the same on all devices, on those of `mesh`."""
  return jax.device_put(jax.device_get(tree), replicated(mesh))


def batch_spec(batch_axis: int) -> PartitionSpec:
  """Return the partition of images whose axis `batch_axis` is the batch."""
  return PartitionSpec(*[None] * batch_axis, AXIS)


def batch_sharding(mesh: Mesh, *, batch_axis: int) -> NamedSharding:
  """Return the sharding of images whose axis `batch_axis` is the batch."""
  return NamedSharding(mesh, batch_spec(batch_axis))


def replicated(mesh: Mesh) -> NamedSharding:
  """Return the sharding that keeps a copy on every device of the mesh."""
  return NamedSharding(mesh, PartitionSpec())


def compile_step(step, mesh: Mesh, *, state_specs: Any, batch_axis: int):
  """Compile step(state, batch, shared=None) for a mesh.

  Each device runs `step` on its part of the batch and of the state, and on a
  copy of what is shared; the only communication is what the step itself asks
  for over `AXIS`. The state passed in is donated.

  Args:
    step: returns the new state and metrics, the same on every device.
    mesh: the devices.
    state_specs: how the state is split, a prefix of its pytree.
    batch_axis: axis of the batch's arrays that is split.
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
    # Collectives of several queued calls can wait for each other for ever on
    # a CPU, and with the work on the same cores there is nothing to overlap.
    return jax.block_until_ready(compiled(state, batch, shared))

  return run
