"""The patch distance: in grey levels, blind to brightness, not to details."""

import numpy as np
import pytest
from scipy import ndimage, stats

from simgan_jax.machine import errors
from simgan_jax.measures import patches


def _draw(num, seed, *, channels=1, blur=2.0):
  noise = np.random.default_rng(seed).normal(size=(num, 40, 48, channels))
  smooth = ndimage.gaussian_filter(noise, (0, blur, blur, 0))
  return np.uint8(np.clip(128 + 40 * smooth / smooth.std(), 0, 255))


def _distance(a, b):
  return patches.distance(
      patches.describe(a, seed=0), patches.describe(b, seed=1)
  )


def _add_noise(images, deviation, seed=7):
  noise = np.random.default_rng(seed).normal(0, deviation, images.shape)
  return np.uint8(np.clip(images + noise, 0, 255))


def test_two_draws_from_one_distribution_are_close():
  a, b = _draw(200, 0), _draw(300, 1)
  assert _distance(a, b) < 0.35
  assert patches.distance(patches.describe(a), patches.describe(a)) == 0


def test_grows_with_the_noise_that_one_set_lacks():
  a, b = _draw(200, 0), _draw(200, 1)
  found = [_distance(a, _add_noise(b, x)) for x in (0, 4, 8, 16)]
  assert found == sorted(found) and found[-1] > 8 * found[0]
  same = _distance(_add_noise(a, 16, seed=8), _add_noise(b, 16))
  assert same < found[1]


def test_blur_counts_and_brightness_at_large_does_not():
  a, b = _draw(200, 0), _draw(200, 1)
  assert _distance(a, _draw(200, 1, blur=3.0)) > 5 * _distance(a, b)
  # Brightness at large is not a detail.
  a, b = a // 2, b // 2
  assert _distance(a, b + 90) == pytest.approx(_distance(a, b), rel=1e-4)


def test_is_the_mean_distance_of_wasserstein_along_the_directions(monkeypatch):
  monkeypatch.setattr(patches, '_NUM_LEVELS', 1)
  monkeypatch.setattr(patches, '_NUM_DIRECTIONS', 3)
  a, b = _draw(60, 0), _add_noise(_draw(50, 1), 9)
  generator = np.random.default_rng(0)
  directions = generator.normal(size=(49, 3))
  directions /= np.linalg.norm(directions, axis=0)
  expected = []
  first, second = (
      patches._draw(patches._split(images)[0], np.random.default_rng(seed))
      for seed, images in enumerate((a, b))
  )
  for direction in directions.T:
    expected.append(
        stats.wasserstein_distance(first @ direction, second @ direction)
    )
  assert _distance(a, b) == pytest.approx(np.mean(expected), rel=0.01)


def test_levels_halve_in_size_and_a_flat_image_has_nothing():
  images = _draw(2, 0)
  sizes = [x.shape[1:3] for x in patches._split(images)]
  assert sizes == [(40, 48), (20, 24), (10, 12)]
  assert len(patches._split(images[:, :13, :13])) == 2
  flat = patches._split(np.full((1, 40, 48, 1), 90, np.uint8))
  assert all(not x.any() for x in flat)


def test_colour_images_and_a_single_image_can_be_compared():
  images = _draw(3, 0, channels=3)
  assert _distance(images, images[:1]) > 0


def test_images_smaller_than_a_patch_are_refused():
  with pytest.raises(errors.InputError, match='6 x 40 pixels are smaller'):
    patches.describe(_draw(1, 0)[:, :, :6])
