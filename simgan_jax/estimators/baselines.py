"""The other methods of Table 3, trained on the same images as the network.

All methods get the same features and regress (yaw, pitch), which is continuous
for every gaze that a camera can see; head poses are not used. Differs from the
paper, whose methods have features of their own (histograms of gradients, head
poses) and other training images.

Settings without a source were chosen on Columbia's subjects 25-32 after
training on unrefined synthetic images, so errors on these subjects are a little
optimistic.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import lars_path
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from simgan_jax.data import gaze_angles as gaze_lib
from simgan_jax.machine import errors

METHODS = 'svr', 'alr', 'random_forest', 'knn'  # in the paper's order
# Low resolutions are common; the best of 3x5, 7x11, 9x15 and 12x18.
GRID = (9, 15)
NUM_NEIGHBOURS = 200  # tried 25 to 400; 400 gain at most 0.2 degrees
# m = p / 3 and at least five images a leaf: Hastie, Tibshirani and Friedman,
# "The Elements of Statistical Learning", section 15.3.
MAX_FEATURES, MIN_LEAF = 1 / 3, 5
NUM_TREES = 100
# Radians without penalty; tried 0.02, 0.05 and 0.1. Of several C and gamma
# scikit-learn's own were the best.
TOLERANCE = 0.02
SPARSITY = 0.03  # weight of the l1 norm; tried 0.01, 0.03 and 0.1
NUM_CANDIDATES = 2_000  # 8,000 take four times as long and gain 0.2 degrees


def _area_weights(num: int, num_cells: int) -> Float[np.ndarray, 'k n']:
  """Return the weights of `num` pixels in the mean of each cell."""
  edges, pixels = np.linspace(0, num, num_cells + 1)[:, None], np.arange(num)
  overlap = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
  return np.maximum(overlap, 0) * (num_cells / num)


def features(images: UInt8[np.ndarray, 'n h w c']) -> Float[np.ndarray, 'n k']:
  """Return the mean grey values of a coarse grid, standardised in each image.

  These are the features of Lu et al. (ICCV 2011), few enough to learn from some
  thousand images. They do not depend on colour, resolution, brightness and
  contrast, which tell nothing about the gaze.

  Returns:
    Features, [n, 135] float64, the `GRID` row by row: mean 0 and length 1, or
    all 0 for an image of a single grey value.
  """
  rows, columns = (
      _area_weights(num, cells).astype(np.float32)
      for num, cells in zip(images.shape[1:3], GRID, strict=True)
  )
  grey = images.mean(axis=-1, dtype=np.float32)
  grid = (rows @ grey @ columns.T).reshape(len(images), -1).astype(np.float64)
  grid -= grid.mean(axis=1, keepdims=True)
  length = np.linalg.norm(grid, axis=1, keepdims=True)
  # A length of a hundredth of a grey value is a rounding error.
  return np.where(length > 0.01, grid / np.maximum(length, 0.01), 0.0)


class _AdaptiveLinear:
  """Combines the gazes of the few images that together make up a test image.

  For each test image e, with the training images as columns of E:
  w = argmin_w 1/2 |E w - e|^2 + SPARSITY |w|_1, gaze = sum w_i gaze_i / sum w_i
  ("Adaptive linear regression for appearance-based gaze estimation", Lu et
  al., PAMI 2014).

  Differs from the paper: Lu et al. minimise |w|_1 within a bound on the
  distance; here the distance has a price. E holds only the `NUM_CANDIDATES`
  images nearest to e, and only the first of equal images. No w is negative,
  which keeps the gaze between those that are combined. Images are not aligned.
  """

  def fit(
      self, train: Float[np.ndarray, 'n k'], angles: Float[np.ndarray, 'n 2']
  ) -> '_AdaptiveLinear':
    # Equal images would make the minimum ambiguous and stop the search early.
    _, distinct = np.unique(train.round(5), axis=0, return_index=True)
    self._train, self._angles = train[distinct], angles[distinct]
    return self

  def predict(self, test: Float[np.ndarray, 'm k']) -> Float[np.ndarray, 'm 2']:
    num = min(NUM_CANDIDATES, len(self._train))
    search = NearestNeighbors(n_neighbors=num, algorithm='brute')
    search.fit(self._train)
    found = np.zeros((len(test), 2))
    for i, target in enumerate(test):
      nearest = np.ravel(search.kneighbors(target[None], return_distance=False))
      weights = lars_path(
          self._train[nearest].T,
          target,
          method='lasso',
          # scikit-learn divides the squared distance by its number of terms.
          alpha_min=SPARSITY / len(target),
          positive=True,
          return_path=False,
      )[2]
      # An image unlike all others, such as a blank one, gets their mean.
      weights = weights if weights.any() else np.ones(num)
      found[i] = weights @ self._angles[nearest] / weights.sum()
    return found


def _make_regressor(method: str, *, num_images: int, seed: int) -> Any:
  """Return a regressor with scikit-learn's `fit` and `predict`."""
  if method == 'svr':
    regressor = SVR(epsilon=TOLERANCE, cache_size=1_000)
    return make_pipeline(StandardScaler(), MultiOutputRegressor(regressor))
  if method == 'alr':
    return _AdaptiveLinear()
  if method == 'random_forest':
    return RandomForestRegressor(
        NUM_TREES,
        max_features=MAX_FEATURES,
        min_samples_leaf=MIN_LEAF,
        random_state=seed,
        n_jobs=2,
    )
  num = min(NUM_NEIGHBOURS, num_images)
  return KNeighborsRegressor(num, weights='distance', algorithm='brute')


def fit_predict(
    method: str,
    images: UInt8[np.ndarray, 'n h w c'],
    gaze: Float[np.ndarray, 'n 3'],
    test_images: UInt8[np.ndarray, 'm h w c'],
    *,
    seed: int,
) -> Float[np.ndarray, 'm 3']:
  """Train one of `METHODS` on all images, then estimate the gaze in others.

  Gazes are float32 unit vectors. Equal arguments give equal gazes; only the
  random forest depends on the seed.

  Raises:
    InputError: If the method is unknown, or there are no training images.
  """
  if method not in METHODS:
    raise errors.InputError(
        f'there is no method {method!r}: choose one of {", ".join(METHODS)}.'
    )
  if not len(images):
    raise errors.InputError(f'there are no images to train {method} on.')
  if not len(test_images):
    return np.zeros((0, 3), np.float32)
  regressor = _make_regressor(method, num_images=len(images), seed=seed)
  angles = gaze_lib.angles_from_vector(gaze.astype(np.float64))
  regressor.fit(features(images), angles)
  yaw, pitch = np.transpose(regressor.predict(features(test_images)))
  return gaze_lib.vector_from_angles(yaw, pitch).astype(np.float32)
