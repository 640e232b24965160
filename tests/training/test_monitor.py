"""Warnings appear when their condition holds throughout, and only then."""

import math

import pytest

from simgan_jax.machine import errors
from simgan_jax.training import monitor

HEALTHY = {
    'refiner/change': 0.1,
    'discriminator/loss_per_patch': 0.6,
    'discriminator/real_accuracy': 0.7,
    'discriminator/refined_accuracy': 0.65,
    'history/age_span': 100.0,
    'history/images': 24.0,
}


@pytest.mark.parametrize(
    ('name', 'bad'),
    [
        ('no_change', {'refiner/change': 0.001}),
        ('undecided', {'discriminator/loss_per_patch': math.log(2)}),
        (
            'discriminator_won',
            {
                'discriminator/real_accuracy': 1.0,
                'discriminator/refined_accuracy': 1.0,
            },
        ),
        ('one_generation', {'history/age_span': 0.0}),
    ],
)
def test_warnings(name, bad):
  rows = [HEALTHY | bad] * monitor.WINDOW
  assert set(monitor.find_warnings(rows)) == {name}
  assert monitor.find_warnings(rows[1:]) == {}
  assert monitor.find_warnings(rows + [HEALTHY]) == {}


def test_a_run_without_history_is_not_warned_of_its_age():
  without = {'history/age_span': 0.0, 'history/images': 0.0}
  assert not monitor.find_warnings([HEALTHY | without] * monitor.WINDOW)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_finite_stops_the_run(value):
  monitor.check_finite(HEALTHY, round_number=7)
  with pytest.raises(errors.NonFiniteError, match='round 7: refiner/change'):
    monitor.check_finite(HEALTHY | {'refiner/change': value}, round_number=7)
