"""The tasks: what is estimated, how, and in which unit errors are."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.estimators import compact, hand_pose, maps
from simgan_jax.estimators import gaze as gaze_estimator
from simgan_jax.estimators.estimator import Estimator
from simgan_jax.machine import errors
from simgan_jax.measures import estimation_errors, scores, units
from simgan_jax.settings import config as config_lib
from simgan_jax.simulators import hand_images


def _no_measures(
    predicted: np.ndarray, test: LabelledImages
) -> dict[str, float | np.ndarray]:
  del predicted, test
  return {}


class Task(NamedTuple):
  """What is estimated, by which network, and how its answers are judged."""

  unit: units.ErrorUnit
  estimator: Estimator
  # (predictions, test images) -> errors [n] or [n, k]; NaN where a label is
  # unknown
  errors: Callable[[np.ndarray, LabelledImages], np.ndarray]
  # (labels) -> the best prediction that is the same for every image
  constant: Callable[[np.ndarray], np.ndarray]
  # (predictions, test images) -> numbers and arrays by their key in
  # `eval/metrics.json`
  measures: Callable[[np.ndarray, LabelledImages], dict[str, Any]] = (
      _no_measures
  )
  # (predictions) -> labels of the form that the data set has
  to_labels: Callable[[np.ndarray], np.ndarray] = np.asarray
  names: tuple[str, ...] = ()  # of classes, columns or points


def choose(
    name: str, test: LabelledImages, settings: config_lib.EvaluationConfig
) -> Task:
  """Return the task of a name for labelled test images.

  Raises:
    InputError: If the paper has no estimator for it, but `settings` ask for it.
  """
  if name == 'gaze':
    return _gaze(settings)
  if name == 'hands':
    return _hands(settings)
  if settings.estimator == 'paper':
    raise errors.InputError(
        f'evaluation.estimator=paper has no network for the task {name!r}, only'
        ' for gaze and hands; use compact.'
    )
  assert test.targets is not None
  names, labels = test.targets.names, test.targets.values
  if name == 'regression':
    return _regression(names, labels)
  make = {'class': _classes, 'points': _points, 'mask': _masks}[name]
  return make(names)


def _gaze(settings: config_lib.EvaluationConfig) -> Task:
  def angles_deg(predicted, test):
    return estimation_errors.angular_error_deg(predicted, test.gaze)

  is_paper = settings.estimator == 'paper'
  estimator = gaze_estimator.ESTIMATOR if is_paper else compact.make('gaze')
  constant = estimation_errors.constant_predictor
  return Task(units.GAZE, estimator, angles_deg, constant)


def _hands(settings: config_lib.EvaluationConfig) -> Task:
  sizes = hand_pose.Sizes(
      settings.heatmap_size, settings.hourglass_features, settings.num_stacks
  )
  is_paper = settings.estimator == 'paper'
  return Task(
      unit=units.HANDS,
      estimator=(
          hand_pose.make(sizes)
          if is_paper
          else maps.make('hands', len(hand_images.JOINTS))
      ),
      errors=_joint_errors_px,
      constant=lambda joints: joints[..., :2].mean(axis=0),
      measures=lambda predicted, test: {
          'mean_mm': float(_joint_errors_mm(predicted, test).mean())
      },
  )


def _joint_errors_px(
    predicted: Float[np.ndarray, 'n k 2'], test: LabelledImages
) -> Float[np.ndarray, 'n k']:
  """Return distances in px of an image as wide as the paper's."""
  assert test.joints is not None
  distance = np.linalg.norm(predicted - test.joints[..., :2], axis=2)
  return distance * (units.HANDS_WIDTH / test.images.shape[2])


def _joint_errors_mm(
    predicted: Float[np.ndarray, 'n k 2'], test: LabelledImages
) -> Float[np.ndarray, 'n k']:
  """Return distances in the plane parallel to the image at the true depth."""
  assert test.joints is not None and test.intrinsics is not None
  guess = np.concatenate([predicted, test.joints[..., 2:]], axis=2)
  found = hand_images.to_millimetres(guess, test.intrinsics)
  true = hand_images.to_millimetres(test.joints, test.intrinsics)
  return np.linalg.norm(found - true, axis=2)


def _classes(names: tuple[str, ...]) -> Task:

  def wrong(predicted, test):
    return 100.0 * (predicted.argmax(axis=1) != test.labels)

  def measures(predicted, test):
    confusion = scores.confusion_matrix(
        predicted.argmax(axis=1), test.labels, len(names)
    )
    return {
        'accuracy': scores.accuracy(confusion),
        'balanced_accuracy': scores.balanced_accuracy(confusion),
        'confusion': confusion,
    }

  def most_frequent(labels):
    return np.bincount(labels, minlength=len(names)) / len(labels)

  return Task(
      unit=units.CLASS,
      estimator=compact.make('class', len(names)),
      errors=wrong,
      constant=most_frequent,
      measures=measures,
      to_labels=lambda predicted: predicted.argmax(axis=1),
      names=names,
  )


def _regression(
    names: tuple[str, ...], tested: Float[np.ndarray, 'n k']
) -> Task:
  several = len(names) > 1
  # The same unit whatever set is asked; a constant column keeps its own.
  _, deviation = compact.scale_of(tested.astype(np.float64))

  def absolute(predicted, test):
    found = np.abs(predicted.astype(np.float64) - test.labels)
    return found / deviation if several else found

  def measures(predicted, test):
    r2 = scores.r2(predicted.astype(np.float64), test.labels)
    return {
        'r2': float(np.mean(r2)),
        'r2_by_label': r2,
        'mae_by_label': np.abs(predicted - test.labels).mean(axis=0),
    }

  return Task(
      unit=units.REGRESSION_OF_SEVERAL if several else units.REGRESSION,
      estimator=compact.make('regression', len(names)),
      errors=absolute,
      constant=lambda labels: labels.mean(axis=0),
      measures=measures,
      names=names,
  )


def _points(names: tuple[str, ...]) -> Task:

  def distances(predicted, test):
    return np.linalg.norm(predicted - test.labels, axis=2)

  return Task(
      unit=units.POINTS,
      estimator=maps.make('points', len(names)),
      errors=distances,
      constant=functools.partial(np.nanmean, axis=0),
      names=names,
  )


def _masks(names: tuple[str, ...]) -> Task:

  def distances(predicted, test):
    return scores.jaccard_distances(predicted, test.labels, len(names))

  def measures(predicted, test):
    confusion = scores.confusion_matrix(predicted, test.labels, len(names))
    return {
        'mean_iou': scores.mean_iou(confusion),
        'pixel_accuracy': scores.accuracy(confusion),
        'confusion': confusion,
    }

  def most_frequent(labels):
    counts = np.bincount(labels[labels >= 0], minlength=len(names))
    return np.full(labels.shape[1:], counts.argmax(), np.int32)

  return Task(
      unit=units.MASK,
      estimator=maps.make('mask', len(names)),
      errors=distances,
      constant=most_frequent,
      measures=measures,
      names=names,
  )
