"""The paper's counts, and which answer goes into which cell."""

import numpy as np
import pytest

from simgan_jax.studies.turing_test import results
from simgan_jax.studies.turing_test.answers import Answer


def _answer(kind, selected):
  return Answer('ann', 1, kind, '7.png', selected, '2026-01-01T00:00:00+00:00')


def test_table_1_of_the_paper():
  found = results.score(np.array([[224, 276], [207, 293]]))
  assert (found.num_right, found.num_trials) == (517, 1_000)
  assert found.accuracy == 0.517
  assert found.p_value == pytest.approx(0.14834, abs=5e-6)
  assert results.conclude(found, kind='refined') == (
      '517 of 1,000 right (51.7 %, p = 0.148): people could not reliably tell'
      ' refined images from real ones.'
  )


def test_control_of_the_paper():
  # The paper gives no more than the sum, which is all that counts.
  found = results.score(np.array([[80, 20], [18, 82]]))
  assert (found.num_right, found.num_trials) == (162, 200)
  assert 0 < found.p_value < 1e-8
  assert results.conclude(found, kind='synthetic') == (
      '162 of 200 right (81.0 %, p = 9.9e-20): people could tell synthetic'
      ' images from real ones.'
  )


def test_p_is_exact_and_one_sided():
  assert results.score(np.array([[3, 0], [0, 0]])).p_value == 1 / 8
  assert results.score(np.array([[0, 3], [0, 0]])).p_value == 1
  assert results.score(np.array([[1, 1], [1, 1]])).p_value == 11 / 16


@pytest.mark.parametrize('kind', ['refined', 'synthetic'])
def test_rows_are_the_truth_and_columns_the_answers(kind):
  answers = [
      *[_answer('real', 'real')] * 1,
      *[_answer('real', 'synthetic')] * 2,
      *[_answer(kind, 'real')] * 3,
      *[_answer(kind, 'synthetic')] * 4,
  ]
  counts = results.count(answers)
  np.testing.assert_array_equal(counts, [[1, 2], [3, 4]])
  assert results.score(counts).num_right == 5


@pytest.mark.parametrize(
    ('p_value', 'text'), [(1.0, '1.000'), (0.0012, '0.001'), (9e-5, '9.0e-05')]
)
def test_a_small_p_keeps_its_size(p_value, text):
  assert results.format_p(p_value) == text
