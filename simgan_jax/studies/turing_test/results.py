"""The result of all answers: the paper's Table 1, accuracy and p-value."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from scipy import stats

from simgan_jax.studies.turing_test.answers import Answer

LEVEL = 0.05  # p-values below it count as better than guessing


class Results(NamedTuple):
  """How well people told the images apart, all participants pooled."""

  counts: Int[np.ndarray, '2 2']  # see `count`
  num_right: int
  num_trials: int
  accuracy: float  # in [0, 1]
  p_value: float  # in (0, 1], chance of as many right or more by guessing


def count(answers: Iterable[Answer]) -> Int[np.ndarray, '2 2']:
  """Return the confusion table in the form of the paper's Table 1.

  It is [2, 2] int64: rows real and not real, columns selected as real and
  selected as synthetic.
  """
  counts = np.zeros((2, 2), np.int64)
  for answer in answers:
    counts[int(answer.kind != 'real'), int(answer.selected != 'real')] += 1
  return counts


def score(counts: Int[np.ndarray, '2 2']) -> Results:
  """Return accuracy and exact binomial p of a confusion table.

  The test is one-sided, as in the paper: p is the probability of at least as
  many right answers if all are guesses, right with probability 1/2.

  >>> found = score(np.array([[224, 276], [207, 293]]))
  >>> found.num_right, found.num_trials, round(found.p_value, 3)
  (517, 1000, 0.148)

  Args:
    counts: Table as from `count`, at least one number above 0.
  """
  num_right, num_trials = int(np.trace(counts)), int(counts.sum())
  test = stats.binomtest(num_right, num_trials, 0.5, alternative='greater')
  accuracy = num_right / num_trials
  return Results(counts, num_right, num_trials, accuracy, float(test.pvalue))


def format_p(p_value: float) -> str:
  """Return a p-value as text, such as '0.148', or '9.9e-20' below 0.001."""
  return f'{p_value:.3f}' if p_value >= 0.001 else f'{p_value:.1e}'


def conclude(results: Results, *, kind: str) -> str:
  """Return the result in one sentence, for 'refined' or 'synthetic' images."""
  better = results.p_value < LEVEL
  return (
      f'{results.num_right:,} of {results.num_trials:,} right'
      f' ({100 * results.accuracy:.1f} %, p = {format_p(results.p_value)}):'
      f' people {"could" if better else "could not reliably"} tell {kind}'
      ' images from real ones.'
  )
