"""Changes of images: points and label images go where the content goes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.estimators import augmentation, map_augmentation

NUM, SHAPE = 60, (30, 44)


@pytest.fixture(scope='module')
def blobs():
  """Return dark discs of radius 4 px on grey, and their centres (x, y)."""
  centres = np.random.default_rng(0).uniform((14, 10), (29, 19), (NUM, 2))
  y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
  distance = np.hypot(
      x - centres[:, 0, None, None], y - centres[:, 1, None, None]
  )
  images = np.where(distance < 4, -0.9, 0.3)[..., None].astype(np.float32)
  return images, centres[:, None].astype(np.float32)


def _augment(images, labels, task):
  keys = jax.random.split(jax.random.key(1), NUM)
  augment = jax.jit(map_augmentation.augment, static_argnames='task')
  found = augment(keys, jnp.asarray(images), jnp.asarray(labels), task=task)
  return [np.asarray(array) for array in found]


def _dark(images):
  """Return what is darker than halfway between the two greys."""
  images = images[..., 0]
  low, high = np.quantile(images, (0.01, 0.5), axis=(1, 2))
  return images < ((low + high) / 2)[:, None, None]


def test_points_stay_on_the_blobs_drawn_at_them(blobs):
  images, moved = _augment(*blobs, 'points')
  y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
  dark = _dark(images)
  centres = [(x[d].mean(), y[d].mean()) for d in dark]
  assert np.linalg.norm(moved[:, 0] - centres, axis=1).max() < 0.7
  shifts = np.abs(moved - blobs[1]).max(axis=(0, 1))
  assert (shifts > 0.06 * np.array(SHAPE[::-1])).all()  # they did move


def test_label_images_stay_on_the_blobs_drawn_in_them(blobs):
  masks = (blobs[0][..., 0] < 0).astype(np.int32)
  images, moved = _augment(blobs[0], masks, 'mask')
  assert (moved.dtype, moved.shape) == (np.int32, masks.shape)
  dark, moved = _dark(images), moved == 1
  both = (dark & moved).sum() / (dark | moved).sum()
  before = (dark & (masks == 1)).sum() / (dark | (masks == 1)).sum()
  assert both > 0.85 > 0.7 > before


def test_what_nobody_knows_stays_unknown(blobs):
  points = np.full_like(blobs[1], np.nan)
  assert np.isnan(_augment(blobs[0], points, 'points')[1]).all()
  masks = np.full(blobs[0].shape[:3], -1, np.int32)
  assert (_augment(blobs[0], masks, 'mask')[1] == -1).all()


def test_a_shift_and_a_stretch_are_what_they_say():
  motion = augmentation.Motion(jnp.array([1.0, 2.0]), jnp.array([3.0, 0]))
  point = jnp.array([[10.0, 4.0]])  # of 9 x 21: the middle
  moved = map_augmentation.move_points(point, motion, height=9, width=21)
  np.testing.assert_allclose(moved, [[10.0, 7.0]])
  moved = map_augmentation.move_points(point + 2, motion, height=9, width=21)
  np.testing.assert_allclose(moved, [[14.0, 9.0]])
  rows = jnp.broadcast_to(jnp.arange(9)[:, None], (9, 21))
  found = map_augmentation.move_mask(rows, motion)
  np.testing.assert_array_equal(found[:, 0], [0, 0, 0, 0, 1, 2, 3, 4, 5])
  image = augmentation.move_image(rows[..., None] / 9, motion)
  np.testing.assert_allclose(image[..., 0] * 9, found, atol=1e-5)
