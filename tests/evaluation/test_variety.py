"""How samples of the noise are compared."""

import numpy as np
import pytest

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.evaluation import variety
from simgan_jax.report import sentences


def _images(num, level=100):
  return np.full((num, 16, 16, 1), level, np.uint8)


def test_pairs_differ_by_grey_levels_and_by_details():
  pixels, patches = variety.compare(_images(3), _images(3, 110))
  assert pixels == pytest.approx(10)
  assert patches == pytest.approx(0, abs=1e-3)  # brightness is no detail
  rng = np.random.default_rng(0)
  noisy = rng.integers(80, 121, (3, 16, 16, 1)).astype(np.uint8)
  assert variety.compare(_images(3), noisy)[1] > 2


def test_twins_are_of_one_person_and_label():
  gaze = np.array([[0, 0, -1], [0, 0, -1], [0, 0, -1], [0, 1, 0], [0, 0, -1]])
  real = LabelledImages(
      images=_images(5),
      subjects=np.array([1, 2, 1, 1, 1], np.int32),
      names=np.arange(5).astype(str),
      gaze=gaze.astype(np.float32),
  )
  assert [places.tolist() for places in variety.find_twins(real)] == [[0], [2]]
  unlabelled = real._replace(gaze=None)
  assert not len(variety.find_twins(unlabelled)[0])


def test_a_sentence_says_how_samples_differ():
  samples = {
      'pixels': 7.2,
      'patches': 1.25,
      'real_pixels': 20.5,
      'real_patches': 3.0,
      'patch_distances': [0.5, 0.6],
      'synthetic_patch_distance': 2.0,
      'shift_deg': 0.8,
      'iris_shift_px': 0.31,
  }
  (found,) = sentences.describe_images({'task': 'gaze', 'samples': samples})
  assert '7.2 grey levels' in found and '20.5' in found
  assert '0.80 degrees' in found and '0.31 px' in found
