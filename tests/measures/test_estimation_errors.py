"""Angular errors, their summary and the constant predictor."""

import numpy as np
import pytest

from simgan_jax.machine import errors
from simgan_jax.measures import estimation_errors


def test_angles_of_known_vectors_of_any_length():
  truth = np.array([[0, 0, -1.0]] * 4)
  predicted = np.array([[0, 0, -2.0], [0, 3, 0], [0, 0, 1], [1, 0, -1]])
  found = estimation_errors.angular_error_deg(predicted, truth)
  np.testing.assert_allclose(found, [0, 90, 180, 45], atol=1e-12)


def test_small_angles_survive_rounding():
  rng = np.random.default_rng(0)
  vectors = rng.normal(size=(1_000, 3))
  vectors = (vectors.T / np.linalg.norm(vectors, axis=1)).T.astype(np.float32)
  same = estimation_errors.angular_error_deg(vectors, vectors)
  assert same.dtype == np.float64
  assert same.max() < 1e-6
  angle = np.radians(1e-5)
  tilted = np.array([[0, -np.sin(angle), -np.cos(angle)]])
  forward = np.array([[0.0, 0.0, -1.0]])
  found = estimation_errors.angular_error_deg(tilted, forward)
  np.testing.assert_allclose(found, [1e-5], rtol=1e-6)


def test_summary_counts_the_threshold_itself():
  found = estimation_errors.summarize(np.array([5.0, 7.5, 10.0, 41.5]))
  assert found.mean == 16
  assert found.median == 8.75
  assert found.within == {5: 25, 7: 25, 10: 75, 13: 75}


@pytest.mark.parametrize('angles', [[], [1.0, np.nan], [np.inf]])
def test_summary_refuses_what_has_no_mean(angles):
  with pytest.raises(errors.InputError, match='cannot be summarised'):
    estimation_errors.summarize(np.array(angles))


def test_constant_predictor_is_the_unit_mean():
  gaze = np.array([[0.6, 0, -0.8], [-0.6, 0, -0.8]], np.float32)
  np.testing.assert_allclose(
      estimation_errors.constant_predictor(gaze), [0, 0, -1], atol=1e-7
  )


@pytest.mark.parametrize(
    'gaze', [np.zeros((0, 3)), np.eye(3)[[0, 0]] * [[1], [-1]]]
)
def test_constant_predictor_needs_a_mean(gaze):
  with pytest.raises(errors.InputError, match='no mean gaze'):
    estimation_errors.constant_predictor(gaze)
