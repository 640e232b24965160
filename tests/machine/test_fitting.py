"""The loop around steps: where it starts, stops, and what it refuses."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.machine import errors, fitting, silence


def _add(state, batch):
  """Take as many steps as the batch has numbers; the metric is the number."""
  return state + len(batch), {'loss': jnp.asarray(batch)}


def _fit(stream, **options):
  settings = {'name': 'adding', 'remedy': 'add less', 'num_steps': 10}
  return fitting.fit(_add, 0, iter(stream), **settings | options)


def test_steps_are_taken_until_there_are_enough():
  progress = []
  chunks = itertools.repeat(np.zeros(5))
  assert _fit(chunks, on_progress=progress.append) == 10
  assert progress == [5, 5]
  assert _fit(chunks, first_step=5) == 5
  assert _fit(chunks, first_step=10) == 0


def test_a_stop_is_asked_for_before_each_call():
  asked = []

  def should_stop(number):
    asked.append(number)
    return number == 4

  assert _fit(itertools.repeat(np.zeros(2)), should_stop=should_stop) == 4
  assert asked == [0, 2, 4]


@pytest.mark.parametrize('check_every', [1, 2, 100])
def test_a_loss_that_is_not_finite_names_its_step(check_every):
  losses = [[1.0, 1.0], [1.0, np.inf], [np.nan, np.nan], [1.0, 1.0], [1.0, 1.0]]
  with pytest.raises(
      errors.NonFiniteError, match='adding: .* at step 24; add less'
  ):
    _fit(losses, num_steps=30, first_step=20, check_every=check_every)


def test_silence_takes_any_call():
  quiet = silence.Silent()
  assert quiet('x', y=1) is None
  assert quiet.write.line('x') is None
  with pytest.raises(AttributeError):
    _ = quiet.__array__
