"""Small networks with noise, and smooth images for them."""

import jax
import numpy as np
import optax

from simgan_jax.method import networks
from simgan_jax.method import state as state_lib

SIDE, BATCH = 16, 16


def create_state(noise_channels):
  """Return the state before the first step."""
  return state_lib.create_state(
      jax.random.key(0),
      refiner=networks.Refiner(
          num_features=16, num_blocks=2, noise_channels=noise_channels
      ),
      discriminator=networks.Discriminator(
          features=(32, 32, 16, 16), strides=(1, 2, 1, 1)
      ),
      optimizer=optax.adam(1e-3, b1=0.5),
      image_shape=(SIDE, SIDE, 1),
      batch_size=BATCH,
      history_size=512,
  )


def draw_images(num, rng):
  """Return smooth images [num, 16, 16, 1] uint8 of 30 to 170."""
  x = np.arange(SIDE) / SIDE
  slopes = rng.uniform(-1, 1, (num, 3, 1, 1))
  planes = slopes[:, 0] * x[:, None] + slopes[:, 1] * x + slopes[:, 2]
  return np.clip(100 + 30 * planes, 30, 170).astype(np.uint8)[..., None]
