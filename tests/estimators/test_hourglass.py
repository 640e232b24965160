"""Stacked hourglass: shapes, and images that do not depend on each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.estimators import hand_pose


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
