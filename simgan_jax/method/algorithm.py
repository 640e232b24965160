"""Algorithm 1 of the paper: one round, compiled as one call for a mesh."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Shaped

from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.machine.splitting import WHOLE, Split
from simgan_jax.method import state as state_lib
from simgan_jax.method import steps
from simgan_jax.method.objective import Objective
from simgan_jax.method.state import SimGANState
from simgan_jax.method.steps import Metrics

# update(state, batch, dataset=None) -> (state, metrics)
Update = Callable[..., tuple[SimGANState, Metrics]]
ON_MESH = Split(axis_name=mesh_lib.AXIS)


class RoundBatch(NamedTuple):
  """Images of one round; with one more leading axis, of several rounds.

  Where the data set is on the devices, [...] int32 image numbers instead.
  """

  synthetic: Shaped[Array, '*rounds k b h w c']  # k = K_g + K_d steps
  real: Shaped[Array, '*rounds d b h w c']  # d = K_d steps


def train_round(
    state: SimGANState,
    batch: RoundBatch,
    *,
    objective: Objective,
    split: Split = WHOLE,
) -> tuple[SimGANState, Metrics]:
  """Run one round of Algorithm 1: K_g refiner, then K_d discriminator steps.

  Args:
    state: State after the previous round.
    batch: Images of the round: K_g + K_d synthetic and K_d real batches.
    objective: Loss and number of steps.
    split: Division of the batches.

  Returns:
    The new state and the metrics of the round, means over its steps.
  """
  k = objective.refiner_steps
  choices = {'objective': objective, 'split': split}
  state, refiner = jax.lax.scan(
      functools.partial(steps.refiner_step, **choices),
      state,
      batch.synthetic[:k],
  )
  state, discriminator = jax.lax.scan(
      functools.partial(steps.discriminator_step, **choices),
      state,
      steps.DiscriminatorBatch(
          state_lib.fold_keys(state, len(batch.real)),
          batch.synthetic[k:],
          batch.real,
      ),
  )
  metrics = jax.tree.map(jnp.mean, refiner | discriminator)
  return state._replace(round=state.round + 1), metrics


def make_update(
    mesh: Mesh, objective: Objective, split: Split = ON_MESH
) -> Update:
  """Return update(state, batch, dataset=None), which runs whole rounds.

  Args:
    mesh: Devices, over which batches and history are split along the batch
      axis.
    objective: Loss and number of steps.
    split: Division of the batches over the axis of the mesh.

  Returns:
    A compiled function. The batch has a leading axis of rounds, which are
    scanned; the metrics have a value for each. The state passed in is donated.
    With `dataset`, a RoundBatch of whole data sets [n, h, w, c] uint8 on every
    device, the batch holds image numbers instead of images.
  """
  round_fn = functools.partial(train_round, objective=objective, split=split)
  return _compile(
      lambda state, batch: jax.lax.scan(round_fn, state, batch),
      mesh,
      batch_axis=2,
  )


def make_pretraining(
    mesh: Mesh, objective: Objective, split: Split = ON_MESH
) -> tuple[Update, Update]:
  """Return the compiled steps that come before the rounds.

  Arguments are those of `make_update`.

  Returns:
    refiner(state, synthetic [b, h, w, c], dataset=None), a step on the
    self-regularisation loss alone, and discriminator(state, batch,
    dataset=None), a step on eq. 2 with a RoundBatch of [b, h, w, c] images.
    Both donate the state and look up image numbers as `make_update` does.
  """
  choices = {'objective': objective, 'split': split}

  def discriminator(state: SimGANState, batch: RoundBatch):
    return steps.discriminator_step(
        state,
        steps.DiscriminatorBatch(state_lib.pretraining_key(state), *batch),
        **choices,
    )

  return (
      _compile(
          functools.partial(steps.pretrain_refiner_step, **choices),
          mesh,
          batch_axis=0,
      ),
      _compile(discriminator, mesh, batch_axis=0),
  )


def _compile(step: Any, mesh: Mesh, *, batch_axis: int) -> Update:
  """Compile step(state, batch) into run(state, batch, dataset=None)."""

  def look_up(state: SimGANState, batch: Any, dataset: Any):
    if dataset is not None:
      batch = jax.tree.map(lambda numbers, x: x[numbers], batch, dataset)
    return step(state, batch)

  return mesh_lib.compile_step(
      look_up,
      mesh,
      state_specs=state_lib.partition_specs(mesh_lib.AXIS),
      batch_axis=batch_axis,
  )
