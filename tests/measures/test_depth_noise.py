"""Noise of depth images: each statistic answers to its own defect."""

import numpy as np
import pytest

from simgan_jax.measures import depth_noise


@pytest.fixture
def disc():
  """Return an image of a flat disc of radius 18, [48, 48]."""
  y, x = np.mgrid[:48, :48]
  return np.where(np.hypot(x - 23.5, y - 23.5) < 18, 100, 255).astype(np.uint8)


def _measure(image):
  return depth_noise.measure_noise(image[None, ..., None])


def test_a_clean_disc_is_smooth_whole_and_even(disc):
  found = _measure(disc)
  assert found.edge_raggedness == pytest.approx(1, abs=0.05)
  assert found.hole_percent < 1
  assert found.roughness_mm == 0


def test_torn_edges_lengthen_the_outline(disc):
  rng = np.random.default_rng(0)
  y, x = np.mgrid[:48, :48]
  rim = np.abs(np.hypot(x - 23.5, y - 23.5) - 18) < 1.5
  torn = np.where(rim & (rng.random((48, 48)) < 0.5), 255, disc)
  assert _measure(torn).edge_raggedness > 1.4
  assert _measure(torn).roughness_mm == 0


def test_holes_are_counted_as_a_share_of_the_inside(disc):
  holes = disc.copy()
  holes[20:26, 20:26] = 255
  inside = (disc < 255).sum()
  found = _measure(holes)
  assert found.hole_percent == pytest.approx(100 * 36 / inside, abs=0.5)
  assert found.edge_raggedness == _measure(disc).edge_raggedness


def test_an_image_of_more_pixels_has_the_same_holes(disc):
  split = disc.copy()
  split[:, 22:25] = 255  # a gap of 19 mm
  large = split.repeat(4, axis=0).repeat(4, axis=1)
  found = _measure(split).hole_percent
  assert found > 5
  assert _measure(large).hole_percent == pytest.approx(found, rel=0.2)


def test_roughness_is_in_millimetres(disc):
  rng = np.random.default_rng(0)
  noise = rng.choice([-3, 3], (48, 48))
  rough = np.where(disc < 255, disc + noise, 255).astype(np.uint8)
  # The median is one of both values: half of the pixels differ by 6 levels.
  assert 2 < _measure(rough).roughness_mm < 6 * 300 / 255


def test_images_without_a_hand_are_left_out(disc):
  empty = np.full_like(disc, 255)
  both = depth_noise.measure_noise(np.stack([disc, empty])[..., None])
  assert both == _measure(disc)
  assert np.isnan(_measure(empty).hole_percent)
