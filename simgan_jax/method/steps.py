"""The optimiser steps of Algorithm 1, pure functions of (state, batch)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax.training import train_state
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from simgan_jax.machine import pixels, splitting
from simgan_jax.machine.splitting import WHOLE, Split
from simgan_jax.method import history as history_lib
from simgan_jax.method import losses, noise
from simgan_jax.method import state as state_lib
from simgan_jax.method.objective import Objective
from simgan_jax.method.state import SimGANState

Metrics = dict[str, jax.Array]
_NOISE_SCALE = 0.05  # of the gradient penalty, for images in [-1, 1]


class DiscriminatorBatch(NamedTuple):
  """What a discriminator step gets."""

  key: PRNGKeyArray  # for draws from the history, and noise
  synthetic: Shaped[Array, 'b h w c']  # uint8, or float32 in [-1, 1]; b even
  real: Shaped[Array, 'b h w c']  # like synthetic


def refine(
    refiner: train_state.TrainState,
    images: Shaped[Array, 'b h w c'],
    keys: PRNGKeyArray | None = None,
    *,
    num_parts: int = 1,
) -> Float[Array, 'b h w c']:
  """Return the refined images R(x), float32 in [-1, 1].

  Args:
    refiner: Refiner network and its parameters.
    images: Synthetic images x, [b, h, w, c] uint8, or float32 in [-1, 1].
    keys: Key of each image's noise, [b]; None for noise of zeros.
    num_parts: Number of parts, computed one after the other.
  """
  refined = jax.lax.map(
      lambda part: refiner.apply_fn(
          {'params': refiner.params}, pixels.scale_images(part[0]), part[1]
      ),
      splitting.split_parts((images, keys), num_parts),
  )
  return refined.reshape(images.shape)


def refiner_step(
    state: SimGANState,
    synthetic: Shaped[Array, 'b h w c'],
    *,
    objective: Objective,
    split: Split = WHOLE,
) -> tuple[SimGANState, Metrics]:
  """Take one refiner step on L_R, eq. 4 of the paper.

  Args:
    state: Current state; the discriminator in it stays as it is.
    synthetic: Synthetic images, [b, h, w, c] uint8, or float32 in [-1, 1].
    objective: Lambda and psi.
    split: Division of the batch.

  Returns:
    The new state and float32 scalars `refiner/*`.
  """
  discriminator = state.discriminator

  def loss_fn(refined, synthetic):
    return losses.refiner_loss(
        discriminator.apply_fn({'params': discriminator.params}, refined),
        refined,
        synthetic,
        self_regularization_weight=objective.self_regularization_weight,
        features_fn=objective.features_fn,
        limit=objective.self_regularization_limit,
        mode_seeking_weight=objective.mode_seeking_weight,
    )

  return _update_refiner(state, synthetic, loss_fn, objective, split)


def pretrain_refiner_step(
    state: SimGANState,
    synthetic: Shaped[Array, 'b h w c'],
    *,
    objective: Objective,
    split: Split = WHOLE,
) -> tuple[SimGANState, Metrics]:
  """Take one refiner step on the self-regularisation loss alone.

  The loss has no weight, so that pre-training does not depend on lambda.
  Arguments and results are those of `refiner_step`.
  """

  def loss_fn(refined, synthetic):
    loss = losses.self_regularization_loss(
        refined, synthetic, features_fn=objective.features_fn
    )
    return losses.RefinerLoss(loss, jnp.zeros(()), loss)

  return _update_refiner(state, synthetic, loss_fn, objective, split)


def _update_refiner(
    state: SimGANState,
    synthetic: Shaped[Array, 'b h w c'],
    loss_fn: Callable[..., losses.RefinerLoss],
    objective: Objective,
    split: Split,
) -> tuple[SimGANState, Metrics]:
  """Take one refiner step on loss_fn(refined, synthetic)."""
  num_samples = objective.num_samples
  keys = _image_keys(
      state_lib.refiner_key(state),
      len(synthetic),
      split,
      num_samples=num_samples,
  )

  def measured_loss(params, batch):
    synthetic, keys = batch
    given = jnp.repeat(synthetic, num_samples, axis=0)
    refined = state.refiner.apply_fn(
        {'params': params}, given, keys.reshape(-1)
    )
    loss = loss_fn(refined, synthetic)
    return loss.total, (loss, jnp.mean(jnp.abs(refined - given)))

  gradients, (loss, change) = splitting.mean_gradients(
      measured_loss,
      state.refiner.params,
      (pixels.scale_images(synthetic), keys.reshape(-1, num_samples)),
      split,
  )
  refiner, metrics = _apply_gradients(state.refiner, gradients, name='refiner')
  metrics |= {
      'refiner/loss': loss.total,
      'refiner/adversarial': loss.adversarial,
      'refiner/self_regularization': loss.self_regularization,
      'refiner/change': change,
  }
  if objective.mode_seeking_weight:
    metrics['refiner/mode_seeking'] = loss.mode_seeking
  return state._replace(refiner=refiner), metrics


def discriminator_step(
    state: SimGANState,
    batch: DiscriminatorBatch,
    *,
    objective: Objective,
    split: Split = WHOLE,
) -> tuple[SimGANState, Metrics]:
  """Take one discriminator step on L_D, eq. 2, with the history of Fig. 4.

  Every second synthetic image is refined, and the history gives the other half
  of the refined images. Without a history all of them are refined.

  Args:
    state: Current state; the refiner in it stays as it is.
    batch: Key and images of the step.
    objective: Weight of the gradient penalty.
    split: Division of the batch.

  Returns:
    The new state and float32 scalars `discriminator/*` and `history/*`.
  """
  refined, history = _refine_with_history(state, batch, split)
  images = [refined, pixels.scale_images(batch.real)]
  if objective.gradient_penalty:
    images.append(_add_noise(batch.key, images[1], split))

  def loss_fn(params, images):
    # One pass over all images: the convolutions see one larger batch.
    logits = state.discriminator.apply_fn(
        {'params': params}, jnp.concatenate(images)
    )
    refined_logits, real_logits, *noised = jnp.split(logits, len(images))
    loss = losses.discriminator_loss(refined_logits, real_logits)
    num_patches = refined_logits.shape[1] * refined_logits.shape[2]
    metrics = {
        'discriminator/loss': loss.total,
        'discriminator/refined': loss.refined,
        'discriminator/real': loss.real,
        # An undecided discriminator has ln 2 = 0.693.
        'discriminator/loss_per_patch': loss.total / (2 * num_patches),
        'discriminator/refined_accuracy': losses.patch_accuracy(
            refined_logits, refined=True
        ),
        'discriminator/real_accuracy': losses.patch_accuracy(
            real_logits, refined=False
        ),
    }
    total = loss.total
    if noised:
      penalty = losses.gradient_penalty(
          real_logits, *noised, noise_scale=_NOISE_SCALE
      )
      metrics['discriminator/gradient_penalty'] = penalty  # without its weight
      total += objective.gradient_penalty * penalty
    return total, metrics

  gradients, found = splitting.mean_gradients(
      loss_fn, state.discriminator.params, images, split
  )
  discriminator, metrics = _apply_gradients(
      state.discriminator, gradients, name='discriminator'
  )
  metrics |= found | history_lib.describe(history, state.refiner.step)
  return state._replace(discriminator=discriminator, history=history), metrics


def _refine_with_history(
    state: SimGANState, batch: DiscriminatorBatch, split: Split
) -> tuple[Float[Array, 'b h w c'], history_lib.History]:
  """Return the refined half of a discriminator batch, and the new history."""
  has_slots = history_lib.has_slots(state.history)
  images = batch.synthetic[::2] if has_slots else batch.synthetic
  refined = refine(
      state.refiner,
      images,
      _image_keys(jax.random.fold_in(batch.key, 3), len(images), split),
      num_parts=split.num_parts,
  )
  if not has_slots:
    return refined, state.history
  return history_lib.mix(
      state.history,
      refined,
      key=batch.key,
      generation=jnp.asarray(state.refiner.step),
      first_pair=split.device() * len(refined),
  )


def _image_keys(
    key: PRNGKeyArray, num: int, split: Split, *, num_samples: int = 1
) -> PRNGKeyArray:
  """Return keys [num * num_samples] for `num` images, whatever the split."""
  numbers = split.device() * num + jnp.arange(num)
  return noise.sample_keys(
      key,
      jnp.repeat(numbers, num_samples),
      jnp.tile(jnp.arange(num_samples), num),
  )


def _add_noise(
    key: PRNGKeyArray, images: Float[Array, 'b h w c'], split: Split
) -> Float[Array, 'b h w c']:
  # The history uses the parts 0 and 1 of a step's key, the refiner part 3.
  keys = _image_keys(jax.random.fold_in(key, 2), len(images), split)
  return images + _NOISE_SCALE * noise.draw(keys, images.shape[1:])


def _apply_gradients(
    network: train_state.TrainState, gradients: Any, *, name: str
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
