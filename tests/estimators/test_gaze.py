"""Gaze estimator: the sizes of the paper, it learns, results repeat."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.estimators import gaze as gaze_lib
from simgan_jax.estimators import trainer
from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import estimation_errors

pytestmark = pytest.mark.usefixtures('optimized')

SHAPE = (19, 23, 1)


def _blobs(num_images, *, seed):
  """Return images of a dark blob whose position is the gaze."""
  position = np.random.default_rng(seed).uniform(-1, 1, (num_images, 2))
  y, x = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
  distance = (x - position[:, 0, None, None]) ** 2
  distance = distance + (y - position[:, 1, None, None]) ** 2
  images = np.uint8(220 - 200 * np.exp(-distance / 0.15))[..., None]
  vectors = np.concatenate([position / 2, -np.ones((num_images, 1))], axis=1)
  vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
  return images, vectors.astype(np.float32)


def _train(images, gaze, *, num_devices=8, seed=0, on_progress=int, **options):
  recipe = trainer.Recipe(num_steps=5, batch_size=8, learning_rate=1e-3)
  return gaze_lib.train(
      images,
      gaze,
      mesh=mesh_lib.make_mesh(num_devices),
      seed=seed,
      recipe=recipe._replace(**options),
      on_progress=on_progress,
  )


def _predict(params, images, *, num_devices=8, batch_size=8):
  mesh = mesh_lib.make_mesh(num_devices)
  return gaze_lib.predict(params, images, mesh=mesh, batch_size=batch_size)


def _differ(a, b):
  return max(
      float(np.abs(np.asarray(x) - np.asarray(y)).max())
      for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
  )


@pytest.fixture(scope='module')
def blobs():
  return _blobs(61, seed=0)


@pytest.fixture(scope='module')
def trained(blobs):
  return _train(*blobs)


@pytest.mark.parametrize(
    ('shape', 'values'), [((35, 55, 1), 9_600), ((36, 60, 3), 11 * 192)]
)
def test_sizes(shape, values):
  params = jax.eval_shape(
      lambda key: gaze_lib.init_params(key, image_shape=shape),
      jax.random.key(0),
  )
  assert params['conv0']['kernel'].shape == (3, 3, shape[2], 32)
  assert params['conv4']['kernel'].shape == (3, 3, 80, 192)
  if shape == (35, 55, 1):
    assert params['hidden']['kernel'].shape == (values, 1_000)
  images = jnp.zeros((2, *shape))
  network = gaze_lib.GazeEstimator()
  output = jax.eval_shape(network.apply, {'params': params}, images)
  assert (output.shape, output.dtype) == ((2, 3), jnp.float32)


def test_loss_is_the_squared_distance():
  loss = gaze_lib.euclidean_loss(jnp.ones((2, 3)), jnp.zeros((2, 3)))
  assert float(loss) == 3


def test_learns_better_than_the_constant_predictor():
  images, gaze = _blobs(512, seed=1)
  test_images, test_gaze = _blobs(100, seed=2)
  done = []
  params = _train(
      images, gaze, num_steps=60, batch_size=32, on_progress=done.append
  )
  predicted = _predict(params, test_images)
  constant = estimation_errors.constant_predictor(gaze)
  error = estimation_errors.angular_error_deg(predicted, test_gaze).mean()
  baseline = estimation_errors.angular_error_deg(
      np.tile(constant, (100, 1)), test_gaze
  ).mean()
  assert error < baseline / 3
  assert done == [25, 25, 10]


def test_same_seed_same_parameters_and_another_seed_others(blobs, trained):
  assert _differ(trained, _train(*blobs)) == 0
  assert _differ(trained, _train(*blobs, seed=1)) > 1e-3


def test_the_seed_draws_the_initial_parameters(blobs):
  single = blobs[0][:1], blobs[1][:1]  # leaves no order to be drawn
  assert _differ(_train(*single), _train(*single, seed=1)) > 1e-2


@pytest.mark.parametrize('augmented', [False, True])
def test_one_and_eight_devices_agree(blobs, augmented):
  one, eight = (
      _train(*blobs, num_devices=n, augmented=augmented) for n in (1, 8)
  )
  assert _differ(one, eight) < 1e-4
  predicted = [
      _predict(jax.device_get(one), blobs[0], num_devices=n) for n in (1, 8)
  ]
  np.testing.assert_allclose(*predicted, atol=1e-5)


def test_augmentation_changes_the_training(blobs, trained):
  augmented = _train(*blobs, augmented=True)
  assert _differ(augmented, trained) > 1e-3
  assert _differ(augmented, _train(*blobs, augmented=True)) == 0


def test_compiles_once_for_all_seeds(blobs, trained):
  del trained  # compiled by now
  before = gaze_lib._compile.cache_info().misses
  _train(*blobs, seed=3)
  assert gaze_lib._compile.cache_info().misses == before


def test_predict_returns_every_image_as_unit_vector(blobs, trained):
  predicted = _predict(trained, blobs[0])
  assert (predicted.shape, predicted.dtype) == ((61, 3), np.float32)
  np.testing.assert_allclose(np.linalg.norm(predicted, axis=1), 1, atol=1e-6)
  last = _predict(trained, blobs[0][56:])
  np.testing.assert_allclose(predicted[56:], last, atol=1e-6)


def test_output_of_length_zero_looks_into_the_lens(blobs, trained):
  zeros = jax.tree.map(jnp.zeros_like, trained)
  predicted = _predict(zeros, blobs[0][:2])
  np.testing.assert_array_equal(predicted, [[0, 0, -1]] * 2)


def test_divergence_names_the_step(blobs):
  with pytest.raises(errors.NonFiniteError, match='at step 2'):
    _train(*blobs, learning_rate=float('inf'))


def test_no_images_is_said():
  with pytest.raises(errors.InputError, match='no images'):
    _train(np.zeros((0, *SHAPE), np.uint8), np.zeros((0, 3), np.float32))
