"""A round of Algorithm 1, compiled as one call for a mesh."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Shaped

from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.method import losses, steps
from simgan_jax.method import state as state_lib
from simgan_jax.method.state import SimGANState
from simgan_jax.method.steps import Metrics


class RoundBatch(NamedTuple):
  """The images of one round; with one more leading axis, of several rounds.

  Where the data set is on the devices, image numbers [...] int32 in it.
  """

  synthetic: Shaped[Array, '*rounds k b h w c']  # k = K_g + K_d steps
  real: Shaped[Array, '*rounds d b h w c']  # d = K_d steps


def train_round(
    state: SimGANState,
    batch: RoundBatch,
    *,
    refiner_steps: int,
    self_regularization_weight: float,
    features_fn: Callable[[jax.Array], jax.Array] = losses.channel_mean,
    gradient_penalty: float = 0.0,
    num_parts: int = 1,
    axis_name: str | None = None,
) -> tuple[SimGANState, Metrics]:
  """Run one round of Algorithm 1: K_g refiner, then K_d discriminator steps.

  Args:
    state: the state after the previous round.
    batch: K_g + K_d synthetic and K_d real batches.
    refiner_steps: K_g; the rest of the synthetic batches go to D's steps.
    self_regularization_weight: lambda.
    features_fn: psi.
    gradient_penalty: its weight in the discriminator's loss.
    num_parts: of a batch, computed one after the other to save memory.
    axis_name: mesh axis over which the batch is split, if it is.

  Returns:
    The new state and the metrics of the round, means over its steps.
  """
  round_key = jax.random.fold_in(state.key, state.round)
  step_refiner = functools.partial(
      steps.refiner_step,
      self_regularization_weight=self_regularization_weight,
      features_fn=features_fn,
      num_parts=num_parts,
      axis_name=axis_name,
  )

  def step_discriminator(state, inputs):
    index, synthetic, real = inputs
    return steps.discriminator_step(
        *(state, synthetic, real),
        key=jax.random.fold_in(round_key, index),
        gradient_penalty=gradient_penalty,
        num_parts=num_parts,
        axis_name=axis_name,
    )

  state, refiner_metrics = jax.lax.scan(
      step_refiner, state, batch.synthetic[:refiner_steps]
  )
  state, discriminator_metrics = jax.lax.scan(
      step_discriminator,
      state,
      (
          jnp.arange(batch.real.shape[0]),
          *(batch.synthetic[refiner_steps:], batch.real),
      ),
  )
  metrics = jax.tree.map(jnp.mean, refiner_metrics | discriminator_metrics)
  return state._replace(round=state.round + 1), metrics


def _compile(step, mesh: Mesh, *, batch_axis: int):
  """Compile step(state, batch) into run(state, batch, dataset=None).

  `dataset` holds whole data sets on every device, [n, h, w, c] uint8; the batch
  then holds the numbers of its images, which are looked up inside the call.
  """

  def looked_up(state: SimGANState, batch: Any, dataset: Any):
    if dataset is not None:
      batch = jax.tree.map(lambda numbers, x: x[numbers], batch, dataset)
    return step(state, batch)

  return mesh_lib.compile_step(
      looked_up,
      mesh,
      state_specs=state_lib.partition_specs(mesh_lib.AXIS),
      batch_axis=batch_axis,
  )


def make_update(
    mesh: Mesh,
    *,
    refiner_steps: int,
    self_regularization_weight: float,
    features_fn: Callable[[jax.Array], jax.Array] = losses.channel_mean,
    gradient_penalty: float = 0.0,
    num_parts: int = 1,
) -> Callable[..., tuple[SimGANState, Metrics]]:
  """Return update(state, batch, dataset=None): whole rounds in one call.

  The batch has a leading axis of rounds, which are scanned; its images are
  split over the mesh along the batch axis, as is the history. The state passed
  in is donated. Metrics have a value a round. With `dataset`, a RoundBatch of
  whole data sets [n, h, w, c] uint8, the batch holds image numbers instead.
  """
  round_fn = functools.partial(
      train_round,
      refiner_steps=refiner_steps,
      self_regularization_weight=self_regularization_weight,
      features_fn=features_fn,
      gradient_penalty=gradient_penalty,
      num_parts=num_parts,
      axis_name=mesh_lib.AXIS,
  )

  def update(state: SimGANState, batch: RoundBatch):
    return jax.lax.scan(round_fn, state, batch)

  return _compile(update, mesh, batch_axis=2)


def make_pretraining(
    mesh: Mesh,
    *,
    features_fn: Callable[[jax.Array], jax.Array] = losses.channel_mean,
    gradient_penalty: float = 0.0,
    num_parts: int = 1,
) -> tuple[
    Callable[..., tuple[SimGANState, Metrics]],
    Callable[..., tuple[SimGANState, Metrics]],
]:
  """Return the compiled steps that come before the rounds.

  Returns:
    refiner(state, synthetic [b, h, w, c], dataset=None), a step on the
    self-regularisation loss alone, and discriminator(state, batch,
    dataset=None), a step on eq. 2 with [1, b, h, w, c] images; both donate the
    state and look up image numbers in `dataset` as `make_update` does.
  """
  options = {'num_parts': num_parts, 'axis_name': mesh_lib.AXIS}
  refiner = functools.partial(
      steps.refiner_step,
      self_regularization_weight=1.0,
      features_fn=features_fn,
      adversarial=False,
      **options,
  )

  def discriminator(state: SimGANState, batch: RoundBatch):
    # The rounds fold in their number: the largest one is free for this.
    key = jax.random.fold_in(state.key, 2**32 - 1)
    key = jax.random.fold_in(key, state.discriminator.step)
    return steps.discriminator_step(
        *(state, batch.synthetic[0], batch.real[0]),
        key=key,
        gradient_penalty=gradient_penalty,
        **options,
    )

  return (
      _compile(refiner, mesh, batch_axis=0),
      _compile(discriminator, mesh, batch_axis=1),
  )
