"""Tables on the terminal and the sentence below them."""

import numpy as np
import pytest

from simgan_jax.evaluation import rows as rows_lib
from simgan_jax.evaluation import tables


def _results(means, *, test_name='columbia_gaze', seeds=2):
  """Return results of rows {(train_on, scale): mean error}."""
  spread = np.arange(seeds) - (seeds - 1) / 2
  rows = [
      rows_lib.Row(
          *(train_on, scale, 2_000 * scale),
          {i: np.full(40, mean + spread[i]) for i in range(seeds)},
      )
      for (train_on, scale), mean in means.items()
  ]
  return rows_lib.build(
      rows, test_name=test_name, constant_angles_deg=np.full(40, 12.0)
  )


BOTH = {('synthetic', 1): 10.0, ('refined', 1): 8.0}


def test_rows_columns_and_constant_predictor():
  text = tables.format_tables(_results(BOTH | {('refined', 4): 6.0}))
  lines = [line.split() for line in text.splitlines()]
  assert ['refined', '2,000', '0.0', '0.0', '100.0', '100.0'] in lines
  assert ['refined', '4x', '8,000', '6.00', '0.71', '6.00'] in lines
  assert ['constant', '12.00'] in lines
  assert max(map(len, text.splitlines()[:-1])) <= 80


def test_last_line_says_lowered_with_the_spread():
  last = tables.format_tables(_results(BOTH)).splitlines()[-1]
  assert last == (
      'Refining lowered the mean error from 10.00 to 8.00 degrees (-20.0 %;'
      ' spread over 2 seeds: +-0.71 and +-0.71).'
  )


def test_says_raised_when_it_did():
  worse = {('synthetic', 1): 8.0, ('refined', 1): 10.0}
  assert tables.conclude(_results(worse, seeds=1)) == (
      'Refining raised the mean error from 8.00 to 10.00 degrees (+25.0 %;'
      ' one seed, spread unknown).'
  )


def test_compares_at_the_largest_scale_that_both_have():
  more = BOTH | {('synthetic', 4): 9.0}
  assert 'from 10.00 to 8.00' in tables.conclude(_results(more))
  more |= {('refined', 4): 5.0}
  assert 'from 9.00 to 5.00' in tables.conclude(_results(more))


def test_without_both_rows_there_is_nothing_to_compare():
  sentence = tables.conclude(_results({('real', 1): 5.0}))
  assert sentence.startswith('There are no rows')


@pytest.mark.parametrize(
    ('name', 'expected'),
    [('mpiigaze', True), ('MPIIGaze p00', True), ('columbia_gaze', False)],
)
def test_published_values_beside_their_test_set_only(name, expected):
  text = tables.format_tables(_results(BOTH, test_name=name))
  assert ('Published in Table 2' in text) == expected
  assert ('refined 87.2' in text or 'refined 4x 87.2' in text) == expected
  assert ('Published in Table 3' in text) == expected
