"""Arrays in memory: what is refused before anything is trained on it."""

import numpy as np
import pytest

from simgan_jax.data import in_memory
from simgan_jax.machine.errors import InputError

IMAGES = np.zeros((2, 4, 6), np.uint8)


def test_gaze_has_length_1_or_is_unknown():
  gaze = [[0, 0, 2], [np.nan] * 3]
  made = in_memory.make_set(IMAGES, np.array(gaze), None, 'gaze', 'real')
  np.testing.assert_array_equal(made.gaze, [[0, 0, 1], [np.nan] * 3])
  assert made.are_labelled().tolist() == [True, False]


@pytest.mark.parametrize(
    'gaze',
    [
        np.ones((2, 2)),
        np.ones(2),
        np.array([[0, 0, 0.0], [0, 0, 1]]),
        np.array([[0, 0, np.inf], [0, 0, 1]]),
        np.array([['a', 'b', 'c']] * 2),
    ],
)
def test_other_arrays_are_no_gaze(gaze):
  with pytest.raises(InputError, match='the real labels are .* gaze needs'):
    in_memory.make_set(IMAGES, gaze, None, 'gaze', 'real')


@pytest.mark.parametrize('task', ['hands', 'sorting'])
def test_tasks_that_arrays_cannot_have(task):
  with pytest.raises(InputError, match='choose one of auto, gaze, class'):
    in_memory.make_set(IMAGES, None, None, task, 'synthetic')
