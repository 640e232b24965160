"""Compact estimator: three tasks, one result on any devices, all of it kept."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.data import gaze_angles
from simgan_jax.estimators import augmentation, compact, trainer
from simgan_jax.estimators import compact_losses as losses
from simgan_jax.estimators import compact_network as network_lib
from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.training import checkpoint

pytestmark = pytest.mark.usefixtures('optimized')

SHAPE = (16, 20, 1)
OUTPUTS = {'gaze': 2, 'class': 4, 'regression': 3}


def _blobs(num_images, *, seed):
  """Return images of a dark blob, and its place (x, y) from -1 to 1."""
  places = np.random.default_rng(seed).uniform(-1, 1, (num_images, 2))
  y, x = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
  distance = (x - places[:, 0, None, None]) ** 2
  distance = distance + (y - places[:, 1, None, None]) ** 2
  return np.uint8(220 - 200 * np.exp(-distance / 0.15))[..., None], places


def _labels(task, places):
  """Return labels of blobs: a gaze, a quarter of the image, or numbers."""
  if task == 'gaze':
    return np.float32(gaze_angles.vector_from_angles(*(places.T / 2)))
  if task == 'class':
    return np.int32((places > 0) @ [1, 2])
  constant = np.full((len(places), 1), 7.0)
  return np.float32(np.concatenate([300 + 50 * places, constant], axis=1))


def _train(task, images, labels, *, num_devices=1, seed=0, **options):
  recipe = trainer.Recipe(num_steps=4, batch_size=8, learning_rate=3e-3)
  return compact.make(task, OUTPUTS[task]).train(
      images,
      labels,
      mesh=mesh_lib.make_mesh(num_devices),
      seed=seed,
      recipe=recipe._replace(**options),
  )


def _predict(task, params, images, *, num_devices=1):
  return compact.make(task, OUTPUTS[task]).predict(
      params, images, mesh=mesh_lib.make_mesh(num_devices), batch_size=16
  )


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
  """Return 4 steps' parameters of the task 'class'."""
  return _train('class', blobs[0], _labels('class', blobs[1]))


@pytest.fixture(scope='module')
def learnt():
  """Return 100 blobs never seen, their places and what is estimated of them."""
  images, places = _blobs(512, seed=1)
  test_images, test_places = _blobs(100, seed=2)
  predicted = {}
  for task in compact.TASKS:
    params = _train(
        task, images, _labels(task, places), num_steps=75, batch_size=32
    )
    predicted[task] = _predict(task, params, test_images)
  return test_places, predicted


def test_learns_gaze(learnt):
  places, predicted = learnt
  found = predicted['gaze']
  assert (found.shape, found.dtype) == ((100, 3), np.float32)
  np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
  angles = gaze_angles.angles_from_vector(found)
  assert np.abs(angles - places / 2).mean() < 0.05  # of a mean of 0.25


def test_learns_classes(learnt):
  places, predicted = learnt
  found = predicted['class']
  assert (found.shape, found.dtype) == ((100, 4), np.float32)
  np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
  right = found.argmax(axis=1) == _labels('class', places)
  clear = np.abs(places).min(axis=1) > 0.1  # in the middle of no side
  assert right[clear].mean() > 0.9


def test_learns_numbers_in_their_units(learnt):
  places, predicted = learnt
  found = predicted['regression']
  assert (found.shape, found.dtype) == ((100, 3), np.float32)
  labels = _labels('regression', places)
  assert np.abs(found - labels)[:, :2].mean() < 6  # of a mean of 25
  np.testing.assert_allclose(found[:, 2], 7, atol=0.5)


@pytest.mark.parametrize('shape', [(16, 16, 3), (35, 55, 1), (224, 224, 3)])
def test_sizes(shape):
  params = jax.eval_shape(
      functools.partial(
          compact.make('class', 5).init_params, image_shape=shape
      ),
      jax.random.key(0),
  )
  assert params['network']['conv0']['kernel'].shape == (3, 3, shape[2], 16)
  assert params['network']['outputs']['kernel'].shape[1] == 5
  count = sum(leaf.size for leaf in jax.tree.leaves(params))
  assert count < 1_000_000  # of a large image too


def test_equal_arguments_give_equal_parameters(blobs, trained):
  labels = _labels('class', blobs[1])
  assert _differ(trained, _train('class', blobs[0], labels)) == 0
  assert _differ(trained, _train('class', blobs[0], labels, seed=1)) > 1e-3


def test_one_and_two_devices_agree(blobs):
  labels = _labels('gaze', blobs[1])
  one, two = (
      _train('gaze', blobs[0], labels, num_devices=n, augmented=True)
      for n in (1, 2)
  )
  assert _differ(one, two) < 1e-4
  found = [
      _predict('gaze', jax.device_get(one), blobs[0], num_devices=n)
      for n in (1, 2)
  ]
  np.testing.assert_allclose(*found, atol=1e-5)


