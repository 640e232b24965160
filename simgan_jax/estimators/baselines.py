"""The other methods of Table 3, trained like the network on any images.

All see the same features and regress (yaw, pitch), which is continuous for
every gaze that a camera can see; head poses are not used. Differs from the
paper: its numbers are of methods with features of their own (histograms of
gradients, head poses) and other training images.

Settings that no source is given for were chosen on Columbia's subjects 25-32,
trained on unrefined synthetic images; errors on those are a little optimistic.
"""

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

# Low resolutions are the custom; of 3x5, 7x11, 9x15 and 12x18 the best.
GRID = (9, 15)
NUM_NEIGHBOURS = 200  # 25 to 400 tried; 400 gain 0.2 degrees or less
# m = p / 3 and at least five images a leaf: Hastie, Tibshirani and Friedman,
# "The Elements of Statistical Learning", section 15.3.
MAX_FEATURES, MIN_LEAF = 1 / 3, 5
NUM_TREES = 100
# Radians without penalty; 0.02, 0.05 and 0.1 tried, and other C and gamma than
# scikit-learn's, which were the best.
TOLERANCE = 0.02
SPARSITY = 0.03  # weight of the l1 norm; 0.01, 0.03 and 0.1 tried
NUM_CANDIDATES = 2_000  # all 8,000 take four times as long, 0.2 degrees better


def _area_weights(num: int, num_cells: int) -> Float[np.ndarray, 'k n']:
  """Return the share of each of `num` pixels in the mean of each cell."""
  edges = np.linspace(0, num, num_cells + 1)
  pixels = np.arange(num)
  overlap = np.minimum(edges[1:, None], pixels + 1)
  overlap = overlap - np.maximum(edges[:-1, None], pixels)
  return np.maximum(overlap, 0) * (num_cells / num)


def features(images: UInt8[np.ndarray, 'n h w c']) -> Float[np.ndarray, 'n k']:
  """Return the mean grey values of a coarse grid, standardised in each image.

  Intensities on a coarse grid are the features of Lu et al. (ICCV 2011), and
  few enough to learn from some thousand images. The mean is subtracted and the
  length set to 1: brightness and contrast, which say nothing of the gaze, do
  not matter, and neither does resolution.

  Args:
    images: [n, h, w, c] uint8; colours are averaged.

  Returns:
    [n, 135] float64, the `GRID` row by row: mean 0 and length 1, or all 0 for
    an image of a single grey value.
  """
  rows, columns = (
      _area_weights(num, cells).astype(np.float32)
      for num, cells in zip(images.shape[1:3], GRID, strict=True)
  )
  grey = images.mean(axis=-1, dtype=np.float32)
  grid = (rows @ grey @ columns.T).reshape(len(images), -1).astype(np.float64)
  grid -= grid.mean(axis=1, keepdims=True)
  length = np.linalg.norm(grid, axis=1, keepdims=True)
  # A hundredth of a grey value is rounding.
  return np.where(length > 0.01, grid / np.maximum(length, 0.01), 0.0)


def _nearest_neighbours(
    train: Float[np.ndarray, 'n k'],
    angles: Float[np.ndarray, 'n 2'],
    test: Float[np.ndarray, 'm k'],
    seed: int,
) -> Float[np.ndarray, 'm 2']:
  """Average the nearest images' angles, weighted by 1 / distance."""
  del seed  # nothing is random
  num = min(NUM_NEIGHBOURS, len(train))
  model = KNeighborsRegressor(num, weights='distance', algorithm='brute')
  return model.fit(train, angles).predict(test)


def _random_forest(
    train: Float[np.ndarray, 'n k'],
    angles: Float[np.ndarray, 'n 2'],
    test: Float[np.ndarray, 'm k'],
    seed: int,
) -> Float[np.ndarray, 'm 2']:
  """Regress with trees that split for both angles at once."""
  model = RandomForestRegressor(
      NUM_TREES,
      max_features=MAX_FEATURES,
      min_samples_leaf=MIN_LEAF,
      random_state=seed,
      n_jobs=2,
  )
  return model.fit(train, angles).predict(test)


