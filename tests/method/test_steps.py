"""Optimiser steps: who learns what, from whom."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from simgan_jax.machine import pixels
from simgan_jax.method import losses, networks, steps
from simgan_jax.method import state as state_lib
from simgan_jax.method.objective import Objective

BATCH, SHAPE = 16, (12, 16, 1)


def _create(
    learning_rate=1e-3, optimizer=optax.sgd, history_size=24, **options
):
  return state_lib.create_state(
      jax.random.key(0),
      refiner=networks.Refiner(num_features=4, num_blocks=1, **options),
      discriminator=networks.Discriminator(features=(8, 8, 8, 8), **options),
      optimizer=optimizer(learning_rate),
      image_shape=SHAPE,
      batch_size=BATCH,
      history_size=history_size,
  )


@pytest.fixture(scope='module')
def state():
  return jax.jit(_create)()


def _compile(step, **options):
  objective = Objective(**{'self_regularization_weight': 0.1} | options)
  return jax.jit(functools.partial(step, objective=objective))


def _compile_discriminator_step(**options):
  step = _compile(steps.discriminator_step, **options)
  return lambda state, synthetic, real, *, key: step(
      state, steps.DiscriminatorBatch(key, synthetic, real)
  )


refiner_step = _compile(steps.refiner_step)
discriminator_step = _compile_discriminator_step()


def _images(seed, *lead):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (*lead, BATCH, *SHAPE), dtype=np.uint8)


def _distance(first, second):
  """Return the largest difference of two pytrees, on any devices."""
  pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
  return max(np.abs(np.asarray(x) - np.asarray(y)).max() for x, y in pairs)


def test_scaling_is_linear_and_spares_float_images():
  images = jnp.array([0, 51, 255], jnp.uint8).reshape(1, 3, 1)
  scaled = pixels.scale_images(images)
  np.testing.assert_allclose(scaled.ravel(), [-1.0, -0.6, 1.0], atol=1e-6)
  np.testing.assert_array_equal(pixels.scale_images(scaled), scaled)


def test_each_step_trains_its_own_network(state):
  synthetic, real = _images(1), _images(2)
  after, _ = refiner_step(state, synthetic)
  assert _distance(after.refiner.params, state.refiner.params) > 0
  assert _distance(after.discriminator, state.discriminator) == 0
  after, _ = discriminator_step(state, synthetic, real, key=jax.random.key(1))
  assert _distance(after.discriminator.params, state.discriminator.params) > 0
  assert _distance(after.refiner, state.refiner) == 0


def test_the_refiner_gets_the_adversarial_gradient():
  """With lambda = 0 only D can move the refiner, and its loss falls."""
  state = jax.jit(lambda: _create(1e-2, optax.adam))()
  synthetic = _images(1)
  step = _compile(steps.refiner_step, self_regularization_weight=0.0)
  adversarial = []
  for _ in range(20):
    state, metrics = step(state, synthetic)
    adversarial.append(float(metrics['refiner/adversarial']))
    assert metrics['refiner/gradient_norm'] > 0
  assert adversarial[-1] < 0.95 * adversarial[0]


def test_pretraining_does_not_see_the_discriminator(state):
  synthetic = _images(1)
  step = _compile(steps.pretrain_refiner_step)
  other = state._replace(
      discriminator=state.discriminator.replace(
          params=jax.tree.map(jnp.negative, state.discriminator.params)
      )
  )
  first, metrics = step(state, synthetic)
  second, _ = step(other, synthetic)
  assert _distance(first.refiner.params, second.refiner.params) == 0
  np.testing.assert_allclose(
      metrics['refiner/loss'],
      metrics['refiner/change'] * np.prod(SHAPE),
      rtol=1e-5,
  )


def test_the_discriminator_learns_to_tell_the_domains_apart(state):
  for i in range(60):
    state, metrics = discriminator_step(
        state, _images(1), _images(2) // 2, key=jax.random.key(i)
    )
  assert metrics['discriminator/loss_per_patch'] < 0.5 < np.log(2)
  assert metrics['discriminator/real_accuracy'] > 0.9
  assert metrics['discriminator/refined_accuracy'] > 0.9


def test_the_discriminator_sees_the_history(state):
  """A history of white images must change what a full history step learns."""
  white = state.history._replace(
      images=jnp.ones_like(state.history.images),
      generation=jnp.zeros_like(state.history.generation),
      count=jnp.asarray(3),
  )
  args = (_images(1), _images(2))
  after_empty, _ = discriminator_step(state, *args, key=jax.random.key(0))
  after_white, _ = discriminator_step(
      state._replace(history=white), *args, key=jax.random.key(0)
  )
  assert (
      _distance(
          after_empty.discriminator.params, after_white.discriminator.params
      )
      > 1e-6
  )
  assert int(after_empty.history.count) == 1


def test_without_history_the_whole_batch_is_of_the_current_refiner():
  state = jax.jit(functools.partial(_create, history_size=0))()
  synthetic, real = _images(1), _images(2)
  after, metrics = discriminator_step(
      state, synthetic, real, key=jax.random.key(0)
  )

  def loss(params):
    logits = [
        state.discriminator.apply_fn({'params': params}, images)
        for images in (
            steps.refine(state.refiner, synthetic),
            pixels.scale_images(jnp.asarray(real)),
        )
    ]
    return losses.discriminator_loss(*logits).total

  value, gradients = jax.value_and_grad(loss)(state.discriminator.params)
  np.testing.assert_allclose(metrics['discriminator/loss'], value, rtol=1e-5)
  expected = jax.tree.map(
      lambda x, gradient: x - 1e-3 * gradient,
      state.discriminator.params,
      gradients,
  )
  assert _distance(after.discriminator.params, expected) < 1e-5
  assert after.history.images.shape == (BATCH // 2, 0, *SHAPE)
  for name in ('history/images', 'history/age_span'):
    assert float(metrics[name]) == 0.0


def test_the_gradient_penalty_makes_the_discriminator_less_steep(state):
  step = _compile_discriminator_step(gradient_penalty=1.0)
  plain = penalized = state
  for i in range(60):
    key, images = jax.random.key(i), (_images(1), _images(2) // 2)
    plain, metrics = discriminator_step(plain, *images, key=key)
    penalized, penalized_metrics = step(penalized, *images, key=key)
    assert 'discriminator/gradient_penalty' not in metrics

  def slope(state):
    def evidence(images):
      logits = state.discriminator.apply_fn(
          {'params': state.discriminator.params}, images
      )
      return (logits[..., 1] - logits[..., 0]).sum()

    real = pixels.scale_images(jnp.asarray(_images(2) // 2))
    return float(jnp.linalg.norm(jax.grad(evidence)(real)))

  assert slope(penalized) < 0.7 * slope(plain)
  assert penalized_metrics['discriminator/gradient_penalty'] > 0
  # The loss that is told is eq. 2, without the penalty.
  np.testing.assert_allclose(
      penalized_metrics['discriminator/loss'],
      penalized_metrics['discriminator/real']
      + penalized_metrics['discriminator/refined'],
      rtol=1e-5,
  )


def test_metrics_by_hand(state):
  synthetic = _images(1)
  refined = steps.refine(state.refiner, synthetic)
  logits = state.discriminator.apply_fn(
      {'params': state.discriminator.params}, refined
  )
  after, metrics = refiner_step(state, synthetic)
  scaled = pixels.scale_images(jnp.asarray(synthetic))
  loss = losses.refiner_loss(
      logits, refined, scaled, self_regularization_weight=0.1
  )
  np.testing.assert_allclose(metrics['refiner/loss'], loss.total, rtol=1e-5)
  np.testing.assert_allclose(
      metrics['refiner/change'], np.abs(refined - scaled).mean(), rtol=1e-5
  )
  # Plain gradient descent: the update is the rate times the gradient.
  np.testing.assert_allclose(
      metrics['refiner/update_norm'],
      1e-3 * metrics['refiner/gradient_norm'],
      rtol=1e-4,
  )
  np.testing.assert_allclose(
      metrics['refiner/parameter_norm'],
      optax.tree.norm(after.refiner.params),
      rtol=1e-5,
  )
