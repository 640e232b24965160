"""The optimiser steps of Algorithm 1 and the compiled round around them.

The steps are pure functions of (state, batch); `make_update` and
`make_pretraining` compile them for a mesh.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax.training import train_state
from jax.sharding import Mesh
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from simgan_jax import history as history_lib
from simgan_jax import losses
from simgan_jax import mesh as mesh_lib
from simgan_jax.state import SimGANState

Metrics = dict[str, jax.Array]


class RoundBatch(NamedTuple):
  """The images of one round; with one more leading axis, of several rounds."""

  synthetic: Shaped[Array, '*rounds k b h w c']  # k = K_g + K_d steps
  real: Shaped[Array, '*rounds d b h w c']  # d = K_d steps


def scale_images(
    images: Shaped[Array, '*n h w c'],
) -> Float[Array, '*n h w c']:
  """Return uint8 images as float32 in [-1, 1]; float images stay as they are.

  Scaling on the device keeps the copy from the host at a byte a pixel.
  """
  if images.dtype == jnp.uint8:
    return images.astype(jnp.float32) / 127.5 - 1.0
  return images


def refine(
    refiner: train_state.TrainState, images: Shaped[Array, 'b h w c']
) -> Float[Array, 'b h w c']:
  """Return R(x), float32 in [-1, 1], for uint8 or float images x."""
  return refiner.apply_fn({'params': refiner.params}, scale_images(images))


def _mean(tree, axis_name: str | None):
  """Return the mean over the devices of a mesh axis, if there is one."""
  return tree if axis_name is None else jax.lax.pmean(tree, axis_name)


def _mix_history(
    state: SimGANState, refined, *, key: PRNGKeyArray, axis_name: str | None
):
  """Return this device's share of the mixed batch, and the history.

  The history is the same on every device, so every device mixes the whole
  batch: results do not depend on how many there are.
  """
  generation = jnp.asarray(state.refiner.step)
  if axis_name is None:
    return history_lib.mix(
        state.history, refined, key=key, generation=generation
    )
  share = refined.shape[0]
  batch, history = history_lib.mix(
      state.history,
      jax.lax.all_gather(refined, axis_name, tiled=True),
      key=key,
      generation=generation,
  )
  start = jax.lax.axis_index(axis_name) * share
  return jax.lax.dynamic_slice_in_dim(batch, start, share), history


def _apply_gradients(
    network: train_state.TrainState, gradients, *, name: str
) -> tuple[train_state.TrainState, Metrics]:
  """Take one optimiser step and measure its gradient, update and parameters."""
  updates, opt_state = network.tx.update(
      gradients, network.opt_state, network.params
  )
  params = optax.apply_updates(network.params, updates)
  metrics = {
      f'{name}/gradient_norm': optax.tree.norm(gradients),
      f'{name}/update_norm': optax.tree.norm(updates),
      f'{name}/parameter_norm': optax.tree.norm(params),
  }
  network = network.replace(
      step=network.step + 1, params=params, opt_state=opt_state
  )
  return network, metrics


def refiner_step(
    state: SimGANState,
    synthetic: Shaped[Array, 'b h w c'],
    *,
    self_regularization_weight: float,
    features_fn: Callable[[jax.Array], jax.Array] = losses.channel_mean,
    adversarial: bool = True,
    axis_name: str | None = None,
) -> tuple[SimGANState, Metrics]:
  """Take one refiner step on L_R, eq. 4 of the paper.

  Args:
    state: the discriminator in it stays as it is.
    synthetic: [b, h, w, c] uint8, or float32 in [-1, 1].
    self_regularization_weight: lambda.
    features_fn: psi.
    adversarial: False leaves out the adversarial term: the pre-training.
    axis_name: mesh axis over which the batch is split, if it is.

  Returns:
    The new state and float32 scalars `refiner/*`.
  """
  synthetic = scale_images(synthetic)
  discriminator = state.discriminator

  def loss_fn(params):
    refined = state.refiner.apply_fn({'params': params}, synthetic)
    if adversarial:
      logits = discriminator.apply_fn({'params': discriminator.params}, refined)
      loss = losses.refiner_loss(
          *(logits, refined, synthetic),
          self_regularization_weight=self_regularization_weight,
          features_fn=features_fn,
      )
    else:
      # Unweighted, so that pre-training does not depend on lambda.
      regularization = losses.self_regularization_loss(
          refined, synthetic, features_fn=features_fn
      )
      loss = losses.RefinerLoss(regularization, jnp.zeros(()), regularization)
    change = jnp.mean(jnp.abs(refined - synthetic))
    return loss.total, (loss, change)

  gradients, (loss, change) = _mean(
      jax.grad(loss_fn, has_aux=True)(state.refiner.params), axis_name
  )
  refiner, metrics = _apply_gradients(state.refiner, gradients, name='refiner')
  metrics |= {
      'refiner/loss': loss.total,
      'refiner/adversarial': loss.adversarial,
      'refiner/self_regularization': loss.self_regularization,
      'refiner/change': change,
  }
  return state._replace(refiner=refiner), metrics


def discriminator_step(
    state: SimGANState,
    synthetic: Shaped[Array, 'b h w c'],
    real: Shaped[Array, 'b h w c'],
    *,
    key: PRNGKeyArray,
    axis_name: str | None = None,
) -> tuple[SimGANState, Metrics]:
  """Take one discriminator step on L_D, eq. 2, with the history of Fig. 4.

  Args:
    state: the refiner in it stays as it is.
    synthetic: [b, h, w, c] uint8, or float32 in [-1, 1]; b even.
    real: [b, h, w, c] like `synthetic`.
    key: a PRNG key for this step's draws from the history.
    axis_name: mesh axis over which the batch is split, if it is.

  Returns:
    The new state and float32 scalars `discriminator/*` and `history/*`.
  """
  real = scale_images(real)
  refined, history = _mix_history(
      state, refine(state.refiner, synthetic), key=key, axis_name=axis_name
  )

  def loss_fn(params):
    # One pass over both halves: the convolutions see one larger batch.
    refined_logits, real_logits = jnp.split(
        state.discriminator.apply_fn(
            {'params': params}, jnp.concatenate([refined, real])
        ),
        2,
    )
    loss = losses.discriminator_loss(refined_logits, real_logits)
    accuracies = (
        losses.patch_accuracy(refined_logits, refined=True),
        losses.patch_accuracy(real_logits, refined=False),
    )
    num_patches = refined_logits.shape[1] * refined_logits.shape[2]
    per_patch = loss.total / (2 * num_patches)
    return loss.total, (loss, per_patch, accuracies)

  gradients, (loss, per_patch, accuracies) = _mean(
      jax.grad(loss_fn, has_aux=True)(state.discriminator.params), axis_name
  )
  discriminator, metrics = _apply_gradients(
      state.discriminator, gradients, name='discriminator'
  )
  filled = history.generation >= 0
  oldest = jnp.min(jnp.where(filled, history.generation, state.refiner.step))
  metrics |= {
      'discriminator/loss': loss.total,
      'discriminator/refined': loss.refined,
      'discriminator/real': loss.real,
      'discriminator/loss_per_patch': per_patch,  # undecided: ln 2 = 0.693
      'discriminator/refined_accuracy': accuracies[0],
      'discriminator/real_accuracy': accuracies[1],
      'history/images': history.count.astype(jnp.float32),
      # Refiner steps between the newest and the oldest image.
      'history/age_span': (jnp.max(history.generation) - oldest).astype(
          jnp.float32
      ),
  }
  return state._replace(discriminator=discriminator, history=history), metrics


def train_round(
    state: SimGANState,
    batch: RoundBatch,
    *,
    refiner_steps: int,
    self_regularization_weight: float,
    features_fn: Callable[[jax.Array], jax.Array] = losses.channel_mean,
    axis_name: str | None = None,
) -> tuple[SimGANState, Metrics]:
  """Run one round of Algorithm 1: K_g refiner, then K_d discriminator steps.

  Args:
    state: the state after the previous round.
    batch: K_g + K_d synthetic and K_d real batches.
    refiner_steps: K_g; the rest of the synthetic batches go to D's steps.
    self_regularization_weight: lambda.
    features_fn: psi.
    axis_name: mesh axis over which the batch is split, if it is.

  Returns:
    The new state and the metrics of the round, means over its steps.
  """
  round_key = jax.random.fold_in(state.key, state.round)
  step_refiner = functools.partial(
      refiner_step,
      self_regularization_weight=self_regularization_weight,
      features_fn=features_fn,
      axis_name=axis_name,
  )

  def step_discriminator(state, inputs):
    index, synthetic, real = inputs
    key = jax.random.fold_in(round_key, index)
    return discriminator_step(
        state, synthetic, real, key=key, axis_name=axis_name
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


def make_update(
    mesh: Mesh,
    *,
    refiner_steps: int,
    self_regularization_weight: float,
    features_fn: Callable[[jax.Array], jax.Array] = losses.channel_mean,
) -> Callable[[SimGANState, RoundBatch], tuple[SimGANState, Metrics]]:
  """Return update(state, batch): whole rounds in one compiled call.

  The batch has a leading axis of rounds, which are scanned; its images are
  split over the mesh along the batch axis, while state and history are
  replicated. The state passed in is donated. Metrics have a value a round.
  """
  round_fn = functools.partial(
      train_round,
      refiner_steps=refiner_steps,
      self_regularization_weight=self_regularization_weight,
      features_fn=features_fn,
      axis_name=mesh_lib.AXIS,
  )

  def update(state: SimGANState, batch: RoundBatch):
    return jax.lax.scan(round_fn, state, batch)

  return mesh_lib.compile_step(update, mesh, batch_axis=2)


def make_pretraining(
    mesh: Mesh,
    *,
    features_fn: Callable[[jax.Array], jax.Array] = losses.channel_mean,
) -> tuple[
    Callable[[SimGANState, jax.Array], tuple[SimGANState, Metrics]],
    Callable[[SimGANState, RoundBatch], tuple[SimGANState, Metrics]],
]:
  """Return the compiled steps that come before the rounds.

  Returns:
    refiner(state, synthetic [b, h, w, c]), a step on the self-regularisation
    loss alone, and discriminator(state, batch), a step on eq. 2 with
    [1, b, h, w, c] images; both donate the state.
  """
  refiner = functools.partial(
      refiner_step,
      self_regularization_weight=1.0,
      features_fn=features_fn,
      adversarial=False,
      axis_name=mesh_lib.AXIS,
  )

  def discriminator(state: SimGANState, batch: RoundBatch):
    # The rounds fold in their number: the largest one is free for this.
    key = jax.random.fold_in(state.key, 2**32 - 1)
    key = jax.random.fold_in(key, state.discriminator.step)
    return discriminator_step(
        state,
        batch.synthetic[0],
        batch.real[0],
        key=key,
        axis_name=mesh_lib.AXIS,
    )

  return (
      mesh_lib.compile_step(refiner, mesh, batch_axis=0),
      mesh_lib.compile_step(discriminator, mesh, batch_axis=1),
  )
