"""The paper's gaze estimator and its training (section 3.1)."""

import functools
from collections.abc import Callable
from typing import Any, cast, final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, PRNGKeyArray, UInt8

from simgan_jax.estimators import fitting
from simgan_jax.estimators.augmentation import augment
from simgan_jax.kernels.convolution import Conv
from simgan_jax.kernels.pooling import max_pool
from simgan_jax.machine import batching, errors, pixels
from simgan_jax.machine import mesh as mesh_lib

NUM_HIDDEN = 1_000  # features of the first fully connected layer
MIN_SIDE = 19  # pixels that the convolutions and pools use up


@final
class GazeEstimator(nn.Module):
  """Convolutional network from an eye to a gaze vector.

  Five VALID 3x3 convolutions with ReLU, two max-pools, at 35 x 55 exactly 9,600
  features, two fully connected layers.

  Attributes:
    num_hidden: features of the first fully connected layer on this device.
    axis_name: mesh axis over which that layer is split, if it is.
  """

  num_hidden: int = NUM_HIDDEN
  axis_name: str | None = None

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
    # 96 % of the parameters: each device keeps a part of them and computes it
    # for the whole batch, so that they need neither copies nor an all-reduce.
    if self.axis_name is not None:
      x = jax.lax.all_gather(x, self.axis_name, tiled=True)
    x = nn.relu(nn.Dense(self.num_hidden, name='hidden')(x))
    if self.axis_name is not None:
      x = jax.lax.all_to_all(x, self.axis_name, 0, 1, tiled=True)
    return nn.Dense(3, name='gaze')(x)


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


def _apply(
    params: Any, images: Float[Array, 'b h w c'], **options: Any
) -> Float[Array, 'b 3']:
  network = GazeEstimator(**options)
  return cast(jax.Array, network.apply({'params': params}, images))


def _augment(
    key: PRNGKeyArray, images: Float[Array, 'b h w c'], *, num_devices: int
) -> Float[Array, 'b h w c']:
  """Augment a device's part of a batch as one device would the whole."""
  keys = fitting.own_keys(key, len(images), num_devices=num_devices)
  return augment(keys, images)


@functools.cache
def _compile(
    mesh: Mesh,
    *,
    image_shape: tuple[int, int, int],
    num_steps: int,
    learning_rate: float,
    augmented: bool,
):
  """Return compiled functions for a mesh.

  init(key) returns the state before training; train_chunk(state, keys [k],
  images [k b h w c], gaze [k b 3]) takes k optimiser steps and returns the new
  state and the losses before each.
  """
  optimizer = fitting.make_optimizer(num_steps, learning_rate)
  split, options = NUM_HIDDEN % mesh.size == 0, {}
  if split:
    num_hidden = NUM_HIDDEN // mesh.size
    options = {'num_hidden': num_hidden, 'axis_name': mesh_lib.AXIS}

  def init(key: jax.Array) -> fitting.TrainState:
    params = init_params(key, image_shape=image_shape)
    return fitting.TrainState(params, optimizer.init(params))

  def spec(path, leaf) -> PartitionSpec:
    hidden = any(getattr(entry, 'key', '') == 'hidden' for entry in path)
    axes = [None] * (leaf.ndim - 1) + [mesh_lib.AXIS]
    return PartitionSpec(*axes) if hidden and split else PartitionSpec()

  def step(state: fitting.TrainState, batch):
    key, images, gaze = batch
    images = pixels.scale_images(images)
    if augmented:
      images = _augment(key, images, num_devices=mesh.size)

    def loss_fn(params):
      return euclidean_loss(_apply(params, images, **options), gaze)

    loss, gradients = jax.value_and_grad(loss_fn)(state.params)
    # The split layer's gradient is a sum over the devices already.
    own = {'hidden': gradients.pop('hidden')} if split else {}
    flat, unravel = ravel_pytree((loss, gradients))
    loss, gradients = unravel(jax.lax.pmean(flat, mesh_lib.AXIS))
    gradients |= jax.tree.map(lambda x: x / mesh.size, own)
    updates, opt_state = optimizer.update(
        gradients, state.opt_state, state.params
    )
    params = optax.apply_updates(state.params, updates)
    return fitting.TrainState(params, opt_state), loss

  specs = jax.tree_util.tree_map_with_path(
      spec, jax.eval_shape(init, jax.random.key(0))
  )
  batch_spec = mesh_lib.batch_spec(1)
  train_chunk = jax.shard_map(
      lambda state, *batch: jax.lax.scan(step, state, batch),
      mesh=mesh,
      in_specs=(specs, PartitionSpec(), batch_spec, batch_spec),
      out_specs=(specs, PartitionSpec()),
      check_vma=False,
  )
  shardings = jax.tree.map(functools.partial(NamedSharding, mesh), specs)
  return (
      jax.jit(init, out_shardings=shardings),
      jax.jit(train_chunk, donate_argnums=0),
  )


def train(
    images: UInt8[np.ndarray, 'n h w c'],
    gaze: Float[np.ndarray, 'n 3'],
    *,
    mesh: Mesh,
    seed: int,
    num_steps: int,
    batch_size: int,
    learning_rate: float,
    augmented: bool = False,
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
    augmented: change the images at random, as `augmentation.augment` does.
    on_progress: called with the number of steps made since the last call.

  Returns:
    The parameters, replicated over the mesh.

  Raises:
    InputError: when there are no images, or they are too small.
    FloatingPointError: when the loss is not finite, naming the step.
  """
  if min(images.shape[1:3]) < MIN_SIDE:
    raise errors.InputError(
        f'images of {images.shape[1]} x {images.shape[2]} pixels are too small'
        f' for the gaze estimator: set data.height and data.width to'
        f' {MIN_SIDE} or more.'
    )
  init, train_chunk = _compile(
      mesh,
      image_shape=images.shape[1:],
      num_steps=num_steps,
      learning_rate=learning_rate,
      augmented=augmented,
  )
  state = fitting.fit(
      *(init(jax.random.key(seed)), train_chunk, images, gaze),
      mesh=mesh,
      seed=seed,
      num_steps=num_steps,
      batch_size=batch_size,
      on_progress=on_progress,
  )
  return jax.device_put(state.params, mesh_lib.replicated(mesh))


@jax.jit
def _predict(params, images):
  predicted = _apply(params, pixels.scale_images(images))
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
