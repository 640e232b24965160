"""Table 3's other methods: they learn, they repeat, they are what they say."""

import numpy as np
import pytest

from simgan_jax.data import gaze_angles as gaze_lib
from simgan_jax.estimators import baselines
from simgan_jax.machine import errors
from simgan_jax.measures import estimation_errors

SHAPE = (35, 55)


def _discs(num_images, *, seed):
  """Return grey images of a dark disc whose position is the gaze.

  Brightness and contrast differ between the images and say nothing.
  """
  rng = np.random.default_rng(seed)
  yaw, pitch = rng.uniform(-0.4, 0.4, (2, num_images))
  y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
  down = y - 17 + 25 * pitch[:, None, None]
  right = x - 27 + 40 * yaw[:, None, None]
  disc = np.hypot(down, right) < 8
  light, depth = rng.uniform((150, 50), (250, 150), (num_images, 2)).T
  grey = light[:, None, None] - depth[:, None, None] * disc
  gaze = gaze_lib.vector_from_angles(yaw, pitch)
  return grey.astype(np.uint8)[..., None], gaze.astype(np.float32)


@pytest.fixture(scope='module')
def discs():
  return _discs(1_000, seed=0)


@pytest.fixture(scope='module')
def others():
  return _discs(40, seed=1)


def _fit_predict(method, train, images, *, seed=0):
  return baselines.fit_predict(method, *train, images, seed=seed)


def test_methods_are_in_the_order_of_the_paper():
  assert baselines.METHODS == ('svr', 'alr', 'random_forest', 'knn')


@pytest.mark.parametrize('method', baselines.METHODS)
def test_every_method_learns_where_the_disc_is(method, discs, others):
  images, gaze = others
  found = _fit_predict(method, discs, images)
  assert found.dtype == np.float32 and found.shape == (40, 3)
  np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
  constant = np.broadcast_to(
      estimation_errors.constant_predictor(discs[1]), gaze.shape
  )
  error = estimation_errors.angular_error_deg(found, gaze).mean()
  assert error < estimation_errors.angular_error_deg(constant, gaze).mean() / 4


@pytest.mark.parametrize('method', ['alr', 'knn'])
def test_training_images_get_their_own_labels(method, discs):
  found = _fit_predict(method, discs, discs[0][:20])
  np.testing.assert_allclose(found, discs[1][:20], atol=1e-5)


@pytest.mark.parametrize('method', baselines.METHODS)
def test_equal_arguments_give_equal_gazes(method, discs, others):
  train = discs[0][:100], discs[1][:100]
  first, again = (_fit_predict(method, train, others[0]) for _ in range(2))
  np.testing.assert_array_equal(first, again)


def test_only_the_forest_depends_on_the_seed(discs, others):
  train = discs[0][:100], discs[1][:100]
  for method in baselines.METHODS:
    first, second = (
        _fit_predict(method, train, others[0], seed=seed) for seed in (0, 1)
    )
    assert np.array_equal(first, second) == (method != 'random_forest'), method


@pytest.mark.parametrize('method', baselines.METHODS)
def test_every_training_image_counts(method, discs, others):
  images, gaze = discs[0][:30], discs[1][:30].copy()
  first = _fit_predict(method, (images, gaze), others[0])
  gaze[-1] = gaze_lib.vector_from_angles(1.2, 0.0)
  assert np.abs(_fit_predict(method, (images, gaze), others[0]) - first).max()


@pytest.mark.parametrize('method', baselines.METHODS)
def test_one_training_image_is_enough(method, discs):
  single = discs[0][:1], discs[1][:1]
  found = _fit_predict(method, single, discs[0][:3])
  np.testing.assert_allclose(found, single[1].repeat(3, axis=0), atol=1e-6)


def test_equal_training_images_leave_adaptive_regression_as_it_is(
    discs, others
):
  images, gaze = discs[0][:100], discs[1][:100]
  found = _fit_predict('alr', (images, gaze), others[0])
  labels = np.concatenate([gaze, gaze])
  # The discs are brighter than 0 and darker than 251.
  for second in (images, images + np.uint8(5)):
    twice = np.concatenate([images, second])
    again = _fit_predict('alr', (twice, labels), others[0])
    np.testing.assert_allclose(again, found, atol=1e-4)


@pytest.mark.parametrize('method', baselines.METHODS)
def test_blank_images_get_a_gaze_and_none_get_none(method, discs):
  train = discs[0][:50], discs[1][:50]
  blank = np.full((2, *SHAPE, 1), 77, np.uint8)
  found = _fit_predict(method, train, blank)
  np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
  assert _fit_predict(method, train, blank[:0]).shape == (0, 3)


