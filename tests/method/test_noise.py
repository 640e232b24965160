"""A refiner with noise: several images of one, and chance that is learnt."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from noise_toys import BATCH, SIDE, create_state, draw_images

from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.machine.splitting import Split
from simgan_jax.method import algorithm, losses, networks, noise, steps
from simgan_jax.method.objective import Objective
from simgan_jax.training import refiners


def _keys(num, samples=0):
  return noise.sample_keys(
      jax.random.key(9), jnp.arange(num), jnp.full(num, samples)
  )


def test_without_noise_channels_keys_change_nothing():
  state, images = create_state(0), draw_images(4, np.random.default_rng(0))
  np.testing.assert_array_equal(
      steps.refine(state.refiner, images, _keys(4)),
      steps.refine(state.refiner, images),
  )


def test_noise_enters_beside_the_image_and_in_each_block():
  without, with_noise = (
      networks.count_parameters(create_state(k).refiner.params) for k in (0, 2)
  )
  assert with_noise - without == 9 * 2 * 16 + 2 * (2 * 16)
  blocks = (
      create_state(2).refiner.params['block0'],
      create_state(2).refiner.params,
  )
  assert not np.any(blocks[0]['noise'])


def test_even_channels_differ_by_pixel_and_odd_ones_by_image():
  drawn = noise.draw_inputs(_keys(500), (8, 9, 2))
  assert drawn.std() == pytest.approx(1, abs=0.05)
  assert drawn[..., 0].std(axis=(1, 2)).mean() == pytest.approx(1, abs=0.05)
  assert np.ptp(drawn[..., 1], axis=(1, 2)).max() == 0


def test_noise_depends_on_seed_number_and_sample_alone():
  refiner, rng = create_state(1).refiner, np.random.default_rng(0)
  images = np.repeat(draw_images(1, rng), 7, axis=0)  # one image, seven numbers
  refine = functools.partial(
      refiners.refine_images, refiner, mesh=mesh_lib.make_mesh(1)
  )
  refined = refine(images)
  assert len(np.unique(refined, axis=0)) == 7
  on_two = refiners.refine_images(
      refiner, images, mesh=mesh_lib.make_mesh(2), batch_size=4
  )
  assert np.abs(np.int32(on_two) - refined).max() <= 1  # rounding
  apart = refine(images[2:5], numbers=np.array([4, 2, 3]))
  np.testing.assert_array_equal(apart, refined[[4, 2, 3]])
  for other in ({'seed': 1}, {'samples': 1}):
    assert (refine(images, **other) != refined).any(axis=(1, 2, 3)).all()


def test_training_with_samples_does_not_depend_on_the_division():
  rng = np.random.default_rng(0)
  batch = algorithm.RoundBatch(
      draw_images(3 * BATCH, rng).reshape(1, 3, BATCH, SIDE, SIDE, 1),
      draw_images(BATCH, rng)[None, None],
  )
  objective = Objective(num_samples=2, mode_seeking_weight=1.0)
  found = []
  for num_devices, num_parts in ((1, 1), (1, 2), (4, 1)):
    update = algorithm.make_update(
        mesh_lib.make_mesh(num_devices),
        objective,
        Split(num_parts, mesh_lib.AXIS),
    )
    _, metrics = update(create_state(1), batch)
    found.append(jax.device_get(metrics))
  for other in found[1:]:
    for name, value in found[0].items():
      np.testing.assert_allclose(other[name], value, rtol=2e-3, err_msg=name)


def test_the_mean_of_samples_is_compared_and_a_limit_bounds_the_cost():
  synthetic = jnp.zeros((1, 4, 4, 1))
  around = jnp.stack([synthetic[0] + 0.5, synthetic[0] - 0.5])
  loss = losses.self_regularization_loss
  assert loss(around, synthetic) == 0
  assert loss(around[:1], synthetic) == 8
  assert loss(around[:1], synthetic, limit=0.1) == pytest.approx(1.6)


def test_samples_that_differ_cost_less():
  same = jnp.zeros((2, 4, 4, 1))
  other = same.at[0].add(0.5)
  loss = losses.mode_seeking_loss
  assert loss(other) == pytest.approx(1 / 0.51)
  assert loss(same) == pytest.approx(100)
