"""Paired bootstrap over persons."""

import numpy as np
import pytest

from simgan_jax.machine import errors
from simgan_jax.report import comparison

SUBJECTS = np.repeat(np.arange(8), 50)


def test_a_constant_ratio_has_no_spread():
  before = np.random.default_rng(0).uniform(5, 15, 400)
  found = comparison.paired_bootstrap(before, 0.7 * before, SUBJECTS)
  assert found.ratio == pytest.approx(0.7)
  assert found.ratio_interval == pytest.approx((0.7, 0.7))
  assert found.difference == pytest.approx(-0.3 * before.mean())
  assert found.p_value < 0.001
  assert found.groups == 8


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
  rng = np.random.default_rng(1)
  covered = []
  for _ in range(200):
    of_person = rng.normal(-1, 1, 30)
    after = 10 + np.repeat(of_person, 10) + rng.normal(0, 0.1, 300)
    subjects = np.repeat(np.arange(30), 10)
    found = comparison.paired_bootstrap(
        np.full(300, 10.0), after, subjects, num_samples=500
    )
    low, high = found.difference_interval
    covered.append(low <= -1 <= high)
  assert 0.88 <= np.mean(covered) <= 0.99


def test_images_of_one_person_are_not_independent():
  rng = np.random.default_rng(2)
  before = np.full(400, 10.0)
  after = before + np.repeat(rng.normal(0, 2, 8), 50)
  by_person = comparison.paired_bootstrap(before, after, SUBJECTS)
  by_image = comparison.paired_bootstrap(before, after, np.arange(400))
  low, high = by_person.difference_interval
  narrow_low, narrow_high = by_image.difference_interval
  assert high - low > 3 * (narrow_high - narrow_low)


def test_no_difference_is_not_significant():
  before = np.full(400, 10.0)
  after = before + np.where(np.arange(400) % 2, 1.0, -1.0)
  found = comparison.paired_bootstrap(before, after, SUBJECTS)
  assert found.p_value == 1.0 and found.difference == 0


def test_persons_with_many_images_count_more_as_in_the_mean():
  subjects = np.array([1, 2, 2, 2])
  found = comparison.paired_bootstrap(
      np.full(4, 10.0), np.array([20.0, 8, 8, 8]), subjects
  )
  assert found.ratio == pytest.approx(1.1)


def test_images_without_a_group_are_drawn_one_by_one():
  errors_of = np.full(6, 10.0), np.array([20.0, 8, 8, 8, 4, 12])
  groups = np.array(['', 'a', 'a', 'a', '', ''])
  found = comparison.paired_bootstrap(*errors_of, groups)
  alone = comparison.paired_bootstrap(*errors_of, np.array([0, 3, 3, 3, 1, 2]))
  assert found == alone and found.groups == 4


def test_no_images():
  with pytest.raises(errors.InputError, match='no errors to compare'):
    comparison.paired_bootstrap(np.zeros(0), np.zeros(0), np.zeros(0, int))
