"""The paper's gaze estimator and its training (section 3.1)."""

import functools
from collections.abc import Callable
from typing import Any, cast, final

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, UInt8

from simgan_jax.estimators import trainer
from simgan_jax.estimators.augmentation import augment
from simgan_jax.estimators.estimator import Estimator
from simgan_jax.kernels.convolution import Conv
from simgan_jax.kernels.pooling import max_pool
from simgan_jax.machine import batching, errors, pixels
from simgan_jax.machine import mesh as mesh_lib

NUM_HIDDEN = 1_000  # features of the first fully connected layer
MIN_SIDE = 19  # pixels; a smaller image has no pixel left after the last pool


@final
class GazeEstimator(nn.Module):
  """Convolutional network from an eye to a gaze vector.

  Five VALID 3x3 convolutions with ReLU and two max-pools, which leave exactly
  9,600 features of an image of 35 x 55, then two fully connected layers.
  """

  num_hidden: int = NUM_HIDDEN  # on this device
  axis_name: str | None = None  # mesh axis that splits the hidden layer

  @nn.compact
  def __call__(self, images: Float[Array, 'b h w c']) -> Float[Array, 'b 3']:
    """Return gaze vectors, not normalised, for images in [-1, 1]."""
    x = images
    for i, features in enumerate((32, 32, 64, 80, 192)):
      x = nn.relu(Conv(features, (3, 3), padding='VALID', name=f'conv{i}')(x))
      if i in (2, 4):
        x = max_pool(x, 3 if i == 2 else 2, 2, 'VALID')
    x = x.reshape(x.shape[0], -1)
    # The hidden layer has 96 % of the parameters. Each device keeps a part of
    # them and applies it to the whole batch: no copies, no all-reduce.
    if self.axis_name is not None:
      x = jax.lax.all_gather(x, self.axis_name, tiled=True)
    x = nn.relu(nn.Dense(self.num_hidden, name='hidden')(x))
    if self.axis_name is not None:
      x = jax.lax.all_to_all(x, self.axis_name, 0, 1, tiled=True)
    return nn.Dense(3, name='gaze')(x)


def init_params(key: jax.Array, *, image_shape: tuple[int, int, int]) -> Any:
  """Return fresh float32 parameters for images of `image_shape` (h, w, c)."""
  return GazeEstimator().init(key, jnp.zeros((1, *image_shape)))['params']


def euclidean_loss(
    predicted: Float[Array, 'b 3'], gaze: Float[Array, 'b 3']
) -> Float[Array, '']:
  """Return the mean squared distance, the paper's "Euclidean loss"."""
  return jnp.mean(jnp.sum(jnp.square(predicted - gaze), axis=-1))


def _apply(
    params: Any, images: Float[Array, 'b h w c'], *options: Any
) -> Float[Array, 'b 3']:
  found = GazeEstimator(*options).apply({'params': params}, images)
  return cast(jax.Array, found)


@functools.cache
def _compile(
    mesh: Mesh, image_shape: tuple[int, int, int], recipe: trainer.Recipe
) -> Callable[..., Any]:
  """Return a function that trains on images of `image_shape`."""
  split = NUM_HIDDEN % mesh.size == 0
  options = (NUM_HIDDEN // mesh.size, mesh_lib.AXIS) if split else ()

  def spec(path, leaf) -> PartitionSpec:
    hidden = any(getattr(entry, 'key', '') == 'hidden' for entry in path)
    axes = [None] * (leaf.ndim - 1) + [mesh_lib.AXIS]
    return PartitionSpec(*axes) if hidden and split else PartitionSpec()

  def grad_fn(params, keys, images, gaze):
    images = pixels.scale_images(images)
    if recipe.augmented:
      images = augment(keys, images)

    def loss_fn(params):
      return euclidean_loss(_apply(params, images, *options), gaze)

    loss, gradients = jax.value_and_grad(loss_fn)(params)
    # The gradient of the split layer is already a sum over the devices.
    own = {'hidden': gradients.pop('hidden')} if split else {}
    flat, unravel = ravel_pytree((loss, gradients))
    loss, gradients = unravel(jax.lax.pmean(flat, mesh_lib.AXIS))
    return gradients | jax.tree.map(lambda x: x / mesh.size, own), loss

  return trainer.make_train_fn(
      mesh,
      recipe,
      init_params=functools.partial(init_params, image_shape=image_shape),
      grad_fn=grad_fn,
      spec_fn=spec,
  )


def train(
    images: UInt8[np.ndarray, 'n h w c'],
    gaze: Float[np.ndarray, 'n 3'],
    *,
    mesh: Mesh,
    seed: int,
    recipe: trainer.Recipe,
    on_progress: Callable[[int], object] = lambda num_steps: None,
) -> Any:
  """Train an estimator; equal arguments give equal parameters.

  The number of steps does not depend on the number of images, so that sets of
  different size get the same amount of work.

  Args:
    images: Images to train on, [n, h, w, c] uint8.
    gaze: Their labels, [n, 3] float32 unit vectors.
    mesh: Devices that share a batch, and get a copy of the parameters.
    seed: Seed of the initial parameters, the order and the augmentation.
    recipe: Steps, batch size, learning rate and augmentation.
    on_progress: Called with the number of steps made since the last call.

  Raises:
    InputError: If there are no images, or they are too small.
    NonFiniteError: If the loss is not finite.
  """
  height, width = images.shape[1:3]
  if min(height, width) < MIN_SIDE:
    raise errors.InputError(
        f'images of {height} x {width} pixels are too small for the gaze'
        f' estimator: set data.height and data.width to {MIN_SIDE} or more.'
    )
  train_fn = _compile(mesh, images.shape[1:], recipe)
  return train_fn(images, gaze, seed=seed, on_progress=on_progress)


@jax.jit
def _predict(params, images):
  predicted = _apply(params, pixels.scale_images(images))
  norm = jnp.linalg.norm(predicted, axis=-1, keepdims=True)
  forward = jnp.array([[0.0, 0.0, -1.0]])
  return jnp.where(norm > 1e-6, predicted / jnp.maximum(norm, 1e-6), forward)


def predict(
    params: Any,
    images: UInt8[np.ndarray, 'n h w c'],
    *,
    mesh: Mesh,
    batch_size: int = batching.BATCH_SIZE,
) -> Float[np.ndarray, 'n 3']:
  """Return unit gaze vectors, [n, 3] float32, for images [n, h, w, c] uint8.

  An output of length zero counts as a gaze into the lens.
  """
  predict_fn = functools.partial(_predict, params)
  found = batching.map_batches(
      predict_fn, images, mesh=mesh, batch_size=batch_size
  )
  return np.concatenate([np.zeros((0, 3), np.float32), *found])


ESTIMATOR = Estimator(init_params, train, predict, learning_rate=1e-3)
