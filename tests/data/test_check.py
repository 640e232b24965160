"""The look at the data before training."""

import numpy as np
import pytest

from simgan_jax.data import check
from simgan_jax.data.labelled_images import ImportReport, LabelledImages


def _make(images, **report):
  return LabelledImages(
      images=np.asarray(images, np.uint8),
      gaze=None,
      head_pose=None,
      subjects=np.zeros(len(images), np.int32),
      names=np.array([f'{i}.png' for i in range(len(images))]),
      report=ImportReport(**report),
  )


@pytest.fixture
def images():
  generator = np.random.default_rng(0)
  return generator.integers(50, 201, (40, 12, 16, 1)).astype(np.uint8)


def test_facts_of_a_set(images):
  found = check.check_set(
      'real', _make(images, sizes={'640 x 480': 38, '60 x 40': 2})
  )
  assert found.warnings == []
  assert found.facts == [
      'real: 40 images from 2 sizes, most 640 x 480 pixels, grey values 50 to'
      f' 200, mean {images.mean():.0f}, contrast'
      f' {images.std(axis=(1, 2)).mean():.0f}'
  ]
  (fact,) = check.check_set('real', _make(images)).facts
  assert fact.startswith('real: 40 images, grey values')


def test_what_is_odd_is_named(images):
  images[7] = images[3]
  images[9] = images[3]
  images[12] = 77
  images[20] = images[20] // 4
  found = check.check_set('synthetic', _make(images)).warnings
  assert found == [
      'synthetic: 2 of 40 images copied from others, first 7.png.',
      'synthetic: 1 of 40 images of one grey value, showing nothing, first'
      ' 12.png.',
      'synthetic: 1 of 40 images much darker or brighter than the others,'
      ' first 20.png.',
  ]


@pytest.mark.parametrize('shift', [0, 8, 40])
def test_the_distance_of_grey_values_is_what_one_is_brighter(images, shift):
  found = check.compare_sets(
      images, images + np.uint8(shift), num_patches=6, weight=0.1
  )
  assert f' are {shift} of 255 levels apart' in found.facts[0]
  # 192 pixels, each 2 / 255 a level; 6 ln 2 = 4.16.
  cost = 192 * shift * 2 / 255
  assert f'costs {0.1 * cost:.0f} an image' in found.facts[0]
  assert bool(found.warnings) == (0.1 * cost > 4.16)


def test_the_lambda_that_is_advised_would_do(images):
  brighter = images + np.uint8(40)
  found = check.compare_sets(images, brighter, num_patches=6, weight=1.0)
  advised = float(found.warnings[0].split('below ')[1].rstrip('.'))
  assert advised == 0.06  # 4.16 / 60.2 = 0.069
  again = check.compare_sets(images, brighter, num_patches=6, weight=advised)
  assert not again.warnings


def test_all_of_it(images):
  real = _make(images[:30].copy())
  real.images[:28, 0, 0] += 1
  found = check.check(_make(images), images, real, num_patches=6, weight=0.1)
  assert [fact.split(':')[0] for fact in found.facts] == [
      *('synthetic', 'real', 'grey values'),
  ]
  assert found.warnings == [
      '2 of 40 synthetic images are among the real ones, first 28.png; give'
      ' two sets that share none.'
  ]


def test_values_of_16_bits_of_which_few_are_used(images):
  dark = images // 32  # 1 to 6
  found = check.check_set('real', _make(dark, sixteen_bit=(40, 0, 1_999)))
  assert ': 40 images, 16-bit values 0 to 1999, of which 8' in found.facts[0]
  assert found.warnings[-1] == (
      'real: nearly all pixels are from 1 to 6 of 255 grey levels, so little'
      ' is left to see: 16-bit values are divided by 256; multiply them by 32'
      ' in the files, and those of the other set if it has 16 bits too.'
  )
  dark[0, 0, 0] = 255  # a hot pixel changes nothing
  for report in ({}, {'sixteen_bit': (3, 0, 65_535)}):
    (warning,) = check.check_set('real', _make(dark, **report)).warnings[-1:]
    assert warning.endswith('; stretch the grey values in the files.')
  found = check.check_set('real', _make(images, sixteen_bit=(3, 0, 9)))
  assert not found.warnings
