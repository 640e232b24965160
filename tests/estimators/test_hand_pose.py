"""Hand pose estimator: it learns, results repeat, devices agree."""

import jax
import numpy as np
import pytest

from simgan_jax.estimators import hand_pose as hands_lib
from simgan_jax.estimators import trainer
from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib

SMALL = hands_lib.Sizes(16, num_features=8, num_stacks=1, depth=1)
ENOUGH = hands_lib.Sizes(16, num_features=16, num_stacks=1, depth=2)


def _discs(num_images, *, seed):
  """Return images of a disc, with joints at fixed places around its centre."""
  rng = np.random.default_rng(seed)
  centre = rng.uniform(10, 21, (num_images, 1, 2))
  around = np.random.default_rng(99).uniform(-6, 6, (1, 14, 2))
  y, x = np.mgrid[:32, :32]
  distance = np.hypot(x - centre[..., 0, None], y - centre[..., 1, None])
  images = np.where(distance < 7, 20 * distance, 255).astype(np.uint8)
  joints = np.concatenate(
      [centre + around, np.full((num_images, 14, 1), 700.0)], axis=2
  )
  return images[..., None], joints.astype(np.float32)


def _train(images, joints, *, seed=0, sizes=SMALL, **options):
  recipe = trainer.Recipe(num_steps=2, batch_size=8, learning_rate=1e-2)
  return hands_lib.train(
      images,
      joints,
      mesh=mesh_lib.make_mesh(2),
      seed=seed,
      recipe=recipe._replace(**options),
      sizes=sizes,
  )


def _predict(params, images):
  mesh = mesh_lib.make_mesh(2)
  return hands_lib.predict(
      params, images, mesh=mesh, batch_size=8, sizes=ENOUGH
  )


def _differ(a, b):
  return max(
      float(np.abs(np.asarray(x) - np.asarray(y)).max())
      for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
  )


@pytest.fixture(scope='module')
def discs():
  return _discs(24, seed=0)


@pytest.fixture(scope='module')
def trained(discs):
  return _train(*discs)


def test_learns_where_the_joints_are():
  images, joints = _discs(256, seed=1)
  test_images, test_joints = _discs(21, seed=2)
  params = _train(images, joints, sizes=ENOUGH, num_steps=100, batch_size=16)
  predicted = _predict(params, test_images)
  assert (predicted.shape, predicted.dtype) == ((21, 14, 2), np.float32)
  error = np.linalg.norm(predicted - test_joints[..., :2], axis=2).mean()
  constant = joints[..., :2].mean(axis=0) - test_joints[..., :2]
  assert error < np.linalg.norm(constant, axis=2).mean() / 4


def test_same_seed_same_parameters_and_another_seed_others(discs, trained):
  assert _differ(trained, _train(*discs)) == 0
  assert _differ(trained, _train(*discs, seed=1)) > 1e-3


def test_training_on_views_differs(discs, trained):
  assert _differ(_train(*discs, augmented=True), trained) > 1e-3


def test_views_do_not_depend_on_the_number_of_devices(discs):
  images, joints = discs[0][:16], discs[1][:16]

  def make_views(num_devices):
    def make(images, joints):
      keys = trainer.own_keys(
          jax.random.key(3), len(images), num_devices=num_devices
      )
      return hands_lib._make_views(
          keys, images, joints, augmented=True, sizes=SMALL
      )

    spec = mesh_lib.batch_spec(0)
    make = jax.shard_map(
        make,
        mesh=mesh_lib.make_mesh(num_devices),
        in_specs=(spec, spec),
        out_specs=(spec, spec),
        check_vma=False,
    )
    return jax.jit(make)(images, joints)

  one, eight = make_views(1), make_views(8)
  np.testing.assert_allclose(one[1], eight[1], atol=1e-4)
  # Rounding may pick a neighbouring pixel.
  assert np.mean(np.asarray(one[0]) != np.asarray(eight[0])) < 1e-3
  whole = (joints[..., :2] + 0.5) * (16 / 32) - 0.5
  assert np.abs(one[1] - whole).max() > 0.5


def test_images_that_are_not_square_are_refused():
  with pytest.raises(errors.InputError, match='not square'):
    _train(np.zeros((8, 32, 48, 1), np.uint8), np.zeros((8, 14, 3), np.float32))


def test_no_images_is_said():
  with pytest.raises(errors.InputError, match='no images'):
    _train(np.zeros((0, 32, 32, 1), np.uint8), np.zeros((0, 14, 3), np.float32))
