"""The optimiser steps of Algorithm 1 and the compiled round around them.

The steps are pure functions of (state, batch); `make_update` and
`make_pretraining` are the only places of the training that call `jax.jit`.
"""

from collections.abc import Callable
import functools
from typing import NamedTuple

from flax.training import train_state
import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped
import optax

from simgan_jax import history as history_lib
from simgan_jax import losses
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


def _apply_gradients(
    network: train_state.TrainState, gradients, *, name: str
) -> tuple[train_state.TrainState, Metrics]:
  """Take one optimiser step and measure its gradient, update and parameters."""
  updates, opt_state = network.tx.update(
      gradients, network.opt_state, network.params
  )
  params = optax.apply_updates(network.params, updates)
  metrics = {
      f'{name}/gradient_norm': optax.global_norm(gradients),
      f'{name}/update_norm': optax.global_norm(updates),
      f'{name}/parameter_norm': optax.global_norm(params),
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
) -> tuple[SimGANState, Metrics]:
  """Take one refiner step on L_R, eq. 4 of the paper.

  Args:
    state: the discriminator in it stays as it is.
    synthetic: [b, h, w, c] uint8, or float32 in [-1, 1].
    self_regularization_weight: lambda.
    features_fn: psi.
    adversarial: False leaves out the adversarial term: the pre-training.

  Returns:
    The new state and float32 scalars `refiner/*`.
  """
  synthetic = scale_images(synthetic)
  discriminator = state.discriminator

  def loss_fn(params):
    refined = state.refiner.apply_fn({'params': params}, synthetic)
    if adversarial:
      logits = discriminator.apply_fn(
          {'params': discriminator.params}, refined
      )
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
      loss = losses.RefinerLoss(
          regularization, jnp.zeros(()), regularization
      )
    change = jnp.mean(jnp.abs(refined - synthetic))
    return loss.total, (loss, change)

  gradients, (loss, change) = jax.grad(loss_fn, has_aux=True)(
      state.refiner.params
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
) -> tuple[SimGANState, Metrics]:
  """Take one discriminator step on L_D, eq. 2, with the history of Fig. 4.

  Args:
    state: the refiner in it stays as it is.
    synthetic: [b, h, w, c] uint8, or float32 in [-1, 1]; b even.
    real: [b, h, w, c] like `synthetic`.
    key: a PRNG key for this step's draws from the history.

  Returns:
    The new state and float32 scalars `discriminator/*` and `history/*`.
  """
  real = scale_images(real)
  refined, history = history_lib.mix(
      state.history,
      refine(state.refiner, synthetic),
      key=key,
      generation=state.refiner.step,
  )

  def loss_fn(params):
    # One pass over both halves: the convolutions see one larger batch.
    logits = state.discriminator.apply_fn(
        {'params': params}, jnp.concatenate([refined, real])
    )
    refined_logits, real_logits = jnp.split(logits, 2)
    loss = losses.discriminator_loss(refined_logits, real_logits)
    return loss.total, (loss, refined_logits, real_logits)

  gradients, (loss, refined_logits, real_logits) = jax.grad(
      loss_fn, has_aux=True
  )(state.discriminator.params)
  discriminator, metrics = _apply_gradients(
      state.discriminator, gradients, name='discriminator'
  )
  num_patches = refined_logits.shape[1] * refined_logits.shape[2]
  filled = history.generation >= 0
  oldest = jnp.min(jnp.where(filled, history.generation, state.refiner.step))
  metrics |= {
      'discriminator/loss': loss.total,
      'discriminator/refined': loss.refined,
      'discriminator/real': loss.real,
      'discriminator/loss_per_patch': loss.total / (2 * num_patches),
      'discriminator/refined_accuracy': losses.patch_accuracy(
          refined_logits, refined=True
      ),
      'discriminator/real_accuracy': losses.patch_accuracy(
          real_logits, refined=False
      ),
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
) -> tuple[SimGANState, Metrics]:
  """Run one round of Algorithm 1: K_g refiner, then K_d discriminator steps.

  Args:
    state: the state after the previous round.
    batch: K_g + K_d synthetic and K_d real batches.
    refiner_steps: K_g; the rest of the synthetic batches go to D's steps.
    self_regularization_weight: lambda.
    features_fn: psi.

  Returns:
    The new state and the metrics of the round, means over its steps.
  """
  round_key = jax.random.fold_in(state.key, state.round)
  step_refiner = functools.partial(
      refiner_step,
      self_regularization_weight=self_regularization_weight,
      features_fn=features_fn,
  )

  def step_discriminator(state, inputs):
    index, synthetic, real = inputs
    key = jax.random.fold_in(round_key, index)
    return discriminator_step(state, synthetic, real, key=key)

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


def make_mesh(num_devices: int | None = None) -> Mesh:
  """Return a mesh of the first `num_devices` devices (default all)."""
  devices = jax.devices()[:num_devices]
  return jax.make_mesh(
      (len(devices),),
      ('data',),
      axis_types=(jax.sharding.AxisType.Auto,),
      devices=devices,
  )


def batch_sharding(mesh: Mesh, *, batch_axis: int) -> NamedSharding:
  """Return the sharding of images whose axis `batch_axis` is the batch."""
  return NamedSharding(mesh, PartitionSpec(*[None] * batch_axis, 'data'))


def replicated(mesh: Mesh) -> NamedSharding:
  """Return the sharding that keeps a copy on every device of the mesh."""
  return NamedSharding(mesh, PartitionSpec())


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
  )

  def update(state: SimGANState, batch: RoundBatch):
    return jax.lax.scan(round_fn, state, batch)

  return jax.jit(
      update,
      donate_argnums=0,
      in_shardings=(replicated(mesh), batch_sharding(mesh, batch_axis=2)),
      out_shardings=replicated(mesh),
  )


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
  )

  def discriminator(state: SimGANState, batch: RoundBatch):
    # The rounds fold in their number: the largest one is free for this.
    key = jax.random.fold_in(state.key, 2**32 - 1)
    key = jax.random.fold_in(key, state.discriminator.step)
    return discriminator_step(
        state, batch.synthetic[0], batch.real[0], key=key
    )

  def compile_step(step, batch_axis: int):
    return jax.jit(
        step,
        donate_argnums=0,
        in_shardings=(
            replicated(mesh),
            batch_sharding(mesh, batch_axis=batch_axis),
        ),
        out_shardings=replicated(mesh),
    )

  return compile_step(refiner, 0), compile_step(discriminator, 1)
