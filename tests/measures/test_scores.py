"""Scores of classes, columns and masks, against counts by hand."""

import numpy as np
import pytest

from simgan_jax.measures import scores

TRUTH = np.array([0, 0, 0, 1, -1])
PREDICTED = np.array([0, 0, 1, 1, 1])


def test_rows_of_the_confusion_matrix_are_true_classes():
  found = scores.confusion_matrix(PREDICTED, TRUTH, 3)
  assert found.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
  assert scores.accuracy(found) == 75
  # The class without a test image does not count.
  assert scores.balanced_accuracy(found) == pytest.approx(100 * (2 / 3 + 1) / 2)


def test_r2_is_one_for_the_truth_and_zero_for_the_mean():
  truth = np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]])
  assert scores.r2(truth, truth).tolist() == [1, 0]
  mean = np.full_like(truth, 3.0)
  assert scores.r2(mean, truth)[0] == pytest.approx(0)
  assert scores.r2(truth + [3.0, 0], truth)[0] == pytest.approx(1 - 27 / 14)


def test_iou_of_a_set_and_of_each_image():
  truth = np.array([[[0, 0, 1, 1]], [[0, 0, 0, -1]], [[-1, -1, -1, -1]]])
  predicted = np.array([[[0, 1, 1, 1]], [[0, 0, 0, 0]], [[1, 1, 1, 1]]])
  confusion = scores.confusion_matrix(predicted, truth, 2)
  assert confusion.tolist() == [[4, 1], [0, 2]]
  assert scores.mean_iou(confusion) == pytest.approx(100 * (4 / 5 + 2 / 3) / 2)
  found = scores.jaccard_distances(predicted, truth, 2)
  assert found == pytest.approx([100 - 100 * (1 / 2 + 2 / 3) / 2, 0, 0])
