"""The optimiser steps of Algorithm 1, pure functions of (state, batch)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax.training import train_state
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from simgan_jax.machine import pixels
from simgan_jax.method import history as history_lib
from simgan_jax.method import losses
from simgan_jax.method.state import SimGANState

Metrics = dict[str, jax.Array]
_NOISE_SCALE = 0.05  # of the gradient penalty, for images in [-1, 1]


def _parts(images: Any, num_parts: int):
  """Return a pytree of [b, ...] as [num_parts, b / num_parts, ...]."""
  return jax.tree.map(lambda x: x.reshape(num_parts, -1, *x.shape[1:]), images)


def refine(
    refiner: train_state.TrainState,
    images: Shaped[Array, 'b h w c'],
    *,
    num_parts: int = 1,
) -> Float[Array, 'b h w c']:
  """Return R(x), float32 in [-1, 1], for uint8 or float images x.

  Args:
    refiner: the refiner.
    images: [b, h, w, c] uint8, or float32 in [-1, 1].
    num_parts: of the batch, computed one after the other.
  """
  refined = jax.lax.map(
      lambda part: refiner.apply_fn(
          {'params': refiner.params}, pixels.scale_images(part)
      ),
      _parts(images, num_parts),
  )
  return refined.reshape(images.shape)


def mean_gradients(
    loss_fn, params, batch, *, num_parts: int, axis_name: str | None
):
  """Return gradients and auxiliary values of loss_fn(params, batch).

  They are means over the parts of the batch, which are computed one after the
  other, and over the devices: one all-reduce, of all of it.
  """
  grad_fn = jax.grad(loss_fn, has_aux=True)
  if num_parts == 1:
    found = grad_fn(params, batch)
  else:
    parts = _parts(batch, num_parts)
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
    found = jax.tree.map(lambda x: x / num_parts, total)
  if axis_name is None:
    return found
  flat, unravel = ravel_pytree(found)
  return unravel(jax.lax.pmean(flat, axis_name))


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


def _add_noise(
    key: PRNGKeyArray, images: Float[Array, 'b h w c'], *, first: Any
) -> Float[Array, 'b h w c']:
  """Return images with noise that depends on their numbers in the batch."""
  numbers = first + jnp.arange(len(images))
  keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)
  noise = jax.vmap(lambda key: jax.random.normal(key, images.shape[1:]))(keys)
  return images + _NOISE_SCALE * noise


def refiner_step(
    state: SimGANState,
    synthetic: Shaped[Array, 'b h w c'],
    *,
    self_regularization_weight: float,
    features_fn: Callable[[jax.Array], jax.Array] = losses.channel_mean,
    adversarial: bool = True,
    num_parts: int = 1,
    axis_name: str | None = None,
) -> tuple[SimGANState, Metrics]:
  """Take one refiner step on L_R, eq. 4 of the paper.

  Args:
    state: the discriminator in it stays as it is.
    synthetic: [b, h, w, c] uint8, or float32 in [-1, 1].
    self_regularization_weight: lambda.
    features_fn: psi.
    adversarial: False leaves out the adversarial term: the pre-training.
    num_parts: of the batch, computed one after the other to save memory.
    axis_name: mesh axis over which the batch is split, if it is.

  Returns:
    The new state and float32 scalars `refiner/*`.
  """
  synthetic = pixels.scale_images(synthetic)
  discriminator = state.discriminator

  def loss_fn(params, synthetic):
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

  gradients, (loss, change) = mean_gradients(
      *(loss_fn, state.refiner.params, synthetic),
      num_parts=num_parts,
      axis_name=axis_name,
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
    gradient_penalty: float = 0.0,
    num_parts: int = 1,
    axis_name: str | None = None,
) -> tuple[SimGANState, Metrics]:
  """Take one discriminator step on L_D, eq. 2, with the history of Fig. 4.

  Args:
    state: the refiner in it stays as it is.
    synthetic: [b, h, w, c] uint8, or float32 in [-1, 1]; b even. Every second
      image is refined, the history gives the others; with a history of no
      slots, all are refined.
    real: [b, h, w, c] like `synthetic`.
    key: a PRNG key for this step's draws from the history, and noise.
    gradient_penalty: weight of `losses.gradient_penalty`, 0 as in the paper.
    num_parts: of the batch, computed one after the other to save memory.
    axis_name: mesh axis over which the batch is split, if it is.

  Returns:
    The new state and float32 scalars `discriminator/*` and `history/*`.
  """
  history = state.history
  has_history = history.images.shape[1] > 0
  refined = refine(
      state.refiner,
      synthetic[::2] if has_history else synthetic,
      num_parts=num_parts,
  )
  device = 0 if axis_name is None else jax.lax.axis_index(axis_name)
  if has_history:
    refined, history = history_lib.mix(
        *(history, refined),
        key=key,
        generation=jnp.asarray(state.refiner.step),
        first_pair=device * len(refined),
    )

  images = [refined, pixels.scale_images(real)]
  if gradient_penalty:
    noise_key = jax.random.fold_in(key, 2)  # the history uses 0 and 1
    images.append(_add_noise(noise_key, images[1], first=device * len(real)))

  def loss_fn(params, images):
    # One pass over all parts: the convolutions see one larger batch.
    logits = state.discriminator.apply_fn(
        {'params': params}, jnp.concatenate(images)
    )
    refined_logits, real_logits, *noised = jnp.split(logits, len(images))
    loss = losses.discriminator_loss(refined_logits, real_logits)
    penalty = jnp.zeros(())
    if noised:
      penalty = losses.gradient_penalty(
          real_logits, *noised, noise_scale=_NOISE_SCALE
      )
    accuracies = (
        losses.patch_accuracy(refined_logits, refined=True),
        losses.patch_accuracy(real_logits, refined=False),
    )
    num_patches = refined_logits.shape[1] * refined_logits.shape[2]
    per_patch = loss.total / (2 * num_patches)
    total = loss.total + gradient_penalty * penalty
    return total, (loss, penalty, per_patch, accuracies)

  gradients, (loss, penalty, per_patch, accuracies) = mean_gradients(
      *(loss_fn, state.discriminator.params, images),
      num_parts=num_parts,
      axis_name=axis_name,
  )
  discriminator, metrics = _apply_gradients(
      state.discriminator, gradients, name='discriminator'
  )
  filled = history.generation >= 0
  step = jnp.asarray(state.refiner.step)
  oldest = jnp.min(jnp.where(filled, history.generation, step), initial=step)
  newest = jnp.max(history.generation, initial=oldest)
  num_images = history.count * history.generation.shape[0]
  metrics |= {
      'discriminator/loss': loss.total,
      'discriminator/refined': loss.refined,
      'discriminator/real': loss.real,
      'discriminator/loss_per_patch': per_patch,  # undecided: ln 2 = 0.693
      'discriminator/refined_accuracy': accuracies[0],
      'discriminator/real_accuracy': accuracies[1],
      'history/images': num_images.astype(jnp.float32),
      # Refiner steps between the newest and the oldest image.
      'history/age_span': (newest - oldest).astype(jnp.float32),
  }
  if gradient_penalty:  # before its weight
    metrics['discriminator/gradient_penalty'] = penalty
  return state._replace(discriminator=discriminator, history=history), metrics
