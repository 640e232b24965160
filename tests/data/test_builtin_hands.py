"""The built-in hand simulator as a source."""

import numpy as np
import pytest

from simgan_jax.data import builtin, cache, inputs
from simgan_jax.simulators import hand_images


@pytest.fixture(scope='module')
def load(tmp_path_factory):
  data_dir = tmp_path_factory.mktemp('cache')

  def load(domain, **options):
    options |= {'height': 48, 'width': 48, 'limit': 64, 'num_subjects': 4}
    source = inputs.make_source('builtin_hands', domain=domain, **options)
    return cache.load(source, data_dir)

  return load


@pytest.mark.parametrize('domain', ['synthetic', 'real'])
def test_images_and_labels(load, domain):
  loaded = load(domain)
  assert loaded.source == 'builtin_hands'
  assert loaded.images.shape == (64, 48, 48, 1)
  assert loaded.joints.shape == (64, 14, 3)
  assert loaded.gaze is None and loaded.head_pose is None
  assert set(loaded.subjects) == {1, 2, 3, 4}
  assert loaded.names[1] == '0000001'
  points = hand_images.to_millimetres(loaded.joints, loaded.intrinsics)
  wrist = np.linalg.norm(points[:, 11] - points[:, 12], axis=1)
  assert 30 < wrist.min() < wrist.max() < 50  # mm


def test_images_are_those_of_the_simulator(load):
  from simgan_jax.simulators import hands as simulator

  images, labels, subjects = simulator.generate(
      64, seed=0, num_subjects=4, height=48, width=48
  )
  loaded = load('synthetic')
  np.testing.assert_array_equal(loaded.images, images)
  np.testing.assert_array_equal(loaded.joints, labels.joints)
  np.testing.assert_array_equal(loaded.intrinsics, labels.intrinsics)
  np.testing.assert_array_equal(loaded.subjects, subjects)


def test_colour_is_the_grey_value_three_times(load):
  colour = load('synthetic', channels=3).images
  expected = np.repeat(load('synthetic').images, 3, axis=-1)
  np.testing.assert_array_equal(colour, expected)


def test_domain_and_seed_are_part_of_the_request(load):
  synthetic = load('synthetic').images
  assert not np.array_equal(synthetic, load('real').images)
  assert not np.array_equal(synthetic, load('synthetic', seed=1).images)


def test_subjects_by_range(load):
  assert set(load('synthetic', subjects='2-3').subjects) == {2, 3}


def test_hands_and_eyes_are_prepared_again_for_their_own_simulator_only():
  eyes = builtin.BuiltinEyes(height=48, width=48).stamp()
  hands = builtin.BuiltinHands(height=48, width=48).stamp()
  assert '_BASELINE' not in eyes and 'HandShape' not in eyes
  assert 'EyeParameters' in eyes and 'EyeParameters' not in hands
  for name in ('class HandShape', 'BASELINE_MM =', 'def cast', 'CUBE_MM ='):
    assert name in hands
