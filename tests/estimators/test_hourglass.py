"""Stacked hourglass: shapes, heat-maps, and joints read from them exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.estimators import hand_pose, hourglass


@pytest.mark.parametrize(
    ('image', 'sizes', 'side'),
    [
        (224, hand_pose.Sizes(), 64),
        (256, hand_pose.Sizes(), 64),
        (64, hand_pose.Sizes(heatmap_size=32, num_features=16), 32),
        (
            64,
            hand_pose.Sizes(heatmap_size=16, num_features=16, num_stacks=3),
            16,
        ),
    ],
)
def test_a_heatmap_of_each_joint_from_every_stack(image, sizes, side):
  size = sizes.heatmap_size * sizes.stride(image)
  params = jax.eval_shape(
      lambda: hand_pose.init_params(
          jax.random.key(0), image_shape=(image, image, 1), sizes=sizes
      )
  )
  network = sizes.network(image)
  images = jax.ShapeDtypeStruct((2, size, size, 1), jnp.float32)
  heatmaps = jax.eval_shape(network.apply, {'params': params}, images)
  assert heatmaps.shape == (2, sizes.num_stacks, side, side, 14)


def test_images_do_not_depend_on_each_other():
  network = hand_pose.Sizes(16, 8, 2, 2).network(32)
  images = jax.random.uniform(jax.random.key(0), (3, 32, 32, 1), minval=-1)
  params = jax.jit(network.init)(jax.random.key(1), images)
  apply = jax.jit(network.apply)
  together, alone = apply(params, images), apply(params, images[1:2])
  np.testing.assert_allclose(together[1:2], alone, atol=1e-5)
  assert np.abs(together[0] - together[1]).max() > 1e-3


def test_heatmap_is_a_gaussian_of_height_one_around_the_joint():
  joints = jnp.array([[[3.0, 5.0], [-20.0, 2.0]]])
  heatmap = hourglass.draw_heatmaps(joints, size=8)
  assert heatmap.shape == (1, 8, 8, 2)
  assert heatmap[0, 5, 3, 0] == 1.0
  assert heatmap[0, 5, 4, 0] == pytest.approx(np.exp(-0.5))
  assert heatmap[0, 3, 3, 0] == pytest.approx(np.exp(-2.0))
  assert float(heatmap[..., 1].max()) < 1e-6


def test_centres_of_gaussians_are_found_between_pixels():
  joints = np.random.default_rng(0).uniform(2.5, 12.5, (20, 14, 2))
  joints = joints.astype(np.float32)
  heatmaps = hourglass.draw_heatmaps(jnp.asarray(joints), size=16)
  np.testing.assert_allclose(
      hourglass.find_places(jnp.log(0.3 * heatmaps)), joints, atol=1e-3
  )


def test_a_joint_at_the_border_stays_there():
  joints = jnp.array([[[0.0, 15.0], [-2.0, 17.0]]])
  found = hourglass.find_places(
      jnp.log(hourglass.draw_heatmaps(joints, size=16))
  )
  np.testing.assert_allclose(found, [[[0.0, 15.0]] * 2], atol=0.3)


def test_of_two_guesses_the_likelier_counts_more():
  joints = jnp.array([[[4.0, 8.0]], [[12.0, 8.0]]])
  one, other = hourglass.draw_heatmaps(joints, size=16)
  heatmaps = jnp.stack([one + other, 3 * one + other])
  found = hourglass.find_places(jnp.log(heatmaps))
  np.testing.assert_allclose(
      found[:, 0], [[8.0, 8.0], [4.0 + 8.0 / 10, 8.0]], atol=1e-2
  )
