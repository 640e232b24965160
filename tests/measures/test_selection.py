"""The rule chooses without a real label, in every case."""

import pytest

from simgan_jax.measures import selection


def _measured(distance, shift=None):
  found = {selection.DISTANCE: distance}
  return found if shift is None else found | {selection.SHIFT: shift}


def _choose(measured, rounds=(0, 10, 20, 30), *, width=55, num_rounds=20):
  return selection.Rule(width, num_rounds).order(rounds, measured)


def test_the_smallest_distance_that_keeps_the_labels():
  measured = {
      10: _measured(5.0, 0.4),
      20: _measured(3.0, 1.1),  # at most, so this one still keeps them
      30: _measured(1.0, 1.2),
  }
  assert _choose(measured) == [20, 10, 30, 0]


def test_none_keeps_the_labels_then_the_smallest_shift():
  measured = {
      10: _measured(1.0, 3.0),
      20: _measured(5.0, 1.2),
      30: _measured(2.0, 2.0),
  }
  assert _choose(measured) == [20, 30, 10, 0]


def test_a_wider_image_may_move_its_iris_further():
  measured = {10: _measured(5.0, 0.1), 20: _measured(1.0, 2.2)}
  assert _choose(measured, (10, 20)) == [10, 20]
  assert _choose(measured, (10, 20), width=110) == [20, 10]
  assert _choose(measured, (10, 20), width=109) == [10, 20]


def test_the_second_half_goes_first_but_not_before_the_labels():
  measured = {
      10: _measured(1.0, 0.1),
      14: _measured(0.5, 0.1),
      15: _measured(3.0, 0.1),
      20: _measured(2.0, 0.1),
      30: _measured(0.1, 1.2),
  }
  order = _choose(measured, (10, 14, 15, 20, 30), num_rounds=30)
  assert order == [20, 15, 14, 10, 30]
  order = _choose(measured, (10, 14, 15, 20, 30), num_rounds=29)
  assert order == [20, 15, 14, 10, 30]
  order = _choose(measured, (10, 14, 15, 20, 30), num_rounds=28)
  assert order == [14, 20, 15, 10, 30]


def test_without_irises_the_distance_alone():
  measured = {10: _measured(2.0), 20: _measured(1.0), 30: _measured(3.0)}
  assert _choose(measured) == [20, 10, 30, 0]


def test_nothing_measured_then_the_newest():
  assert _choose({}) == [30, 20, 10, 0]
  assert _choose({}, ()) == []
  assert _choose({10: {}, 20: {}, 30: {'round': 30}}) == [30, 20, 10, 0]


def test_a_measured_round_goes_before_a_newer_one_that_is_not():
  assert _choose({10: _measured(9.0, 9.0)}) == [10, 30, 20, 0]


def test_round_0_has_seen_no_real_image_and_is_the_last_resort():
  measured = {0: _measured(0.1, 0.0), 10: _measured(9.0, 9.0)}
  assert _choose(measured) == [10, 30, 20, 0]


def test_the_newer_of_equals_and_rounds_without_a_checkpoint_do_not_count():
  equal = dict.fromkeys((10, 20, 25), _measured(1.0, 1.0))
  assert _choose(equal) == [20, 10, 30, 0]


@pytest.mark.parametrize(
    ('number', 'measured', 'words'),
    [
        (20, None, 'newest, as none that can be read was measured'),
        (20, {}, 'newest, as none that can be read was measured'),
        (9, _measured(1.5), 'smallest patch distance 1.5'),
        (10, _measured(1.5), 'smallest patch distance 1.5 since round 10'),
        (
            20,
            _measured(1.5, 0.5),
            'smallest patch distance 1.5 since round 10 with the iris moved by'
            ' 0.50 px of 1.10 px',
        ),
        (
            9,
            _measured(1.5, 1.3),
            'iris moved least, by 1.30 px, though more than 1.10 px; patch'
            ' distance 1.5',
        ),
    ],
)
def test_the_reason_is_said(number, measured, words):
  assert selection.Rule(55, 19).describe(number, measured) == words
