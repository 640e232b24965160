"""Pixels lost by chance: how often, which, and that the odds are learnt."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.method import lost_pixels, networks
from simgan_jax.simulators import hand_images


def _losing(images, evidence):
  """Return what a refiner makes that thinks the same of every pixel."""
  network = lost_pixels.LosingRefiner(num_features=8)
  params = network.init(jax.random.key(0), images)['params']
  params['lost'] = {
      'kernel': jnp.zeros_like(params['lost']['kernel']),
      'bias': jnp.full(1, evidence),
  }
  plain = networks.Refiner(num_features=8)
  return (
      network.apply({'params': params}, images),
      plain.apply({'params': params}, images),
  )


@pytest.mark.parametrize(('evidence', 'share'), [(3.0, 0.5), (1.0, 0.119)])
def test_pixels_are_lost_as_often_as_the_odds_say(evidence, share):
  images = jax.random.uniform(jax.random.key(1), (4, 64, 64, 1), minval=-1.0)
  refined, plain = _losing(images, evidence)
  lost = np.isclose(refined, lost_pixels.LOST, atol=1e-6)
  assert lost.mean() == pytest.approx(share, abs=0.02)
  np.testing.assert_allclose(refined[~lost], plain[~lost], atol=1e-6)
  np.testing.assert_allclose(_losing(images, -90.0)[0], plain, atol=1e-6)
  np.testing.assert_allclose(
      _losing(images, 90.0)[0], lost_pixels.LOST, atol=1e-6
  )


def test_which_pixels_are_lost_depends_on_the_image_alone():
  levels = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 1))
  images = jnp.float32(levels / 127.5 - 1)
  refined, plain = _losing(images, 3.0)
  alone, _ = _losing(images[2:3], 3.0)
  np.testing.assert_allclose(refined[2:3], alone, atol=1e-5)
  # The same integers, scaled to [-1, 1] another way.
  again, _ = _losing(jnp.float32(levels) * jnp.float32(2 / 255) - 1, 3.0)
  np.testing.assert_allclose(refined, again, atol=1e-4)
  share = (refined - plain) / (lost_pixels.LOST - plain)  # lost
  assert np.abs(share[0] - share[1]).mean() > 0.2
  moved, plain = _losing(images.at[0, 3, 5].add(2 / 255), 3.0)
  moved_share = (moved - plain) / (lost_pixels.LOST - plain)
  assert np.abs(moved_share[0] - share[0]).mean() > 0.2


def test_a_lost_pixel_is_background():
  assert lost_pixels.LOST == hand_images.BACKGROUND


def test_odds_of_a_loss_are_learnt():
  network = lost_pixels.LosingRefiner(num_features=8)
  images = jax.random.uniform(jax.random.key(1), (2, 16, 16, 1), minval=-1.0)
  variables = network.init(jax.random.key(0), images)
  gradients = jax.grad(lambda v: network.apply(v, images).sum())(variables)
  lost = gradients['params']['lost']
  assert networks.count_parameters(lost) == 9
  assert float(lost['bias'][0]) > 0 and np.abs(lost['kernel']).min() > 0
