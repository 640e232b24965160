"""What every estimator is: a network with its training."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Estimator(NamedTuple):
  """A network that estimates the labels of images, and how it is trained.

  Parameters are any pytree of arrays. They hold all that a prediction needs,
  means and deviations of labels and activations too.
  """

  # (key, *, image_shape (h, w, c)) -> fresh parameters
  init_params: Callable[..., Any]
  # (images uint8, labels, *, mesh, seed, recipe, on_progress) -> parameters
  train: Callable[..., Any]
  # (parameters, images uint8 [n h w c], *, mesh) -> predictions [n ...]
  predict: Callable[..., np.ndarray]
  learning_rate: float  # the largest, unless the settings name another
