"""The paper's gaze estimator and its training (section 3.1)."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast, final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Shaped, UInt8

from simgan_jax import batching, errors, steps
from simgan_jax import mesh as mesh_lib
from simgan_jax.convolution import Conv
from simgan_jax.pooling import max_pool

CHUNK = 25  # steps in one compiled call
MIN_SIDE = 19  # pixels that the convolutions and pools use up


@final
class GazeEstimator(nn.Module):
  """Convolutional network from an eye to a gaze vector.

  Five VALID 3x3 convolutions with ReLU, two max-pools, at 35 x 55 exactly 9,600
  features, two fully connected layers.
  """

  @nn.compact
  def __call__(self, images: Float[Array, 'b h w c']) -> Float[Array, 'b 3']:
    """Return gaze vectors, not normalised, for images in [-1, 1]."""
    x = images
    for i, features in enumerate((32, 32, 64, 80, 192)):
      x = nn.relu(Conv(features, (3, 3), padding='VALID', name=f'conv{i}')(x))
      if i == 2:
        x = max_pool(x, 3, 2, 'VALID')
      if i == 4:
        x = max_pool(x, 2, 2, 'VALID')
    x = x.reshape(x.shape[0], -1)
    x = nn.relu(nn.Dense(1_000, name='hidden')(x))
    return nn.Dense(3, name='gaze')(x)


class _TrainState(NamedTuple):
  params: Any
  opt_state: optax.OptState


def init_params(key: jax.Array, *, image_shape: tuple[int, int, int]) -> Any:
  """Return fresh float32 parameters for images of `image_shape` (h, w, c)."""
  images = jnp.zeros((1, *image_shape))
  return GazeEstimator().init(key, images)['params']


def euclidean_loss(
    predicted: Float[Array, 'b 3'], gaze: Float[Array, 'b 3']
) -> Float[Array, '']:
  """Return the squared distance to the unit gaze vector, mean over the batch.

  The paper's "Euclidean loss", which stands for the squared L2 norm.
  """
  return jnp.mean(jnp.sum(jnp.square(predicted - gaze), axis=-1))


def _optimizer(num_steps: int, learning_rate: float):
  # Differs from the paper: Adam with a cosine decay; the text names none.
  return optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps))


def _apply(
    params: Any, images: Shaped[Array, 'b h w c']
) -> Float[Array, 'b 3']:
  scaled = steps.scale_images(images)
  return cast(jax.Array, GazeEstimator().apply({'params': params}, scaled))


@functools.partial(jax.jit, static_argnames='image_shape')
def _init(key: jax.Array, *, image_shape: tuple[int, int, int]) -> _TrainState:
  params = init_params(key, image_shape=image_shape)
  # Adam's state is the same for every number of steps and learning rate.
  return _TrainState(params, _optimizer(1, 1.0).init(params))


@functools.partial(
    jax.jit,
    static_argnames=('mesh', 'num_steps', 'learning_rate'),
    donate_argnums=0,
)
def _train_chunk(
    state: _TrainState,
    images: Shaped[Array, 'k b h w c'],
    gaze: Float[Array, 'k b 3'],
    *,
    mesh: Mesh,
    num_steps: int,
    learning_rate: float,
) -> tuple[_TrainState, Float[Array, 'k']]:
  """Take `k` optimiser steps; return the losses before each."""
  optimizer = _optimizer(num_steps, learning_rate)

  def step(state: _TrainState, batch):
    images, gaze = batch

    def loss_fn(params):
      return euclidean_loss(_apply(params, images), gaze)

    loss, gradients = jax.lax.pmean(
        jax.value_and_grad(loss_fn)(state.params), mesh_lib.AXIS
    )
    updates, opt_state = optimizer.update(
        gradients, state.opt_state, state.params
    )
    params = optax.apply_updates(state.params, updates)
    return _TrainState(params, opt_state), loss

  split = PartitionSpec(None, mesh_lib.AXIS)
  return jax.shard_map(
      lambda state, *batch: jax.lax.scan(step, state, batch),
      mesh=mesh,
      in_specs=(PartitionSpec(), split, split),
      out_specs=PartitionSpec(),
      check_vma=False,
  )(state, images, gaze)


def _shuffled(num: int, *, seed: int, batch_size: int) -> Iterator[np.ndarray]:
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


def train(
    images: UInt8[np.ndarray, 'n h w c'],
    gaze: Float[np.ndarray, 'n 3'],
    *,
    mesh: Mesh,
    seed: int,
    num_steps: int,
    batch_size: int,
    learning_rate: float,
    on_progress: Callable[[int], object] = lambda num_steps: None,
) -> Any:
  """Train an estimator; equal arguments give equal parameters.

  The number of steps does not depend on that of the images, so that sets of
  different size get the same amount of work.

  Args:
    images: [n, h, w, c] uint8.
    gaze: [n, 3] float32 unit vectors.
    mesh: devices; their number divides the batch.
    seed: of the initial parameters and the order of the images.
    num_steps: optimiser steps.
    batch_size: images a step.
    learning_rate: at the start; it decays to 0 along a cosine.
    on_progress: called with the number of steps made since the last call.

  Returns:
    The parameters, replicated over the mesh.

  Raises:
    InputError: when there are no images, or they are too small.
    FloatingPointError: when the loss is not finite, naming the step.
  """
  if not len(images):
    raise errors.InputError('there are no images to train an estimator on.')
  if min(images.shape[1:3]) < MIN_SIDE:
    raise errors.InputError(
        f'images of {images.shape[1]} x {images.shape[2]} pixels are too small'
        f' for the gaze estimator: set data.height and data.width to'
        f' {MIN_SIDE} or more.'
    )
  key = jax.device_put(jax.random.key(seed), mesh_lib.replicated(mesh))
  state = _init(key, image_shape=images.shape[1:])
  sharding = mesh_lib.batch_sharding(mesh, batch_axis=1)
  order = _shuffled(len(images), seed=seed, batch_size=batch_size)
  for start in range(0, num_steps, CHUNK):
    num = min(CHUNK, num_steps - start)
    indices = np.stack([next(order) for _ in range(num)])
    state, losses = _train_chunk(
        state,
        *jax.device_put((images[indices], gaze[indices]), sharding),
        mesh=mesh,
        num_steps=num_steps,
        learning_rate=learning_rate,
    )
    if not np.all(np.isfinite(losses)):
      step = start + int(np.argmin(np.isfinite(losses))) + 1
      raise FloatingPointError(
          f'the loss of the gaze estimator is not finite at step {step}.'
      )
    on_progress(num)
  return state.params


@jax.jit
def _predict(params, images):
  predicted = _apply(params, images)
  norm = jnp.linalg.norm(predicted, axis=-1, keepdims=True)
  forward = jnp.broadcast_to(jnp.array([0.0, 0.0, -1.0]), predicted.shape)
  return jnp.where(norm > 1e-6, predicted / jnp.maximum(norm, 1e-6), forward)


def predict(
    params: Any,
    images: UInt8[np.ndarray, 'n h w c'],
    *,
    mesh: Mesh,
    batch_size: int,
) -> Float[np.ndarray, 'n 3']:
  """Return unit gaze vectors, [n, 3] float32, for images [n, h, w, c] uint8.

  The last batch is filled up, so that one shape is compiled; a prediction of
  length zero counts as looking into the lens.
  """
  found = batching.map_batches(
      functools.partial(_predict, params),
      images,
      mesh=mesh,
      batch_size=batch_size,
  )
  return np.concatenate([np.zeros((0, 3), np.float32), *found])
