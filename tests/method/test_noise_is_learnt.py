"""Toys: a share of white pixels, and light of two values, are found.

The images are smooth; the real ones are the same but for what happens to them
by chance, which the refiner must learn from unpaired images.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from noise_toys import BATCH, SIDE, create_state, draw_images

from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.method import algorithm, losses, noise, steps
from simgan_jax.method.objective import Objective

ROUNDS = 400


def _salt(images, rng):
  return np.where(rng.random(images.shape) < 0.05, 255, images)


def _light(images, rng):
  light = np.where(rng.random((len(images), 1, 1, 1)) < 0.5, -25, 65)
  return images + light.astype(np.int16)


def _train(change, *, noise_channels, weight):
  """Return two refined samples of 64 images minus the images, [64 2 16 16]."""
  rng = np.random.default_rng(0)
  state = create_state(noise_channels)
  objective = Objective(
      refiner_steps=1,
      self_regularization_weight=weight,
      features_fn=losses.identity,
      num_samples=2,
  )
  mesh = mesh_lib.make_mesh(1)
  refiner_step, discriminator_step = algorithm.make_pretraining(mesh, objective)
  update = algorithm.make_update(mesh, objective)

  def real(num):
    return change(draw_images(num, rng), rng).clip(0, 255).astype(np.uint8)

  for _ in range(100):
    state, _ = refiner_step(state, draw_images(BATCH, rng))
  for _ in range(30):
    batch = algorithm.RoundBatch(draw_images(BATCH, rng), real(BATCH))
    state, _ = discriminator_step(state, batch)
  shape = 20, -1, BATCH, SIDE, SIDE, 1
  for _ in range(ROUNDS // 20):
    synthetic, photographs = draw_images(40 * BATCH, rng), real(20 * BATCH)
    batch = synthetic.reshape(shape), photographs.reshape(shape)
    state, _ = update(state, algorithm.RoundBatch(*batch))
  images = np.repeat(draw_images(64, rng), 2, axis=0)
  keys = noise.sample_keys(
      jax.random.key(9),
      jnp.repeat(jnp.arange(64), 2),
      jnp.tile(jnp.arange(2), 64),
  )
  refined = 127.5 * (np.asarray(steps.refine(state.refiner, images, keys)) + 1)
  return refined.reshape(64, 2, SIDE, SIDE), images.reshape(64, 2, SIDE, SIDE)


def test_the_share_of_white_pixels_is_found():
  refined, images = _train(_salt, noise_channels=1, weight=0.5)
  white = refined > 220
  assert white.mean() == pytest.approx(0.05, abs=0.03)
  grey = (refined > 185) & ~white
  assert grey.mean() < 0.01  # all or nothing
  assert np.abs(refined - images)[~white].mean() < 20
  both = (white[:, 0] & white[:, 1]).mean()
  assert both < 0.3 * white.mean()  # samples differ


def test_both_kinds_of_light_are_found():
  refined, images = _train(_light, noise_channels=2, weight=0.2)
  light = (refined - images).mean(axis=(2, 3))
  bright = light > 20
  assert 0.25 < bright.mean() < 0.75  # 0.5
  assert light[bright].mean() == pytest.approx(65, abs=25)
  assert light[~bright].mean() == pytest.approx(-25, abs=15)
  # The noise decides, not the image.
  assert (bright[:, 0] != bright[:, 1]).mean() > 0.25
