"""Tables on the terminal and the sentence below them."""

import numpy as np
import pytest

from simgan_jax.report import rows as rows_lib
from simgan_jax.report import sentences, terminal


def _results(means, *, test_name='columbia_gaze', seeds=2):
  """Return results of rows {(train_on, scale, augmented or nothing): error}."""
  spread = np.arange(seeds) - (seeds - 1) / 2
  rows = [
      rows_lib.Row(
          train_on,
          scale,
          images=2_000 * scale,
          errors={i: np.full(40, mean + spread[i]) for i in range(seeds)},
          augmented=bool(augmented),
      )
      for (train_on, scale, *augmented), mean in means.items()
  ]
  return rows_lib.build(
      rows, test_name=test_name, constant_errors=np.full(40, 12.0)
  )


BOTH = {('synthetic', 1): 10.0, ('refined', 1): 8.0}


def test_rows_columns_and_constant_predictor():
  text = terminal.format_tables(_results(BOTH | {('refined', 4): 6.0}))
  lines = [line.split() for line in text.splitlines()]
  assert ['refined', '2,000', '0.0', '0.0', '100.0', '100.0'] in lines
  assert ['refined', '4x', '8,000', '6.00', '+-', '0.71', '6.00'] in lines
  assert ['constant', '12.00'] in lines
  for line in (
      'trained on  images      mean, deg  median, deg',
      'refined 4x   8,000   6.00 +- 0.71         6.00',
  ):
    assert line in text.splitlines()
  assert max(map(len, text.splitlines()[:-1])) <= 80


def test_one_seed_has_no_spread():
  results = _results(BOTH, seeds=1)
  lines = [
      line.split() for line in terminal.format_tables(results).splitlines()
  ]
  assert ['refined', '2,000', '8.00', '8.00'] in lines


def test_last_line_says_lowered_with_the_spread():
  last = terminal.format_tables(_results(BOTH)).splitlines()[-1]
  assert last == (
      'Refining lowered the mean error from 10.00 to 8.00 degrees (-20.0 %;'
      ' spread over 2 seeds: +-0.71 and +-0.71).'
  )


def test_says_raised_when_it_did():
  worse = {('synthetic', 1): 8.0, ('refined', 1): 10.0}
  assert sentences.conclude(_results(worse, seeds=1)) == (
      'Refining raised the mean error from 8.00 to 10.00 degrees (+25.0 %;'
      ' one seed, spread unknown).'
  )


def test_augmentation_and_matching_are_told_apart():
  means = BOTH | {
      ('matched', 1): 9.0,
      ('synthetic', 1, True): 6.0,
      ('refined', 1, True): 7.5,
  }
  assert sentences.conclude(_results(means, seeds=1)) == (
      'Refining lowered the mean error from 10.00 to 8.00 degrees without'
      ' augmentation (-20.0 %; one seed, spread unknown); matching histograms'
      ' alone gives 9.00. Refining raised the mean error from 6.00 to 7.50'
      ' degrees with augmentation (+25.0 %; one seed, spread unknown).'
  )


def test_compares_at_the_largest_scale_that_both_have():
  more = BOTH | {('synthetic', 4): 9.0}
  assert 'from 10.00 to 8.00' in sentences.conclude(_results(more))
  more |= {('refined', 4): 5.0}
  assert 'from 9.00 to 5.00' in sentences.conclude(_results(more))


def test_without_both_rows_there_is_nothing_to_compare():
  sentence = sentences.conclude(_results({('real', 1): 5.0}))
  assert sentence.startswith('There are no rows')


@pytest.mark.parametrize(
    ('name', 'expected'),
    [('mpiigaze', True), ('MPIIGaze p00', True), ('columbia_gaze', False)],
)
def test_published_values_beside_their_test_set_only(name, expected):
  text = terminal.format_tables(_results(BOTH, test_name=name))
  assert ('Published in Table 2' in text) == expected
  assert ('refined 87.2' in text or 'refined 4x 87.2' in text) == expected
  assert ('Published in Table 3' in text) == expected


def test_published_values_of_hands_beside_nyu():
  text = terminal.format_tables(_results(BOTH, test_name='nyu_hand'))
  assert 'refined 3x 83.3' in text and 'Table 2' not in text


def test_what_happened_to_the_images_in_sentences():
  results = _results(BOTH)
  assert sentences.describe_images(results) == []

  def realism(accuracy, distance):
    return {
        'accuracy': accuracy,
        'standard_error': 1.25,
        'kernel_distance': {'value': distance, 'standard_error': 0.1},
    }

  shift = {'num': 1_000, 'mean_px': 0.714, 'std_px': 0.5}
  results['realism'] = {
      'synthetic': realism(98.5, 6.44),
      'refined': realism(71.0, 2.0),
  }
  results['label_preservation'] = {
      'iris_shift': {'all_pairs': shift, 'error_before': None},
      'gaze_shift_deg': {'mean': 4.14, 'median': 3.0},
  }
  lines = terminal.format_tables(results).splitlines()
  assert lines[-4] == (
      'Realism: a classifier tells refined images that it has not seen'
      ' from real ones in 71.0 % +- 1.2 of the cases, synthetic ones in 98.5 %'
      ' +- 1.2 (chance 50 %); kernel distance 2.00 after 6.44.'
  )
  assert lines[-3] == (
      'Labels: refining moves the iris by 0.71 px +- 0.50 (1,000 pairs) and the'
      ' predicted gaze by 4.1 degrees.'
  )
  results['label_preservation']['iris_shift']['error_before'] = shift
  assert "(1,000 pairs, the fit's own error 0.71 px)" in terminal.format_tables(
      results
  )


def test_comparison_with_its_interval():
  rng = np.random.default_rng(0)
  subjects = np.repeat(np.arange(4), 10)
  before = rng.uniform(5, 15, 40)
  results = rows_lib.build(
      [
          rows_lib.Row('synthetic', 4, 8, {0: before}, augmented=True),
          rows_lib.Row('refined', 4, 8, {0: before / 2}, augmented=True),
      ],
      test_name='test',
      constant_errors=before,
      groups={'subject': subjects},
  )
  text = ' '.join(terminal.format_tables(results).split())
  assert 'refined 4x augmented / synthetic 0.50 0.50 to 0.50 0.0002' in text


def test_head_yaws_in_columns():
  yaw = np.repeat([15, -30, 0], 4)
  results = rows_lib.build(
      [
          rows_lib.Row('synthetic', 1, 8, {0: yaw + 40.0}),
          rows_lib.Row('refined', 4, 8, {0: yaw + 31.0, 1: yaw + 33.0}),
      ],
      test_name='test',
      constant_errors=np.ones(12),
      groups={'head_yaw_deg': yaw},
  )
  lines = [
      line.split() for line in terminal.format_tables(results).splitlines()
  ]
  place = lines.index(['trained', 'on', '-30', '0', '15'])
  # The largest scale only.
  assert lines[place + 1] == ['refined', '4x', '2.00', '32.00', '47.00']
  assert lines[place + 2] == []


def test_one_head_yaw_is_no_table():
  results = rows_lib.build(
      [rows_lib.Row('synthetic', 1, 8, {0: np.ones(4)})],
      test_name='test',
      constant_errors=np.ones(4),
      groups={'head_yaw_deg': np.zeros(4, int)},
  )
  assert 'head yaw' not in terminal.format_tables(results)
