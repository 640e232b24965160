"""Scores of whole test sets: accuracies, R2, and overlaps of masks."""

import numpy as np
from jaxtyping import Float, Int


def confusion_matrix(
    predicted: Int[np.ndarray, '*n'], truth: Int[np.ndarray, '*n'], num: int
) -> Int[np.ndarray, 'k k']:
  """Return how often a class (row) was taken for another one (column).

  Args:
    predicted: Places of classes, from 0 to `num` - 1.
    truth: True places; -1 where they are unknown, which does not count.
    num: Number of classes.
  """
  known = truth >= 0
  pairs = truth[known].astype(np.int64) * num + predicted[known]
  return np.bincount(pairs, minlength=num**2).reshape(num, num)


def accuracy(confusion: Int[np.ndarray, 'k k']) -> float:
  """Return the share of right answers in percent."""
  return float(100 * np.trace(confusion) / confusion.sum())


def balanced_accuracy(confusion: Int[np.ndarray, 'k k']) -> float:
  """Return the mean over classes of their shares of right answers, percent.

  Classes of which there is no test image do not count.
  """
  sums = confusion.sum(axis=1)
  there = sums > 0
  return float(100 * np.mean(np.diag(confusion)[there] / sums[there]))


def r2(
    predicted: Float[np.ndarray, 'n k'], truth: Float[np.ndarray, 'n k']
) -> Float[np.ndarray, 'k']:
  """Return the coefficient of determination of every column.

  It is 1 for perfect predictions, 0 for the mean of the test labels, and 0 for
  a column whose labels are all the same.
  """
  squares = np.square(truth - truth.mean(axis=0)).sum(axis=0)
  residuals = np.square(truth - predicted).sum(axis=0)
  ones = np.ones_like(squares)
  return 1 - np.divide(residuals, squares, out=ones, where=squares > 0)


def mean_iou(confusion: Int[np.ndarray, 'k k']) -> float:
  """Return the mean over classes of intersection over union, in percent.

  `confusion` counts pixels of the whole test set. Classes that are neither
  there nor predicted do not count.
  """
  both = np.diag(confusion)
  union = confusion.sum(axis=0) + confusion.sum(axis=1) - both
  return float(100 * np.mean(both[union > 0] / union[union > 0]))


def jaccard_distances(
    predicted: Int[np.ndarray, 'n h w'],
    truth: Int[np.ndarray, 'n h w'],
    num: int,
) -> Float[np.ndarray, 'n']:
  """Return 100 - `mean_iou` of each image.

  An image without a known pixel has the distance 0.
  """
  matrices = (
      confusion_matrix(p, t, num) for p, t in zip(predicted, truth, strict=True)
  )
  return np.array([100 - mean_iou(m) if m.any() else 0.0 for m in matrices])
