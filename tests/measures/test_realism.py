"""The automatic visual Turing test: chance for equals, high for others."""

import numpy as np
import pytest
from scipy import ndimage

from simgan_jax.machine import errors
from simgan_jax.measures import realism

pytestmark = pytest.mark.usefixtures('optimized')

OTHER = 1.3  # blur
QUICK = {'num_steps': 60, 'batch_size': 32}


def textures(num, *, seed, blur=0.8):
  """Return smoothed noise, [n, 16, 24, 1] uint8; blur is what differs."""
  noise = np.random.default_rng(seed).normal(size=(num, 16, 24))
  noise = ndimage.gaussian_filter(noise, (0, blur, blur))
  noise *= 40 / noise.std()
  return np.uint8(np.clip(noise + 128, 0, 255))[..., None]


@pytest.fixture(scope='module')
def real():
  return textures(400, seed=0), np.repeat(np.arange(20), 20)


@pytest.fixture(scope='module')
def told_apart(real):
  return realism.classify(
      *real, textures(300, seed=1, blur=OTHER), seed=0, **QUICK
  )


def test_different_images_are_told_apart(told_apart):
  assert told_apart.accuracy > 90
  assert told_apart.standard_error < 4
  assert told_apart.accuracy == pytest.approx(
      (told_apart.real_accuracy + told_apart.other_accuracy) / 2
  )


@pytest.mark.parametrize('seed', range(3))
def test_images_of_one_kind_are_at_chance(real, seed):
  found = realism.classify(*real, textures(300, seed=2), seed=seed, **QUICK)
  assert 2 < found.standard_error < 8
  assert abs(found.accuracy - 50) < 3 * found.standard_error


def test_whole_subjects_and_a_quarter_of_the_others_are_held_out(
    real, told_apart
):
  held_out = np.unique(real[1][told_apart.held_out_real])
  assert len(held_out) == 5
  assert len(told_apart.held_out_real) == 100
  assert len(np.unique(told_apart.held_out_other)) == 75


def test_held_out_images_are_not_trained_on(real, told_apart):
  images, other = real[0].copy(), textures(300, seed=1, blur=OTHER)
  images[told_apart.held_out_real] = 0
  other[told_apart.held_out_other] = 255
  again = realism.classify(images, real[1], other, seed=0, **QUICK)
  same = images[:64]
  np.testing.assert_array_equal(
      realism.extract_features(told_apart.params, same),
      realism.extract_features(again.params, same),
  )


def test_one_seed_one_result(real, told_apart):
  other = textures(300, seed=1, blur=OTHER)
  again = realism.classify(*real, other, seed=0, **QUICK)
  assert again.accuracy == told_apart.accuracy
  features = [
      realism.extract_features(found.params, other)
      for found in (
          told_apart,
          again,
          realism.classify(*real, other, seed=1, **QUICK),
      )
  ]
  np.testing.assert_array_equal(features[0], features[1])
  assert np.abs(features[0] - features[2]).max() > 0.1


def test_standard_error_counts_subjects_and_not_their_images():
  right = np.repeat([1.0, 1, 1, 0], 25)
  groups = np.repeat(np.arange(4), 25)
  assert np.sqrt(realism._variance_of_mean(right, groups)) == 0.25
  # As many groups as members: the error of a mean of independent draws.
  assert realism._variance_of_mean(right, np.arange(100)) == pytest.approx(
      right.var(ddof=1) / 100
  )
  assert realism._variance_of_mean(right, np.zeros(100)) == pytest.approx(
      right.var(ddof=1) / 100
  )


def test_features_are_scaled_and_cover_every_image(told_apart):
  images = textures(300, seed=4)
  features = realism.extract_features(told_apart.params, images)
  assert (features.shape, features.dtype) == ((300, 64), np.float32)
  np.testing.assert_allclose(features.mean(axis=1), 0, atol=1e-5)
  np.testing.assert_allclose(features.var(axis=1), 1, atol=1e-2)
  np.testing.assert_allclose(
      realism.extract_features(told_apart.params, images[290:]),
      features[290:],
      atol=1e-5,
  )


def test_distance_falls_as_images_grow_alike(told_apart):
  real = textures(200, seed=5)
  far, near, equal = (
      realism.distance(
          told_apart.params, real, textures(200, seed=6, blur=blur)
      )
      for blur in (OTHER, 1.0, 0.8)
  )
  assert far.value > near.value + 3 * near.standard_error
  assert near.value > equal.value + 3 * near.standard_error
  assert abs(equal.value) < 4 * equal.standard_error


def test_sets_that_cannot_be_compared_are_refused(real):
  images, subjects = real
  with pytest.raises(errors.InputError, match='do not belong together'):
    realism.classify(images, subjects, images[:, 1:], seed=0)
  with pytest.raises(errors.InputError, match='do not belong together'):
    realism.classify(images, subjects[1:], images, seed=0)
  with pytest.raises(errors.InputError, match='1 subjects .* hold out'):
    realism.classify(images, subjects * 0, images, seed=0)
  with pytest.raises(errors.InputError, match='1 other images leave none'):
    realism.classify(images, subjects, images[:1], seed=0)
  with pytest.raises(errors.InputError, match='batch_size=1 must be at least'):
    realism.classify(images, subjects, images, seed=0, batch_size=1)


def test_divergence_names_the_step(real):
  with pytest.raises(errors.NonFiniteError, match='not finite at step 2'):
    realism.classify(
        *real,
        textures(300, seed=1),
        seed=0,
        learning_rate=float('inf'),
        **QUICK,
    )


def test_colour_images_are_told_apart_by_their_colour(real):
  grey = np.repeat(real[0], 3, axis=-1)
  other = np.repeat(textures(300, seed=1), 3, axis=-1)
  other[..., 0] //= 2
  found = realism.classify(grey, real[1], other, seed=0, **QUICK)
  assert found.accuracy > 90
