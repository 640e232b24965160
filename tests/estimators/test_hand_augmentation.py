"""Views of hands: the joints go where the image's content goes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.estimators import hand_augmentation as augmentation
from simgan_jax.simulators import hand_images


def _dots(joints, side):
  """Return [k, side, side, 1] images, a near disc at a joint in each."""
  y, x = np.mgrid[:side, :side]
  distance = np.hypot(
      x - joints[:, 0, None, None], y - joints[:, 1, None, None]
  )
  return np.where(distance < 3, -1.0, hand_images.BACKGROUND)[..., None]


def _centre(image):
  """Return the mean (x, y) of what is not background."""
  y, x = np.nonzero(np.asarray(image)[..., 0] < hand_images.BACKGROUND)
  return np.array([x.mean(), y.mean()])


@pytest.mark.parametrize(('side', 'size'), [(60, 60), (56, 64), (40, 20)])
def test_joints_stay_on_the_dots_drawn_at_them(side, size):
  joints = np.random.default_rng(0).uniform(0.35, 0.65, (24, 2)) * side
  joints = joints.astype(np.float32)
  images = jnp.asarray(_dots(joints, side), jnp.float32)
  keys = jax.random.split(jax.random.key(1), 24)
  views, moved = augmentation.augment(keys, images, joints[:, None], size=size)
  assert views.shape == (24, size, size, 1)
  centres = np.stack([_centre(view) for view in views])
  error = np.linalg.norm(centres - moved[:, 0], axis=1)
  assert error.max() < 0.6
  distance = np.linalg.norm(moved[:, 0] - (joints + 0.5) * size / side, axis=1)
  assert distance.mean() > 1.0  # they did move


def test_turn_zoom_and_shift_are_what_they_say():
  joints = jnp.array([[44.5, 24.5]])  # of 50 x 50: right of the middle by 20
  view = augmentation.View(np.pi / 2, 0.5, np.array([0.0, 0.1]))
  np.testing.assert_allclose(
      augmentation.move(joints, view, side=50, size=50),
      [[24.5, 24.5 + 10 + 5]],
      atol=1e-5,
  )


def test_views_stay_within_the_limits_and_reach_them():
  views = jax.vmap(augmentation.draw_view)(
      jax.random.split(jax.random.key(0), 2_000)
  )
  turn = np.degrees(np.abs(views.turn_rad))
  assert 19 < turn.max() <= 20
  assert 1.14 < views.zoom.max() <= 1.15 + 1e-6
  assert 0.058 < np.abs(views.shift).max() <= 0.06


def test_no_depth_is_made_up_and_outside_is_background():
  image = jnp.where(jnp.arange(32) < 16, -0.5, 0.5)[None, :, None]
  image = jnp.broadcast_to(image, (32, 32, 1))
  view = augmentation.View(0.3, 0.9, np.array([0.05, -0.02]))
  values = np.unique(augmentation.look(image, view, size=40))
  np.testing.assert_array_equal(values, [-0.5, 0.5, hand_images.BACKGROUND])


def test_a_whole_image_of_the_same_side_is_itself():
  image = jax.random.uniform(jax.random.key(0), (1, 12, 12, 1))
  np.testing.assert_array_equal(
      augmentation.look(image[0], augmentation.WHOLE, size=12), image[0]
  )
  assert augmentation.resize(image, size=12) is image
  assert augmentation.resize(image, size=24).shape == (1, 24, 24, 1)
