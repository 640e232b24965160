"""Tasks: their networks and errors, of joints in px and mm."""

import functools

import jax
import numpy as np
import pytest

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.targets import Targets
from simgan_jax.evaluation import tasks
from simgan_jax.machine import errors
from simgan_jax.measures import units
from simgan_jax.report import rows as rows_lib
from simgan_jax.report import terminal
from simgan_jax.settings import config as config_lib
from simgan_jax.simulators import hand_images


@pytest.fixture
def test_set():
  """Return five images of 56 x 56 with joints known in mm."""
  rng = np.random.default_rng(0)
  points = rng.uniform(-60, 60, (5, 14, 3)) + [0, 0, 700]
  intrinsics = np.tile(np.float32([130, 130, 27.5, 27.5]), (5, 1))
  return LabelledImages(
      images=np.zeros((5, 56, 56, 1), np.uint8),
      gaze=None,
      head_pose=None,
      subjects=np.array([25, 25, 26, 26, 26], np.int32),
      names=np.arange(5).astype(str),
      joints=hand_images.to_pixels(points, intrinsics).astype(np.float32),
      intrinsics=intrinsics,
  )


@pytest.mark.parametrize('estimator', ['compact', 'paper'])
@pytest.mark.parametrize('name', ['gaze', 'hands'])
def test_both_estimators_of_gaze_and_hands(test_set, name, estimator):
  settings = config_lib.EvaluationConfig(estimator=estimator)
  task = tasks.choose(name, test_set, settings)
  assert task.unit is {'gaze': units.GAZE, 'hands': units.HANDS}[name]
  shape = test_set.images.shape[1:]
  params = jax.eval_shape(
      functools.partial(task.estimator.init_params, image_shape=shape),
      jax.random.key(0),
  )
  assert jax.tree.leaves(params)


def test_the_paper_has_no_network_for_classes(test_set):
  settings = config_lib.EvaluationConfig(estimator='paper')
  with pytest.raises(errors.InputError, match="no network for the task 'cl"):
    tasks.choose('class', test_set, settings)


def test_pixels_are_those_of_the_papers_width_and_mm_true_lengths(test_set):
  task = tasks.choose('hands', test_set, config_lib.EvaluationConfig())
  joints = test_set.joints
  predicted = joints[..., :2] + np.float32([3, 4])
  px = task.errors(predicted, test_set)
  np.testing.assert_allclose(px, 5 * 224 / 56, rtol=1e-5)
  mm = task.measures(predicted, test_set)['mean_mm']
  assert mm == pytest.approx(np.mean(5 * joints[..., 2] / 130), rel=1e-4)
  assert task.constant(joints).shape == (14, 2)


def test_deviations_are_those_of_the_test_labels_whatever_is_asked(test_set):
  values = np.float32([[0, 7.1], [2, 7.1], [4, 7.1], [6, 7.1], [8, 7.1]])
  test = test_set._replace(
      joints=None, targets=Targets('regression', values, ('width', 'same'))
  )
  task = tasks.choose('regression', test, config_lib.EvaluationConfig())
  expected = np.tile([3 / np.sqrt(8), 2], (5, 1))
  for labels in (values, values * 10):
    asked = test.with_labels(labels)
    found = task.errors(labels + np.float32([3, 2]), asked)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_rows_of_hands_have_the_contracts_fields(test_set):
  px = np.full((5, 14), 4.0)
  px[0, 3] = 30.0  # one joint of one frame
  rows = [
      rows_lib.Row(
          train_on, 1, 9, {0: error}, True, measures={0: {'mean_mm': mm}}
      )
      for train_on, error, mm in (
          ('synthetic', 2 * px, 12.0),
          ('refined', px, 8.0),
      )
  ]
  results = rows_lib.build(
      rows,
      test_name='hands',
      constant_errors=px,
      groups={'subject': test_set.subjects},
      unit=units.HANDS,
  )
  row = results['rows'][1]
  assert results['task'] == 'hands'
  assert row['mean_px']['mean'] == pytest.approx(px.mean())
  assert row['mean_mm']['mean'] == 8.0
  assert row['within_px']['5'] == pytest.approx(100 * 69 / 70)
  assert row['frames_within_px']['5'] == pytest.approx(80)
  assert row['by_subject'] == {'25': pytest.approx(px[:2].mean()), '26': 4.0}
  assert results['comparisons'][0]['ratio'] == pytest.approx(0.5)
  text = terminal.format_tables(results)
  assert 'Refining lowered the mean error from 8.74 to 4.37 pixels' in text
  assert '98.6' in text