def _combine(train, angles, test):
  return baselines._AdaptiveLinear().fit(train, angles).predict(test)


def test_adaptive_regression_combines_few_images_of_the_nearest(monkeypatch):
  # The first two make up the target; the others only lead away from it.
  train = np.array([[1.0, 0, 0], [0, 1.0, 0], [0.5, 0.5, 0.7], [-1.0, 0, 0]])
  angles = np.array([[0.1, 0.0], [0.3, 0.2], [9.0, 9.0], [-9.0, 9.0]])
  test = np.array([[0.6, 0.8, 0.0]])
  monkeypatch.setattr(baselines, 'SPARSITY', 1e-9)
  found = _combine(train, angles, test)
  expected = (0.6 * angles[0] + 0.8 * angles[1]) / 1.4
  np.testing.assert_allclose(found, [expected], atol=1e-6)
  # A higher price leaves only the image that is most alike, ...
  monkeypatch.setattr(baselines, 'SPARSITY', 0.7)
  np.testing.assert_allclose(_combine(train, angles, test), [angles[1]])
  # ... and the nearest may be all there is to choose from.
  monkeypatch.setattr(baselines, 'SPARSITY', 1e-9)
  monkeypatch.setattr(baselines, 'NUM_CANDIDATES', 1)
  np.testing.assert_allclose(_combine(train, angles, test), [angles[1]])


def test_adaptive_regression_does_not_subtract_images():
  train, angles = np.eye(3)[:2], np.array([[0.1, 0.0], [0.3, 0.2]])
  found = _combine(train, angles, np.array([[0.8, -0.6, 0]]))
  np.testing.assert_allclose(found, angles[:1])


def test_support_vectors_see_scaled_features():
  rng = np.random.default_rng(0)
  train, angles = rng.normal(size=(50, 3)), rng.uniform(-0.3, 0.3, (50, 2))
  test, factors = rng.normal(size=(5, 3)), np.array([1.0, 10.0, 0.1])
  model = baselines._make_regressor('svr', num_images=50, seed=0)
  scaled = model.fit(train * factors, angles).predict(test * factors)
  found = model.fit(train, angles).predict(test)
  np.testing.assert_allclose(scaled, found, atol=1e-3)


def test_features_are_the_means_of_a_grid():
  cells = np.random.default_rng(0).integers(0, 255, baselines.GRID, np.uint8)
  [found] = baselines.features(cells.repeat(4, 0).repeat(3, 1)[None, ..., None])
  expected = (cells - cells.mean()) / np.linalg.norm(cells - cells.mean())
  np.testing.assert_allclose(found, expected.ravel(), atol=1e-6)


def test_pixels_on_the_edge_of_two_cells_belong_to_both_in_part():
  weights = baselines._area_weights(5, 2)
  expected = np.array([[1, 1, 0.5, 0, 0], [0, 0, 0.5, 1, 1]]) / 2.5
  np.testing.assert_allclose(weights, expected)
  # More cells than pixels: each is a part of one.
  np.testing.assert_allclose(
      baselines._area_weights(1, 3), np.ones((3, 1)), atol=1e-12
  )


def test_features_ignore_light_contrast_resolution_and_colour():
  rng = np.random.default_rng(0)
  images = rng.integers(0, 100, (3, *SHAPE, 1), np.uint8)
  colour = rng.integers(0, 50, images.shape, np.uint8)
  same = (
      2 * images + 30,
      images.repeat(2, axis=1).repeat(3, axis=2),
      np.concatenate([images + 50 + colour, images + 50 - colour], axis=3),
  )
  found = baselines.features(images)
  np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-12)
  np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
  for changed in same:
    np.testing.assert_allclose(baselines.features(changed), found, atol=1e-5)
  assert np.abs(baselines.features(images[:, ::-1]) - found).max() > 0.1
  blank = np.full((1, *SHAPE, 1), 201, np.uint8)
  assert not baselines.features(blank).any()


def test_an_unknown_method_is_told_the_known_ones(discs):
  with pytest.raises(
      errors.InputError, match="'lasso'.*svr, alr, random_forest"
  ):
    _fit_predict('lasso', discs, discs[0][:1])


@pytest.mark.parametrize('method', baselines.METHODS)
def test_no_training_images_are_an_input_error(method, discs):
  with pytest.raises(
      errors.InputError, match=f'no images to train {method} on'
  ):
    _fit_predict(method, (discs[0][:0], discs[1][:0]), discs[0][:1])
