"""The two tasks: what is estimated, how, and in which unit errors are."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.estimators import gaze as gaze_estimator
from simgan_jax.estimators import hand_pose as hands_estimator
from simgan_jax.measures import estimation_errors
from simgan_jax.settings import config as config_lib
from simgan_jax.simulators import hand_images


class Task(NamedTuple):
  """One of the paper's two tasks: the gaze of eyes or the joints of hands."""

  unit: estimation_errors.ErrorUnit
  init_params: Callable[..., Any]  # (key, *, image_shape) -> params
  # (images, labels, *, mesh, seed, recipe, on_progress) -> params
  train: Callable[..., Any]
  predict: Callable[..., np.ndarray]  # (params, images, *, mesh) -> [n, ...]
  # (predictions, test images) -> errors [n] or, for joints, [n, k]
  errors: Callable[[np.ndarray, LabelledImages], np.ndarray]
  # (labels) -> the best prediction that is the same for every image
  constant: Callable[[np.ndarray], np.ndarray]
  # The errors in mm, where they are lengths
  errors_mm: Callable[[np.ndarray, LabelledImages], np.ndarray] | None = None


def _angles_deg(
    predicted: Float[np.ndarray, 'n 3'], test: LabelledImages
) -> Float[np.ndarray, 'n']:
  assert test.gaze is not None
  return estimation_errors.angular_error_deg(predicted, test.gaze)


def _joint_errors_px(
    predicted: Float[np.ndarray, 'n k 2'], test: LabelledImages
) -> Float[np.ndarray, 'n k']:
  """Return distances in px of an image as wide as the paper's."""
  assert test.joints is not None
  distance = np.linalg.norm(predicted - test.joints[..., :2], axis=2)
  return distance * (estimation_errors.HANDS_WIDTH / test.images.shape[2])


def _joint_errors_mm(
    predicted: Float[np.ndarray, 'n k 2'], test: LabelledImages
) -> Float[np.ndarray, 'n k']:
  """Return distances in the plane parallel to the image at the true depth."""
  assert test.joints is not None and test.intrinsics is not None
  guess = np.concatenate([predicted, test.joints[..., 2:]], axis=2)
  found = hand_images.to_millimetres(guess, test.intrinsics)
  true = hand_images.to_millimetres(test.joints, test.intrinsics)
  return np.linalg.norm(found - true, axis=2)


GAZE = Task(
    unit=estimation_errors.GAZE,
    init_params=gaze_estimator.init_params,
    train=gaze_estimator.train,
    predict=gaze_estimator.predict,
    errors=_angles_deg,
    constant=estimation_errors.constant_predictor,
)


def choose(test: LabelledImages, settings: config_lib.EvaluationConfig) -> Task:
  """Return the task that labelled test images are for."""
  if test.joints is None:
    return GAZE
  sizes = hands_estimator.Sizes(
      settings.heatmap_size, settings.hourglass_features, settings.num_stacks
  )
  return Task(
      unit=estimation_errors.HANDS,
      init_params=functools.partial(hands_estimator.init_params, sizes=sizes),
      train=functools.partial(hands_estimator.train, sizes=sizes),
      predict=functools.partial(hands_estimator.predict, sizes=sizes),
      errors=_joint_errors_px,
      constant=lambda joints: joints[..., :2].mean(axis=0),
      errors_mm=_joint_errors_mm,
  )
