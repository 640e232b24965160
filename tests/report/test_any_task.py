"""Tables, sentences and pictures of other tasks than gaze and hands."""

import json

import numpy as np
import pytest
from PIL import Image

from simgan_jax.measures import units
from simgan_jax.report import confusion, curves, sentences, tables, terminal
from simgan_jax.report import rows as rows_lib


def _build(unit, errors, measures, **options):
  """Return rows and results of a synthetic and a refined row, two seeds."""
  rows = [
      rows_lib.Row(
          train_on,
          1,
          50,
          {seed: np.array(errors[train_on], float) for seed in (0, 1)},
          measures={0: measures[train_on], 1: measures[train_on]},
      )
      for train_on in ('synthetic', 'refined')
  ]
  results = rows_lib.build(
      rows,
      test_name='test',
      constant_errors=np.array(errors['synthetic'], float),
      unit=unit,
      **options,
  )
  scalars = measures['synthetic'].items()
  results['constant_predictor'] |= {
      key: value for key, value in scalars if isinstance(value, float)
  }
  return rows, json.loads(json.dumps(results, allow_nan=False))


@pytest.fixture
def classes():
  """Return the results of signs of two classes, of three tracks."""
  measures = {
      'synthetic': {
          'accuracy': 50.0,
          'balanced_accuracy': 40.0,
          'confusion': np.array([[1, 3], [0, 2]]),
      },
      'refined': {
          'accuracy': 75.0,
          'balanced_accuracy': 70.0,
          'confusion': np.array([[4, 0], [1, 1]]),
      },
  }
  wrong = {'synthetic': [100, 100, 0, 0], 'refined': [0, 100, 0, 0]}
  return _build(
      units.CLASS,
      wrong,
      measures,
      labels=('20', '100'),
      groups={'track': np.array(['a', 'a', 'b', 'c'])},
      group='track',
  )[1]


def test_classes_have_accuracies_and_a_matrix(classes, tmp_path):
  row = classes['rows'][1]
  assert row['accuracy'] == {'mean': 75.0, 'std': 0.0}
  assert row['confusion'] == [[4, 0], [1, 1]]
  assert row['by_track'] == {'a': 50, 'b': 0, 'c': 0}
  assert (classes['drawn'], classes['comparisons'][0]['groups']) == ('track', 3)
  found = tables.make_tables(classes)
  assert found['Errors'].header[2:] == ['accuracy, %', 'balanced, %']
  assert found['By label'].lines[0] == ['synthetic', '25', '100']
  assert 'By track' in found
  path = tmp_path / 'confusion.png'
  confusion.draw(str(path), classes)
  pixels = np.asarray(Image.open(path).convert('RGB'))
  # The darkest blue stands for 100 %: three of the eight cells.
  dark = (np.abs(pixels.astype(int) - (8, 48, 107)).sum(axis=2) < 12).mean()
  assert 0.1 < dark < 0.4


def test_a_class_that_photographs_do_not_know_is_shown(classes):
  assert 'Looks or shapes?' not in tables.make_tables(classes)
  classes['shapes'] = {
      'synthetic': {'accuracy': 60.0, 'confusion': [[5, 0], [4, 1]]},
      'refined': {'accuracy': 55.0, 'confusion': [[4, 1], [4, 1]]},
  }
  table = tables.make_tables(classes)['Looks or shapes?']
  assert table.header == ['asked about', 'accuracy', '20', '100']
  assert table.lines[1] == ['refined', '55.00', '80', '20']
  assert 'asked about' in terminal.format_tables(classes)
  # No image is of the second class: nothing is known of it.
  classes['shapes']['synthetic']['confusion'][1] = [0, 0]
  table = tables.make_tables(classes)['Looks or shapes?']
  assert table.lines[0] == ['synthetic', '60.00', '100', '']


def test_long_and_many_names_stay_apart_and_within_80_characters(classes):
  names = [f'speed limit {i}' for i in range(40)]
  classes['labels'] = names
  for row in classes['rows']:
    row['confusion'] = np.eye(40).tolist()
  text = terminal.format_tables(classes)
  assert max(map(len, text.splitlines()[:-1])) <= 80
  assert all(f'  {name}' in text for name in names)
  assert text.split().count('100') == 2 * 40


def test_the_last_sentence_speaks_of_accuracy(classes):
  text = terminal.format_tables(classes)
  assert text.splitlines()[-1] == (
      'Refining raised the accuracy from 50.00 to 75.00 % (+25.0 points; spread'
      ' over 2 seeds: +-0.00 and +-0.00).'
  )
  assert 'drawing the 3 groups by track again' in text.replace('\n', ' ')
  assert max(map(len, text.splitlines()[:-1])) <= 80
  assert sentences.describe_constant(classes).endswith('accuracy of 50.0 %.')


@pytest.mark.parametrize(
    ('unit', 'one', 'several'),
    [
        (units.POINTS, 'subject', '3 subjects'),
        (units.GAZE, 'person', '3 persons'),
    ],
)
def test_only_eyes_and_hands_are_of_persons(unit, one, several):
  error = np.arange(1.0, 5.0)
  results = rows_lib.build(
      [rows_lib.Row(x, 1, 5, {0: error}) for x in ('synthetic', 'refined')],
      test_name='test',
      constant_errors=error,
      groups={'subject': np.array([1, 1, 2, 3])},
      unit=unit,
  )
  found = tables.make_tables(results)
  assert f'the {several} again' in found['Refined against unrefined'].caption
  assert found[f'By {one}'].caption.endswith(f'by {one}')


def test_several_columns_are_measured_in_their_deviations(tmp_path):
  measures = {
      name: {
          'r2': 0.5,
          'r2_by_label': np.array([0.4, 0.6]),
          'mae_by_label': np.array([1.5, 250.0]),
      }
      for name in ('synthetic', 'refined')
  }
  errors = {'synthetic': [[2, 1], [1, 4]], 'refined': [[1, 1], [1, 1]]}
  rows, results = _build(
      units.REGRESSION_OF_SEVERAL, errors, measures, labels=('width', 'mass')
  )
  assert rows_lib.unit_of(results) is units.REGRESSION_OF_SEVERAL
  assert results['rows'][0]['mean_absolute_error']['mean'] == 2
  found = tables.make_tables(results)
  assert found['By label'].lines[1] == ['refined', '1.5', '250']
  assert sentences.conclude(results).startswith(
      'Refining lowered the mean error from 2.00 to 1.00 standard deviations'
  )
  path = tmp_path / 'curve.png'
  curves.draw(str(path), rows, test_name='test', unit=units.REGRESSION)
  assert path.stat().st_size > 10_000


def test_points_that_are_unknown_do_not_count():
  nan = np.nan
  errors = {'synthetic': [[2, nan], [4, 6]], 'refined': [[1, nan], [2, 3]]}
  _, results = _build(
      units.POINTS, errors, {'synthetic': {}, 'refined': {}}, labels=('a', 'b')
  )
  assert results['rows'][0]['mean_px']['mean'] == 4
  assert results['comparisons'][0]['ratio'] == pytest.approx(3.5 / 7)
