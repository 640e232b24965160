"""Augmentation: every change happens, none leaves its range."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.estimators import augmentation

NUM = 400
_STILL = augmentation.Motion(jnp.ones(2), jnp.zeros(2))


def _augment(image, num=NUM, seed=0, moving=True):
  images = jnp.broadcast_to(jnp.asarray(image, jnp.float32), (num, 35, 55, 1))
  keys = jax.random.split(jax.random.key(seed), num)
  augment = functools.partial(augmentation.augment, moving=moving)
  return np.asarray(jax.jit(augment)(keys, images))


@pytest.fixture(scope='module')
def dots():
  """Return changed copies of a dark square of 3 x 3 pixels on grey."""
  image = np.zeros((35, 55, 1))
  image[16:19, 26:29] = -0.9
  return _augment(image)


def test_a_key_an_image(dots):
  assert np.isfinite(dots).all() and np.abs(dots).max() <= 1
  image = np.zeros((35, 55, 1))
  image[16:19, 26:29] = -0.9
  np.testing.assert_array_equal(_augment(image, num=NUM), dots)
  assert np.abs(_augment(image, seed=1) - dots).max() > 0.1
  assert len(np.unique(dots.reshape(NUM, -1), axis=0)) == NUM


def test_shifts_reach_every_pixel_of_their_range_and_no_further(dots):
  weight = np.median(dots, axis=(1, 2), keepdims=True) - dots
  weight = np.where(weight > 0.6 * weight.max((1, 2), keepdims=True), weight, 0)
  total = weight.sum((1, 2, 3))
  y, x = np.mgrid[:35, :55]
  moved = [
      np.rint((weight[..., 0] * axis).sum((1, 2)) / total).astype(int) - centre
      for axis, centre in ((y, 17), (x, 27))
  ]
  for shifts in moved:
    assert set(shifts) == set(range(-3, 4))
  assert abs(np.corrcoef(*moved)[0, 1]) < 0.2


def test_stretching_is_independent_in_height_and_width():
  image = np.zeros((35, 55, 1))
  image[12:23, 19:36] = -0.9
  found = _augment(image)
  middle = (
      found.max((1, 2), keepdims=True) + found.min((1, 2), keepdims=True)
  ) / 2
  dark = found < middle
  heights = dark[:, :, 27, 0].sum(1) / 11
  widths = dark[:, 17, :, 0].sum(1) / 17
  for factors in (heights, widths):
    assert 0.7 < factors.min() < 0.9 and 1.15 < factors.max() < 1.4
    assert np.median(factors) == pytest.approx(1, abs=0.1)
  assert abs(np.corrcoef(heights, widths)[0, 1]) < 0.2


@pytest.mark.parametrize(
    ('shape', 'most'), [((35, 55), 3), ((16, 16), 1.09), ((224, 224), 15.32)]
)
def test_shifts_grow_with_the_image(shape, most, monkeypatch):
  taken = []
  monkeypatch.setattr(
      augmentation,
      'draw_motion',
      lambda key, max_shift: taken.append(max_shift) or _STILL,
  )
  image = jnp.zeros((*shape, 1))
  augmentation._augment(jax.random.key(0), image, moving=True)
  np.testing.assert_allclose(taken[0], [most, most], atol=0.01)


def test_moving_shifts_stretches_and_repeats_the_border():
  axis = jnp.arange(10.0)
  image = axis[:, None, None] + 100 * axis[None, :, None]
  np.testing.assert_allclose(
      augmentation.move_image(image, _STILL), image, atol=1e-4
  )
  motion = augmentation.Motion(jnp.array([2.0, 1.0]), jnp.array([0, 2.5]))
  moved = augmentation.move_image(image, motion)
  np.testing.assert_allclose(
      moved[..., 0],
      ((axis - 4.5) / 2 + 4.5)[:, None] + 100 * np.clip(axis - 2.5, 0, 9)[None],
      rtol=1e-4,
  )


def test_brightness_contrast_and_noise_span_their_ranges():
  image = np.zeros((35, 55, 1))
  image[:, 27:] = 0.4
  image[:, :27] = -0.4
  found = _augment(image)
  # Columns that no shift and no blur brings to the edge in the middle.
  low, high = found[:, :, :20], found[:, :, 36:]
  contrast = (np.median(high, (1, 2, 3)) - np.median(low, (1, 2, 3))) / 0.8
  brightness = (np.median(high, (1, 2, 3)) + np.median(low, (1, 2, 3))) / 2
  noise = low.std((1, 2, 3))
  assert 0.45 < contrast.min() < 0.6 and 1.3 < contrast.max() < 1.65
  assert -0.43 < brightness.min() < -0.3 and 0.3 < brightness.max() < 0.43
  assert noise.min() < 0.005 and 0.05 < noise.max() < 0.07


def test_blur_spreads_a_dot_and_keeps_flat_images_flat():
  flat = _augment(np.zeros((35, 55, 1)), num=50)
  residue = flat - np.median(flat, axis=(1, 2, 3), keepdims=True)
  assert np.abs(residue).max() < 0.06 * 6  # six deviations of noise
  image = jnp.zeros((35, 55, 1)).at[17, 27].set(1.0)
  blurred = augmentation._blur(image, jnp.float32(1.0))
  assert float(blurred.sum()) == pytest.approx(1, abs=1e-5)
  assert float(blurred[17, 27, 0]) == pytest.approx(0.162, abs=0.01)
  sharp = augmentation._blur(image, jnp.float32(0.0))
  np.testing.assert_allclose(sharp, image, atol=1e-6)


def test_places_stay_if_nothing_may_move():
  image = np.zeros((35, 55, 1))
  image[16:19, 26:29] = -0.9
  found = _augment(image, moving=False)
  assert np.abs(found - image).max((1, 2, 3)).min() > 0.01
  low = np.median(found, axis=(1, 2, 3), keepdims=True) - found
  assert set(low.reshape(NUM, -1).argmax(axis=1)) <= {
      y * 55 + x for y in range(16, 19) for x in range(26, 29)
  }