def _support_vectors(
    train: Float[np.ndarray, 'n k'],
    angles: Float[np.ndarray, 'n 2'],
    test: Float[np.ndarray, 'm k'],
    seed: int,
) -> Float[np.ndarray, 'm 2']:
  """Regress each angle with a Gaussian kernel on scaled features."""
  del seed  # nothing is random
  regressor = MultiOutputRegressor(SVR(epsilon=TOLERANCE, cache_size=1_000))
  model = make_pipeline(StandardScaler(), regressor)
  return np.asarray(model.fit(train, angles).predict(test))


def _adaptive_linear(
    train: Float[np.ndarray, 'n k'],
    angles: Float[np.ndarray, 'n 2'],
    test: Float[np.ndarray, 'm k'],
    seed: int,
) -> Float[np.ndarray, 'm 2']:
  """Combine the gazes of the few images that together make up a test image.

  For each test image e, with the training images as columns of E:
  w = argmin_w 1/2 |E w - e|^2 + SPARSITY |w|_1, gaze = sum w_i gaze_i / sum w_i
  ("Adaptive linear regression for appearance-based gaze estimation", Lu et
  al., PAMI 2014).

  Differs from the paper: Lu et al. minimise |w|_1 within a bound on the
  distance, whereas here the distance has a price; E holds only the
  `NUM_CANDIDATES` images nearest to e, and of equal images only the first; no
  w is negative, which keeps the gaze between those that are combined; images
  are not aligned.
  """
  del seed  # nothing is random
  # Between equal images the minimum is not unique, and the search stops early.
  _, distinct = np.unique(train.round(5), axis=0, return_index=True)
  train, angles = train[distinct], angles[distinct]
  num = min(NUM_CANDIDATES, len(train))
  neighbours = NearestNeighbors(n_neighbors=num, algorithm='brute').fit(train)
  found = np.zeros((len(test), 2))
  for i, target in enumerate(test):
    nearest = np.ravel(
        neighbours.kneighbors(target[None], return_distance=False)
    )
    weights = lars_path(
        train[nearest].T,
        target,
        method='lasso',
        # scikit-learn divides the squared distance by its number of terms.
        alpha_min=SPARSITY / len(target),
        positive=True,
        return_path=False,
    )[2]
    # An image unlike all others, such as a blank one, gets their mean.
    weights = weights if weights.any() else np.ones(num)
    found[i] = weights @ angles[nearest] / weights.sum()
  return found


_METHODS = {
    'svr': _support_vectors,
    'alr': _adaptive_linear,
    'random_forest': _random_forest,
    'knn': _nearest_neighbours,
}
METHODS = tuple(_METHODS)  # in the paper's order


def fit_predict(
    method: str,
    images: UInt8[np.ndarray, 'n h w c'],
    gaze: Float[np.ndarray, 'n 3'],
    test_images: UInt8[np.ndarray, 'm h w c'],
    *,
    seed: int,
) -> Float[np.ndarray, 'm 3']:
  """Train on all images, then estimate the gaze in others.

  Equal arguments give equal gazes.

  Args:
    method: one of `METHODS`.
    images: [n, h, w, c] uint8, to train on.
    gaze: [n, 3] float32 unit vectors.
    test_images: [m, h, w, c] uint8.
    seed: of the random forest; the other methods draw nothing.

  Returns:
    [m, 3] float32 unit vectors.

  Raises:
    InputError: for an unknown method, or when there are no training images.
  """
  if method not in _METHODS:
    raise errors.InputError(
        f'there is no method {method!r}: choose one of {", ".join(METHODS)}.'
    )
  if not len(images):
    raise errors.InputError(f'there are no images to train {method} on.')
  if not len(test_images):
    return np.zeros((0, 3), np.float32)
  angles = gaze_lib.angles_from_vector(gaze.astype(np.float64))
  train, test = features(images), features(test_images)
  found = _METHODS[method](train, angles, test, seed)
  vectors = gaze_lib.vector_from_angles(found[:, 0], found[:, 1])
  return vectors.astype(np.float32)
