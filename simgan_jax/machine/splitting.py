"""How a step divides its batch: over devices, and into parts on each device."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree


class Split(NamedTuple):
  """Division of a batch into parts and over a mesh axis."""

  num_parts: int = 1  # of a device's share, computed one after the other
  axis_name: str | None = None  # mesh axis over which the batch is split

  def device(self) -> int | jax.Array:
    """Return the number of this device along the mesh axis."""
    return 0 if self.axis_name is None else jax.lax.axis_index(self.axis_name)


WHOLE = Split()


def split_parts(batch: Any, num_parts: int) -> Any:
  """Return a pytree of [b, ...] as [num_parts, b / num_parts, ...]."""
  return jax.tree.map(lambda x: x.reshape(num_parts, -1, *x.shape[1:]), batch)


def mean_gradients(
    loss_fn: Callable[[Any, Any], tuple[jax.Array, Any]],
    params: Any,
    batch: Any,
    split: Split,
) -> tuple[Any, Any]:
  """Return mean gradients and mean auxiliary values of a loss.

  Gradient accumulation over the parts of a device's share saves memory. One
  all-reduce over the devices then averages gradients and values together.

  Args:
    loss_fn: Function of (params, batch) that returns the loss, a mean over the
      batch, and a pytree of further means.
    params: Pytree of float32 arrays.
    batch: Pytree of arrays [b, ...], this device's share.
    split: Division of the batch.

  Returns:
    The gradients, like `params`, and the pytree of further means.
  """
  grad_fn = jax.grad(loss_fn, has_aux=True)
  if split.num_parts == 1:
    found = grad_fn(params, batch)
  else:
    parts = split_parts(batch, split.num_parts)
    shapes = jax.eval_shape(
        grad_fn, params, jax.tree.map(lambda x: x[0], parts)
    )
    total, _ = jax.lax.scan(
        lambda total, part: (
            jax.tree.map(jnp.add, total, grad_fn(params, part)),
            None,
        ),
        jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes),
        parts,
    )
    found = jax.tree.map(lambda x: x / split.num_parts, total)
  if split.axis_name is None:
    return found
  flat, unravel = ravel_pytree(found)
  return unravel(jax.lax.pmean(flat, split.axis_name))
