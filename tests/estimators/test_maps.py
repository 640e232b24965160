"""Compact estimator of maps: it learns, and what is unknown teaches nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from simgan_jax.estimators import maps, trainer
from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.training import checkpoint

RECIPE = trainer.Recipe(num_steps=2, batch_size=8, learning_rate=6e-3)
HEIGHT, WIDTH = 20, 28


def _discs(num_images, *, seed):
  """Return images of a disc, its centre and lowest point, its pixels."""
  rng = np.random.default_rng(seed)
  centre = rng.uniform((7, 7), (20, 12), (num_images, 1, 2))
  y, x = np.mgrid[:HEIGHT, :WIDTH]
  distance = np.hypot(x - centre[..., :1], y - centre[..., 1:])
  images = np.where(distance < 5, 60, 180) + rng.normal(0, 9, distance.shape)
  points = np.concatenate([centre, centre + [[[0, 5]]]], axis=1)
  masks = (distance < 5).astype(np.int32)
  return images.astype(np.uint8)[..., None], points.astype(np.float32), masks


def _labels(task, discs):
  images, points, masks = discs
  return images, masks if task == 'mask' else points


def _train(task, images, labels, *, num_devices=2, seed=0, **options):
  return maps.make(task, 2).train(
      images,
      labels,
      mesh=mesh_lib.make_mesh(num_devices),
      seed=seed,
      recipe=RECIPE._replace(**options),
  )


def _predict(task, params, images, *, num_devices=2):
  mesh = mesh_lib.make_mesh(num_devices)
  return maps.make(task, 2).predict(params, images, mesh=mesh, batch_size=8)


def _differ(a, b):
  pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
  return max(float(np.abs(np.array(x) - np.array(y)).max()) for x, y in pairs)


@pytest.fixture(scope='module')
def discs():
  return _discs(32, seed=0)


@pytest.fixture(scope='module')
def trained(discs):
  """Return parameters of a few steps, by task."""
  return {task: _train(task, *_labels(task, discs)) for task in maps.TASKS[1:]}


def test_learns_where_points_are(optimized):
  images, points, _ = _discs(128, seed=1)
  test_images, test_points, _ = _discs(21, seed=2)
  params = _train('points', images, points, num_steps=100, augmented=True)
  predicted = _predict('points', params, test_images)
  assert (predicted.shape, predicted.dtype) == ((21, 2, 2), np.float32)
  error = np.linalg.norm(predicted - test_points, axis=2).mean()
  constant = np.linalg.norm(points.mean(0) - test_points, axis=2).mean()
  assert error < min(1.0, constant / 4)


def test_learns_which_pixels_are_what(optimized):
  images, _, masks = _discs(128, seed=1)
  masks = np.where(np.arange(WIDTH) < 3, -1, masks)
  test_images, _, test_masks = _discs(21, seed=2)
  params = _train('mask', images, masks, num_steps=60, augmented=True)
  predicted = _predict('mask', params, test_images)
  assert (predicted.shape, predicted.dtype) == (test_masks.shape, np.int32)
  both = ((predicted == 1) & (test_masks == 1)).sum()
  assert both / ((predicted == 1) | (test_masks == 1)).sum() > 0.85


@pytest.mark.parametrize('task', ['points', 'mask'])
def test_same_seed_same_parameters_on_any_number_of_devices(
    task, discs, trained
):
  labelled = _labels(task, discs)
  assert _differ(trained[task], _train(task, *labelled)) == 0
  assert _differ(trained[task], _train(task, *labelled, seed=1)) > 1e-2
  # Adam makes a large step of a tiny difference, so the estimates are compared.
  alone = _train(task, *labelled, num_devices=1)
  one = _predict(task, alone, discs[0], num_devices=1)
  two = _predict(task, trained[task], discs[0])
  assert np.mean(np.abs(one - two) > 1e-2) < 0.01


@pytest.mark.parametrize('task', ['points', 'mask'])
def test_parameters_are_saved_and_loaded(task, discs, trained, tmp_path):
  estimator = maps.make(task, 2)
  checkpoint.save_params(str(tmp_path / 'params'), trained[task])
  abstract = jax.eval_shape(
      lambda: estimator.init_params(
          jax.random.key(0), image_shape=(HEIGHT, WIDTH, 1)
      )
  )
  abstract = jax.tree.map(
      lambda x: x.update(sharding=mesh_lib.replicated(mesh_lib.make_mesh(2))),
      abstract,
  )
  loaded = checkpoint.load_params(str(tmp_path / 'params'), abstract)
  assert _differ(trained[task], loaded) == 0
  predicted = _predict(task, loaded, discs[0][:5])
  assert predicted.shape == _labels(task, discs)[1][:5].shape


@pytest.mark.parametrize('shape', [(33, 70, 3), (9, 5, 1), (224, 224, 1)])
@pytest.mark.parametrize('task', ['points', 'mask'])
def test_maps_have_the_size_of_the_image_or_half_of_it(task, shape):
  spec = maps.make(task, 3).init_params.keywords['spec']
  images = jax.ShapeDtypeStruct((2, *shape), jnp.float32)
  params = jax.eval_shape(
      lambda: maps.make(task, 3).init_params(
          jax.random.key(0), image_shape=shape
      )
  )
  found = jax.eval_shape(lambda p, x: maps._apply(p, x, spec), params, images)
  part = 1 if task == 'mask' else 2
  sides = [-(-side // part) for side in shape[:2]]
  assert found.shape == (2, *sides, 3)


@pytest.mark.parametrize('task', ['points', 'mask'])
def test_what_nobody_knows_has_no_gradient(task, discs, trained):
  images, labels = _labels(task, discs)
  unknown = np.full_like(labels[:2], -1 if task == 'mask' else np.nan)
  one = unknown.copy()
  one[0, 0] = labels[0, 0]  # a row of pixels, or a point
  spec = maps.make(task, 2).init_params.keywords['spec']
  grad_fn = jax.jit(jax.grad(maps._loss), static_argnums=3)
  images = jnp.asarray(images[:2], jnp.float32) / 255
  nothing, something = (
      optax.tree.norm(grad_fn(trained[task], images, labels, spec))
      for labels in (unknown, one)
  )
  assert nothing == 0 < something


def test_joints_have_a_depth_that_is_not_used(discs):
  images = discs[0][:, :, :20]
  deep = np.concatenate([discs[1], np.full((32, 2, 1), 700.0)], axis=2)
  options = {'augmented': True, 'num_steps': 1}
  params = _train('hands', images, deep.astype(np.float32), **options)
  assert _differ(params, _train('hands', images, discs[1], **options)) == 0
  assert _predict('hands', params, images).shape == (32, 2, 2)


def test_labels_that_teach_nothing_are_refused(discs):
  images, points, masks = discs
  with pytest.raises(errors.InputError, match='no point of the 32 training'):
    _train('points', images, np.full_like(points, np.nan))
  with pytest.raises(errors.InputError, match='no pixel of the 32 training'):
    _train('mask', images, np.full_like(masks, -1))
  with pytest.raises(errors.InputError, match='class 2, but there are 2'):
    _train('mask', images, masks + 1)
  with pytest.raises(errors.InputError, match='do not fit images of'):
    _train('mask', images, masks[:, :-1])
  with pytest.raises(errors.InputError, match='not square'):
    _train('hands', images, points)
  with pytest.raises(errors.InputError, match='no images'):
    _train('points', images[:0], points[:0])
  with pytest.raises(errors.InputError, match="maps for 'gaze'"):
    maps.make('gaze', 2)
