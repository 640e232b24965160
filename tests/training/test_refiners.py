"""Refining a data set: every image once, in order, never stretched."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.machine import pixels
from simgan_jax.method import networks, state, steps
from simgan_jax.training import refiners


@pytest.fixture(scope='module')
def refiner():
  created = jax.jit(
      lambda: state.create_state(
          jax.random.key(0),
          refiner=networks.Refiner(num_features=4, num_blocks=1),
          discriminator=networks.Discriminator(features=(4, 4, 4, 4)),
          optimizer=optax.sgd(1e-3),
          image_shape=(12, 16, 1),
          batch_size=4,
          history_size=8,
      )
  )()
  return created.refiner


@pytest.mark.parametrize('num_devices', [1, 4])
def test_the_last_partial_batch_is_there_and_the_order_kept(
    refiner, num_devices
):
  images = np.random.default_rng(0).integers(
      0, 256, (11, 12, 16, 1), dtype=np.uint8
  )
  refined = refiners.refine_images(
      refiner,
      images,
      mesh=mesh_lib.make_mesh(num_devices),
      batch_size=4,
  )
  assert refined.shape == images.shape and refined.dtype == np.uint8
  one_by_one = [
      pixels.to_integers(
          np.asarray(steps.refine(refiner, jnp.asarray(image[None])))
      )[0]
      for image in images
  ]
  difference = np.int32(refined) - np.stack(one_by_one)
  # Rounding may differ where the batch does, by one grey value.
  assert np.abs(difference).max() <= 1 and (difference != 0).mean() < 0.01


def test_an_image_does_not_depend_on_its_neighbours(refiner):
  """Stretching by the batch's own range would make it so."""
  images = np.full((4, 12, 16, 1), 90, np.uint8)
  images[1] = 255
  mesh = mesh_lib.make_mesh(1)
  together = refiners.refine_images(refiner, images, mesh=mesh, batch_size=4)
  images[1] = 3
  apart = refiners.refine_images(refiner, images, mesh=mesh, batch_size=4)
  np.testing.assert_array_equal(together[[0, 2, 3]], apart[[0, 2, 3]])
  assert (together[1] != apart[1]).any()
