"""The built-in simulator as a source."""

import numpy as np
import pytest
from eye_drawing import iris_correlations

from simgan_jax.data import cache, inputs

pytestmark = pytest.mark.usefixtures('optimized')


@pytest.fixture(scope='module')
def load(tmp_path_factory):
  data_dir = tmp_path_factory.mktemp('cache')

  def load(domain, **options):
    options |= {'height': 35, 'width': 55, 'limit': 256, 'num_subjects': 4}
    source = inputs.make_source('builtin_eyes', domain=domain, **options)
    return cache.load(source, data_dir)

  return load


@pytest.mark.parametrize('domain', ['synthetic', 'real'])
def test_images_labels_and_signs(load, domain):
  loaded = load(domain)
  assert loaded.images.shape == (256, 35, 55, 1)
  assert loaded.head_pose.shape == (256, 2)
  assert set(loaded.subjects) <= {1, 2, 3, 4}
  assert loaded.names[1] == '0000001'
  np.testing.assert_allclose(np.linalg.norm(loaded.gaze, axis=1), 1, atol=1e-5)
  # Chance alone gives 0.06; glasses and lashes mislead the crude measure.
  assert (iris_correlations(loaded.images, loaded.gaze) > 0.2).all()


def test_images_are_those_of_the_simulator(load):
  from simgan_jax.simulators import eyes

  images, labels, subjects = eyes.generate(
      256, seed=0, domain='synthetic', num_subjects=4
  )
  loaded = load('synthetic')
  np.testing.assert_array_equal(loaded.images, images)
  np.testing.assert_allclose(loaded.gaze, labels.gaze)
  np.testing.assert_array_equal(loaded.subjects, subjects)


def test_domain_and_seed_are_part_of_the_request(load):
  synthetic = load('synthetic').images
  assert not np.array_equal(synthetic, load('real').images)
  assert not np.array_equal(synthetic, load('synthetic', seed=1).images)


def test_subjects_by_range(load):
  assert set(load('synthetic', subjects='2-3').subjects) == {2, 3}