def test_running_statistics_approach_those_of_the_images(blobs):
  images, places = blobs
  params = _train(
      'class', images, _labels('class', places), num_steps=60, learning_rate=0.0
  )
  x = network_lib.standardize(jnp.float32(images))
  network = network_lib.CompactNetwork(4)
  _, found = network.apply(
      {
          'params': params['network'],
          'batch_stats': params['statistics'],
      },
      x,
      training=True,
      mutable=['batch_stats'],
  )
  for name in ('norm0', 'norm5'):
    expected, kept = found['batch_stats'][name], params['statistics'][name]
    scale = float(jnp.sqrt(expected['var']).mean())
    assert np.abs(kept['mean'] - expected['mean']).max() < 0.3 * scale
    np.testing.assert_allclose(
        kept['var'].sum(), expected['var'].sum(), rtol=0.2
    )


def test_light_and_contrast_do_not_matter_and_blank_images_are_finite(
    blobs, trained
):
  images = blobs[0][:5]
  found = _predict('class', trained, images)
  darker = _predict('class', trained, np.uint8(images // 2 + 9))
  np.testing.assert_allclose(darker, found, atol=0.05)
  blank = np.full((2, *SHAPE), 77, np.uint8)
  assert np.isfinite(_predict('class', trained, blank)).all()
  assert not np.asarray(network_lib.standardize(jnp.zeros((1, *SHAPE)))).any()


def test_large_images_are_made_smaller():
  for before, after in ((224, 224), (56, 56)), ((35, 55), (35, 55)):
    found = network_lib.shrink(jnp.zeros((1, *before, 3)))
    assert found.shape == (1, *after, 3)
  squares = jnp.arange(4.0).reshape(1, 2, 2, 1).repeat(56, 1).repeat(56, 2)
  found = network_lib.shrink(squares)
  np.testing.assert_allclose(found, squares[:, ::2, ::2])


def test_unknown_labels_count_nothing():
  truth = jnp.array([[1.0, jnp.nan], [0.0, 2.0]])
  loss, gradient = jax.value_and_grad(losses.number_loss)(
      jnp.zeros((2, 2)), truth
  )
  assert float(loss) == (1 + 4) / 4
  np.testing.assert_allclose(gradient, [[-0.5, 0], [0, -1]])
  gradient = jax.grad(losses.class_loss)(jnp.zeros((2, 3)), jnp.array([-1, 1]))
  assert not np.asarray(gradient[0]).any()
  np.testing.assert_allclose(gradient[1], [1 / 6, -1 / 3, 1 / 6], rtol=1e-5)


def test_the_loss_of_a_gaze_is_the_distance_of_its_angles():
  truth = jnp.array([[0.0, 0.0], [1.0, 2.0]])
  loss = losses.gaze_loss(jnp.array([[3.0, 4.0], [1.0, 2.0]]), truth)
  assert float(loss) == pytest.approx(5 / 2, abs=0.01)
  gradient = jax.grad(losses.gaze_loss)(truth, truth)
  assert np.isfinite(gradient).all()


def test_unknown_numbers_leave_the_scale_finite():
  numbers = np.array([[1.0, np.nan, 4], [3.0, np.nan, 4]])
  mean, scale = compact.scale_of(numbers)
  np.testing.assert_allclose(mean, [2, 0, 4])
  np.testing.assert_allclose(scale, [1, 1, 1])


def test_parameters_are_saved_and_loaded(tmp_path, blobs, trained):
  checkpoint.save_params(str(tmp_path / 'estimator'), trained)
  abstract = jax.tree.map(
      lambda leaf: leaf.update(
          sharding=mesh_lib.replicated(mesh_lib.make_mesh(1))
      ),
      jax.eval_shape(
          functools.partial(
              compact.make('class', 4).init_params, image_shape=SHAPE
          ),
          jax.random.key(0),
      ),
  )
  loaded = checkpoint.load_params(str(tmp_path / 'estimator'), abstract)
  np.testing.assert_array_equal(
      _predict('class', loaded, blobs[0]), _predict('class', trained, blobs[0])
  )


def test_augmentation_moves_nothing_for_numbers(blobs, monkeypatch):
  asked = {}

  def augment(keys, images, *, moving):
    del keys, images
    asked[task] = moving
    raise StopIteration  # before anything is compiled

  monkeypatch.setattr(augmentation, 'augment', augment)
  for task in compact.TASKS:
    with pytest.raises(StopIteration):
      _train(
          task, blobs[0], _labels(task, blobs[1]), augmented=True, num_steps=5
      )
  assert asked == {'gaze': True, 'class': True, 'regression': False}


def test_a_single_step_is_no_error(blobs):
  labels = _labels('class', blobs[1])
  params = _train('class', blobs[0], labels, num_steps=1)
  assert np.isfinite(_predict('class', params, blobs[0])).all()


def test_bad_input_is_said():
  with pytest.raises(errors.InputError, match='no images'):
    _train('class', np.zeros((0, *SHAPE), np.uint8), np.zeros(0, np.int32))
  small = np.zeros((9, 15, 40, 1), np.uint8)
  with pytest.raises(errors.InputError, match='15 x 40.*too small.*16 or more'):
    _train('class', small, np.zeros(9, np.int32))
  with pytest.raises(errors.InputError, match="no task 'mask'.*gaze, class"):
    compact.make('mask', 3)
