"""Losses against the equations, written again with plain loops in numpy."""

import doctest

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.method import losses


@pytest.fixture
def logits():
  return np.random.default_rng(0).normal(size=(3, 2, 4, 2)).astype('float32')


@pytest.fixture
def images():
  rng = np.random.default_rng(1)
  return tuple(
      rng.uniform(-1, 1, (3, 5, 6, 3)).astype('float32') for _ in range(2)
  )


def _sum_log(logits, *, refined):
  """Return sum log D (or log(1 - D)), mean over the batch, by hand."""
  total = 0.0
  for image in logits:
    for row in image:
      for real_logit, refined_logit in row.astype('float64'):
        probability = 1 / (1 + np.exp(real_logit - refined_logit))
        total += np.log(probability if refined else 1 - probability)
  return total / len(logits)


def test_discriminator_loss_is_equation_2(logits):
  other = logits[::-1] * 0.7 + 0.3
  loss = losses.discriminator_loss(jnp.asarray(logits), jnp.asarray(other))
  refined = -_sum_log(logits, refined=True)
  real = -_sum_log(other, refined=False)
  np.testing.assert_allclose(loss.refined, refined, rtol=1e-5)
  np.testing.assert_allclose(loss.real, real, rtol=1e-5)
  np.testing.assert_allclose(loss.total, refined + real, rtol=1e-5)


def test_refiner_loss_is_equation_4(logits, images):
  refined, synthetic = images
  loss = losses.refiner_loss(
      *map(jnp.asarray, (logits, refined, synthetic)),
      self_regularization_weight=0.3,
      features_fn=losses.identity,
  )
  adversarial = -_sum_log(logits, refined=False)
  distance = np.abs(refined - synthetic).sum() / len(refined)
  np.testing.assert_allclose(loss.adversarial, adversarial, rtol=1e-5)
  np.testing.assert_allclose(
      loss.self_regularization, 0.3 * distance, rtol=1e-5
  )
  np.testing.assert_allclose(
      loss.total, adversarial + 0.3 * distance, rtol=1e-5
  )


def test_gradient_penalty_is_half_the_squared_gradient():
  """Of a linear D: the mean over much noise, the sum over two patches."""
  key = jax.random.key(0)
  weights = jax.random.normal(key, (7, 2, 2))  # of [..., real and refined]
  images = jax.random.normal(jax.random.key(1), (50_000, 7))
  noised = images + 0.1 * jax.random.normal(jax.random.key(2), images.shape)
  logits, noised_logits = (
      jnp.einsum('bi,ipc->bpc', x, weights)[:, :, None]
      for x in (images, noised)
  )
  penalty = losses.gradient_penalty(logits, noised_logits, noise_scale=0.1)
  gradients = weights[..., 1] - weights[..., 0]
  np.testing.assert_allclose(penalty, (gradients**2).sum() / 2, rtol=0.02)


def test_twice_the_patches_cost_twice(logits):
  once = losses.cross_entropy(jnp.asarray(logits), refined=True)
  doubled = jnp.concatenate([logits, logits], axis=1)
  batch = jnp.concatenate([logits, logits], axis=0)
  np.testing.assert_allclose(
      losses.cross_entropy(doubled, refined=True), 2 * once, rtol=1e-6
  )
  np.testing.assert_allclose(
      losses.cross_entropy(batch, refined=True), once, rtol=1e-6
  )


def test_channel_mean_ignores_a_change_of_hue(images):
  refined, synthetic = map(jnp.asarray, images)
  shifted = synthetic + jnp.array([0.1, -0.1, 0.0]).reshape(1, 1, 1, 3)
  loss = losses.self_regularization_loss(shifted, synthetic)
  np.testing.assert_allclose(loss, 0.0, atol=1e-4)
  loss = losses.self_regularization_loss(
      shifted, synthetic, features_fn=losses.identity
  )
  np.testing.assert_allclose(loss, 0.2 * 5 * 6, rtol=1e-4)
  by_hand = np.abs(np.mean(refined - synthetic, -1)).sum() / len(refined)
  np.testing.assert_allclose(
      losses.self_regularization_loss(refined, synthetic), by_hand, rtol=1e-5
  )


def test_channel_mean_is_the_identity_for_grey(images):
  grey = jnp.asarray(images[0][..., :1])
  np.testing.assert_array_equal(losses.channel_mean(grey), grey)


def test_gradients_ignore_brightness_and_see_edges(images):
  refined, synthetic = map(jnp.asarray, images)
  loss = losses.self_regularization_loss(
      synthetic + 0.2, synthetic, features_fn=losses.gradients
  )
  np.testing.assert_allclose(loss, 0.0, atol=1e-4)
  difference = np.asarray(refined - synthetic, 'float64')
  by_hand = (
      np.abs(difference[:, :, 1:] - difference[:, :, :-1]).sum()
      + np.abs(difference[:, 1:] - difference[:, :-1]).sum()
  ) / len(refined)
  loss = losses.self_regularization_loss(
      refined, synthetic, features_fn=losses.gradients
  )
  np.testing.assert_allclose(loss, by_hand, rtol=1e-4)


def test_loss_and_gradient_are_finite_at_extreme_logits():
  logits = jnp.array([-1e4, 1e4]).reshape(1, 1, 1, 2)
  loss, gradient = jax.value_and_grad(losses.cross_entropy)(
      logits, refined=False
  )
  assert jnp.isfinite(loss) and jnp.all(jnp.isfinite(gradient))
  assert jnp.any(gradient != 0)


def test_patch_accuracy_counts_patches():
  logits = jnp.array([[0.0, 1.0], [1.0, 0.0], [0.0, 2.0], [0.0, 3.0]])
  logits = logits.reshape(1, 2, 2, 2)
  assert losses.patch_accuracy(logits, refined=True) == 0.75
  assert losses.patch_accuracy(logits, refined=False) == 0.25


def test_examples_in_docstrings():
  result = doctest.testmod(losses)
  assert result.attempted and not result.failed
