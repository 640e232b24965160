"""Which training sets, and so which rows, an evaluation has."""

import os

import numpy as np
import pytest

from simgan_jax.data.labelled_images import ImportReport, LabelledImages
from simgan_jax.evaluation import training_sets
from simgan_jax.machine import errors
from simgan_jax.settings import config as config_lib


def _images(number, gaze=True):
  return LabelledImages(
      images=np.full((number, 4, 6, 1), number, np.uint8),
      gaze=np.ones((number, 3), np.float32) if gaze else None,
      head_pose=None,
      subjects=np.zeros(number, np.int32),
      names=np.arange(number).astype(str),
      report=ImportReport(),
  )


def _rows(synthetic, *, matched=True, scales=(1, 4)):
  images = synthetic.images
  sets = training_sets.build(
      synthetic,
      images + 1 if matched else None,
      images + 2,
      _images(7),
      base_images=10,
      scales=scales,
  )
  return [
      (s.train_on, s.scale, len(s.images), int(s.images.max())) for s in sets
  ]


def test_rows_of_the_table_in_the_papers_order():
  assert _rows(_images(50)) == [
      *(('synthetic', 1, 10, 50), ('synthetic', 4, 40, 50)),
      ('matched', 4, 40, 51),
      *(('refined', 1, 10, 52), ('refined', 4, 40, 52)),
      ('real', 1, 7, 7),
  ]


def test_no_row_of_matched_histograms_where_none_were_matched():
  rows = _rows(_images(50), matched=False, scales=(1,))
  assert [row[0] for row in rows] == ['synthetic', 'refined', 'real']


def test_a_scale_without_images_enough_is_left_out(capsys):
  assert _rows(_images(39))[:3] == [
      *(('synthetic', 1, 10, 39), ('matched', 1, 10, 40)),
      ('refined', 1, 10, 41),
  ]
  assert 'no rows of 4x: they need 40 synthetic images, there are 39.' in (
      capsys.readouterr().err
  )
  assert _rows(_images(3))[0] == ('synthetic', 1, 3, 3)


def test_a_damaged_image_costs_no_scale():
  images = _images(39)._replace(
      report=ImportReport(left_out=('5.jpg: truncated',))
  )
  assert _rows(images)[1] == ('synthetic', 4, 39, 39)


def test_images_without_labels_are_refused():
  with pytest.raises(errors.InputError, match='have no labels'):
    _rows(_images(50, gaze=False))


def test_real_labels_need_other_persons_or_another_folder_of_nyu():
  config = config_lib.Config()
  real, options = _images(5), {'test_subjects': '25-32'}
  assert not training_sets.is_labelled_apart(real, config, **options)
  config.data.real.subjects = '1-24'
  assert training_sets.is_labelled_apart(real, config, **options)
  config.data.real.subjects = '1-25'
  assert not training_sets.is_labelled_apart(real, config, **options)
  assert not training_sets.is_labelled_apart(real, config, test_subjects='')

  config.data.real = config_lib.SourceConfig('nyu_hand', path='nyu/train')
  options = {'test_subjects': ''}
  assert not training_sets.is_labelled_apart(real, config, **options)
  config.data.test.path = 'nyu/test'
  assert training_sets.is_labelled_apart(real, config, **options)
  assert not training_sets.is_labelled_apart(
      real, config, test_path='nyu/../nyu/train', **options
  )
  config.data.real.path = '~/nyu/train'
  assert not training_sets.is_labelled_apart(
      real, config, test_path=os.path.expanduser('~/nyu/train'), **options
  )
