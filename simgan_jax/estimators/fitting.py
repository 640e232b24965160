"""The loop around the compiled steps of an estimator's training."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Key, PRNGKeyArray, UInt8

from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib

CHUNK = 25  # steps in one compiled call


class TrainState(NamedTuple):
  """What an optimiser step changes."""

  params: Any
  opt_state: optax.OptState


def make_optimizer(
    num_steps: int, learning_rate: float
) -> optax.GradientTransformation:
  """Return Adam whose rate decays from `learning_rate` to 0 along a cosine."""
  # Differs from the paper: its text names no optimiser.
  return optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps))


def own_keys(
    key: PRNGKeyArray, num_images: int, *, num_devices: int
) -> Key[Array, 'b']:
  """Return this device's keys, one an image, of those of the whole batch."""
  keys = jax.random.split(key, num_devices * num_images)
  first = num_images * jax.lax.axis_index(mesh_lib.AXIS)
  return jax.lax.dynamic_slice_in_dim(keys, first, num_images)


def shuffled(num: int, *, seed: int, batch_size: int) -> Iterator[np.ndarray]:
  """Yield batches of indices, every image once an epoch, for ever."""
  waiting = np.zeros(0, np.int64)
  epoch = 0
  while True:
    while len(waiting) < batch_size:
      permutation = np.random.default_rng((seed, epoch)).permutation(num)
      waiting = np.concatenate([waiting, permutation])
      epoch += 1
    yield waiting[:batch_size]
    waiting = waiting[batch_size:]


def fit(
    state: Any,
    train_chunk: Callable[..., tuple[Any, jax.Array]],
    images: UInt8[np.ndarray, 'n h w c'],
    labels: Float[np.ndarray, 'n ...'],
    *,
    mesh: Mesh,
    seed: int,
    num_steps: int,
    batch_size: int,
    on_progress: Callable[[int], object],
) -> Any:
  """Return the state after `num_steps` optimiser steps.

  Args:
    state: before training.
    train_chunk: of (state, keys [k], images [k b h w c], labels [k b ...]),
      takes k steps and returns the new state and the losses before each.
    images: [n, h, w, c] uint8.
    labels: [n, ...] float32, one an image.
    mesh: devices that share a batch; their number divides it.
    seed: of the keys and of the order of the images.
    num_steps: optimiser steps.
    batch_size: images a step.
    on_progress: called with the number of steps made since the last call.

  Raises:
    InputError: when there are no images.
    FloatingPointError: when the loss is not finite, naming the step.
  """
  if not len(images):
    raise errors.InputError('there are no images to train an estimator on.')
  step_keys = jax.random.split(jax.random.key(seed + 2**31), num_steps)
  sharding = mesh_lib.batch_sharding(mesh, batch_axis=1)
  order = shuffled(len(images), seed=seed, batch_size=batch_size)
  for start in range(0, num_steps, CHUNK):
    num = min(CHUNK, num_steps - start)
    indices = np.stack([next(order) for _ in range(num)])
    state, losses = train_chunk(
        state,
        step_keys[start : start + num],
        *jax.device_put((images[indices], labels[indices]), sharding),
    )
    if not np.all(np.isfinite(losses)):
      step = start + int(np.argmin(np.isfinite(losses))) + 1
      raise FloatingPointError(
          f'the loss of the estimator is not finite at step {step}.'
      )
    on_progress(num)
  return state
