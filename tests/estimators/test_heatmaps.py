"""Heat-maps: drawn around points, compared, and points read from them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.estimators import heatmaps


def test_heatmap_is_a_gaussian_of_height_one_around_the_joint():
  joints = jnp.array([[[3.0, 5.0], [-20.0, 2.0]]])
  found = heatmaps.draw(joints, shape=(8, 8))
  assert found.shape == (1, 8, 8, 2)
  assert found[0, 5, 3, 0] == 1.0
  assert found[0, 5, 4, 0] == pytest.approx(np.exp(-0.5))
  assert found[0, 3, 3, 0] == pytest.approx(np.exp(-2.0))
  assert float(found[..., 1].max()) < 1e-6


def test_centres_of_gaussians_are_found_between_pixels():
  joints = np.random.default_rng(0).uniform(2.5, 12.5, (20, 14, 2))
  joints = joints.astype(np.float32)
  drawn = heatmaps.draw(jnp.asarray(joints), shape=(16, 16))
  np.testing.assert_allclose(
      heatmaps.find(jnp.log(0.3 * drawn)), joints, atol=1e-3
  )


def test_a_joint_at_the_border_stays_there():
  joints = jnp.array([[[0.0, 15.0], [-2.0, 17.0]]])
  found = heatmaps.find(jnp.log(heatmaps.draw(joints, shape=(16, 16))))
  np.testing.assert_allclose(found, [[[0.0, 15.0]] * 2], atol=0.3)


def test_of_two_guesses_the_likelier_counts_more():
  joints = jnp.array([[[4.0, 8.0]], [[12.0, 8.0]]])
  one, other = heatmaps.draw(joints, shape=(16, 16))
  both = jnp.stack([one + other, 3 * one + other])
  found = heatmaps.find(jnp.log(both))
  np.testing.assert_allclose(
      found[:, 0], [[8.0, 8.0], [4.0 + 8.0 / 10, 8.0]], atol=1e-2
  )


def test_loss_is_the_cross_entropy_and_holds_every_stack_to_the_truth():
  truth = jnp.zeros((1, 4, 4, 14)).at[0, 1, 1].set(1.0)
  right = jnp.log(jnp.stack([truth, truth], axis=1) + 1e-9)
  assert float(heatmaps.loss(right, truth)) < 1e-6
  wrong = right.at[:, 0].set(0.0)  # the first stack knows nothing
  loss = float(heatmaps.loss(wrong, truth))
  assert loss == pytest.approx(np.log(16))
  assert float(heatmaps.loss(wrong, 3 * truth)) == pytest.approx(loss)


def test_a_point_that_nobody_knows_has_no_gradient():
  points = jnp.array([[[3.0, 5.0], [jnp.nan, jnp.nan], [jnp.nan, 2.0]]])
  truth = heatmaps.draw(points, shape=(6, 9))
  assert truth.shape == (1, 6, 9, 3)
  assert float(jnp.abs(truth[..., 1:]).max()) == 0
  slope = jax.grad(heatmaps.loss)(jnp.ones((1, 1, 6, 9, 3)), truth)
  assert float(jnp.abs(slope[..., 0]).max()) > 0
  assert float(jnp.abs(slope[..., 1:]).max()) == 0


def test_maps_need_not_be_square():
  points = jnp.array([[[6.25, 2.5]]])
  drawn = heatmaps.draw(points, shape=(6, 11))
  np.testing.assert_allclose(heatmaps.find(jnp.log(drawn)), points, atol=1e-2)
