"""Which training sets, and so which rows, an evaluation has."""

import numpy as np

from simgan_jax.data import inputs
from simgan_jax.data.labelled_images import ImportReport, LabelledImages
from simgan_jax.evaluation import training_sets


def _images(number, gaze=True):
  return LabelledImages(
      images=np.full((number, 4, 6, 1), number, np.uint8),
      gaze=np.ones((number, 3), np.float32) if gaze else None,
      head_pose=None,
      subjects=np.zeros(number, np.int32),
      names=np.arange(number).astype(str),
      report=ImportReport(),
  )


def _rows(synthetic, *, matched=True, scales=(1, 4), num_samples=1):
  images = synthetic.images
  sets = training_sets.build(
      synthetic,
      images + 1 if matched else None,
      np.stack([images + 2 + i for i in range(num_samples)]),
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


def test_samples_of_the_noise_are_one_more_row():
  rows = _rows(_images(50), matched=False, num_samples=3)
  assert rows[2:] == [
      *(('refined', 1, 10, 52), ('refined', 4, 40, 52)),
      *(('samples', 4, 120, 54), ('real', 1, 7, 7)),
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


def test_real_labels_count_where_no_group_is_tested():
  real = _images(5)._replace(groups=np.array(['1', '1', '2', '3', '3']))
  test = _images(2)._replace(groups=np.array(['3', '4']))

  def apart(real, test, of_one_place):
    found = training_sets.labelled_apart(real, test, of_one_place=of_one_place)
    return None if found is None else found.names.tolist()

  for of_one_place in (False, True):
    assert apart(real, test, of_one_place) == ['0', '1', '2']
    assert apart(real, real, of_one_place) is None
  # Without groups, another folder is what tells them apart.
  unknown = test._replace(groups=None)
  assert apart(real, unknown, of_one_place=True) is None
  assert apart(real, unknown, of_one_place=False) == ['0', '1', '2', '3', '4']
  # A copy of a tested image in another folder, and an unknown group, are not.
  tested = real._replace(images=real.images + 1, groups=np.array([*'67899']))
  assert apart(real, tested, of_one_place=False) == [*'01234']
  images = tested.images.copy()
  images[4] = real.images[0] = 77
  tested = tested._replace(images=images)
  assert apart(real, tested, of_one_place=False) == [*'1234']
  unknown = tested._replace(groups=None)
  assert apart(real, unknown, of_one_place=False) == [*'1234']
  partly = real._replace(groups=np.array([*'11', '', *'33']))
  assert apart(partly, tested, of_one_place=False) == [*'134']
  gaze = real.gaze.copy()
  gaze[1] = np.nan
  assert apart(real._replace(gaze=gaze), test, of_one_place=True) == ['0', '2']
  unlabelled = _images(5, gaze=False)._replace(groups=real.groups)
  assert apart(unlabelled, test, of_one_place=True) is None


def test_a_place_is_the_same_however_it_is_written(tmp_path):
  (tmp_path / 'a').mkdir()
  paths = tmp_path / 'a', tmp_path / 'a' / '..' / 'a', tmp_path
  first, same, other = (
      inputs.make_source('nyu_hand', path=path, height=8, width=8).place
      for path in paths
  )
  assert first == same != other
