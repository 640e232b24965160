"""The compact estimator of one vector an image: a gaze, a class or numbers.

It has less than a tenth of the operations of the paper's gaze estimator.
"""

import functools
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from jaxtyping import Float, Shaped, UInt8

from simgan_jax.data import gaze_angles
from simgan_jax.estimators import augmentation, compact_losses, trainer
from simgan_jax.estimators.compact_network import CompactNetwork
from simgan_jax.estimators.estimator import Estimator
from simgan_jax.machine import batching, errors, pixels, splitting
from simgan_jax.machine import mesh as mesh_lib

TASKS = tuple(compact_losses.LOSSES)
MIN_SIDE = 16  # pixels; less leaves too few features
WEIGHT_DECAY = 1e-2
_STATISTICS_RATE = 0.1  # of a batch's in the running statistics


def _init_network(
    key: jax.Array, *, image_shape: tuple[int, int, int], num_outputs: int
) -> Any:
  network = CompactNetwork(num_outputs)
  made = network.init(key, jnp.zeros((1, *image_shape)))
  return {'network': made['params'], 'statistics': made['batch_stats']}


def init_params(
    key: jax.Array, *, image_shape: tuple[int, int, int], num_outputs: int
) -> Any:
  """Return fresh float32 parameters for images of `image_shape` (h, w, c)."""
  made = _init_network(key, image_shape=image_shape, num_outputs=num_outputs)
  size = (num_outputs,)
  return made | {'labels': {'mean': jnp.zeros(size), 'scale': jnp.ones(size)}}


@functools.cache
def _compile(
    mesh: Mesh,
    image_shape: tuple[int, int, int],
    recipe: trainer.Recipe,
    task: str,
    num_outputs: int,
) -> Callable[..., Any]:
  """Return a function that trains on images of `image_shape`."""
  network = CompactNetwork(num_outputs, mesh_lib.AXIS)

  def loss_fn(params, batch):
    images, labels = batch
    variables = {'params': params['network']}
    variables |= {'batch_stats': params['statistics']}
    predicted, changed = network.apply(
        variables, images, training=True, mutable=['batch_stats']
    )
    loss = compact_losses.LOSSES[task](cast(jax.Array, predicted), labels)
    # The gradient of this term moves the running statistics to the batch's.
    distances = jax.tree.map(
        lambda old, new: jnp.sum(jnp.square(old - jax.lax.stop_gradient(new))),
        params['statistics'],
        changed['batch_stats'],
    )
    return loss + optax.tree.sum(distances) / 2, loss

  def grad_fn(params, keys, images, labels):
    images = pixels.scale_images(images)
    if recipe.augmented:
      images = augmentation.augment(keys, images, moving=task != 'regression')
    return splitting.mean_gradients(
        loss_fn, params, (images, labels), trainer.SPLIT
    )

  optimizer = optax.partition(
      {
          # As one vector each: 30 arrays would take longer to compile.
          'network': optax.flatten(
              optax.adamw(trainer.one_cycle(recipe), weight_decay=WEIGHT_DECAY)
          ),
          'statistics': optax.flatten(optax.sgd(_STATISTICS_RATE)),
      },
      {'network': 'network', 'statistics': 'statistics'},
  )
  return trainer.make_train_fn(
      mesh,
      recipe,
      init_params=functools.partial(
          _init_network, image_shape=image_shape, num_outputs=num_outputs
      ),
      grad_fn=grad_fn,
      optimizer=optimizer,
  )


def scale_of(
    numbers: Float[np.ndarray, 'n k'],
) -> tuple[Float[np.ndarray, 'k'], Float[np.ndarray, 'k']]:
  """Return mean and deviation of the known numbers; 1 where they are equal."""
  known = ~np.isnan(numbers)
  count = np.maximum(known.sum(axis=0), 1)
  mean = np.where(known, numbers, 0).sum(axis=0) / count
  variance = np.where(known, (numbers - mean) ** 2, 0).sum(axis=0) / count
  deviation = np.sqrt(variance)
  constant = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
  return mean, np.where(constant, 1, deviation)


def train(
    images: UInt8[np.ndarray, 'n h w c'],
    labels: Shaped[np.ndarray, 'n ...'],
    *,
    mesh: Mesh,
    seed: int,
    recipe: trainer.Recipe,
    on_progress: Callable[[int], object] = lambda num_steps: None,
    task: str,
    num_outputs: int,
) -> Any:
  """Train an estimator; equal arguments give equal parameters.

  Args:
    images: Images to train on, [n, h, w, c] uint8.
    labels: Their labels: gaze, [n, 3] float32 unit vectors; classes, [n] int32,
      -1 where unknown; or numbers, [n, k] float32, NaN where unknown.
    mesh: Devices that share a batch, and get a copy of the parameters.
    seed: Seed of the initial parameters, the order and the augmentation.
    recipe: Steps, batch size, peak of the learning rate and augmentation.
    on_progress: Called with the number of steps made since the last call.
    task: What is estimated, one of `TASKS`.
    num_outputs: Number of classes or numbers; 2 for gaze.

  Raises:
    InputError: If there are no images, or they are too small.
    NonFiniteError: If the loss is not finite.
  """
  height, width = images.shape[1:3]
  if min(height, width) < MIN_SIDE:
    raise errors.InputError(
        f'images of {height} x {width} pixels are too small for the estimator:'
        f' set data.height and data.width to {MIN_SIDE} or more.'
    )
  mean, scale = np.zeros(num_outputs), np.ones(num_outputs)
  if task != 'class' and len(images):
    if task == 'gaze':
      labels = gaze_angles.angles_from_vector(labels)
    mean, scale = scale_of(labels.astype(np.float64))
    if task == 'gaze':  # one scale, so that distances are those of angles
      scale = np.full(2, np.hypot(*scale) / 2**0.5)
    labels = ((labels - mean) / scale).astype(np.float32)
  train_fn = _compile(mesh, images.shape[1:], recipe, task, num_outputs)
  params = train_fn(images, labels, seed=seed, on_progress=on_progress)
  kept = {'mean': mean.astype(np.float32), 'scale': scale.astype(np.float32)}
  return params | {'labels': jax.device_put(kept, mesh_lib.replicated(mesh))}


@functools.partial(jax.jit, static_argnames=('task',))
def _predict(params, images, *, task):
  labels = params['labels']
  variables = {
      'params': params['network'],
      'batch_stats': params['statistics'],
  }
  network = CompactNetwork(len(labels['mean']))
  found = network.apply(variables, pixels.scale_images(images))
  found = cast(jax.Array, found)
  if task == 'class':
    return jax.nn.softmax(found)
  return found * labels['scale'][None] + labels['mean'][None]


def predict(
    params: Any,
    images: UInt8[np.ndarray, 'n h w c'],
    *,
    mesh: Mesh,
    batch_size: int = batching.BATCH_SIZE,
    task: str,
    num_outputs: int,
) -> Float[np.ndarray, 'n k']:
  """Return what images show, float32.

  Args:
    params: Parameters that `train` returned.
    images: Images, [n, h, w, c] uint8.
    mesh: Devices that share a batch.
    batch_size: Images a call.
    task: What is estimated, one of `TASKS`.
    num_outputs: Number of classes or numbers; 2 for gaze.

  Returns:
    Unit vectors of gaze, [n, 3]; probabilities of the classes,
    [n, num_outputs]; or numbers in the labels' units, [n, num_outputs].
  """
  predict_fn = functools.partial(_predict, params, task=task)
  found = batching.map_batches(
      predict_fn, images, mesh=mesh, batch_size=batch_size
  )
  rows = np.concatenate([np.zeros((0, num_outputs), np.float32), *found])
  if task == 'gaze':
    return gaze_angles.vector_from_angles(rows[:, 0], rows[:, 1])
  return rows


def make(task: str, num_outputs: int = 2) -> Estimator:
  """Return the compact estimator of a task.

  Args:
    task: What is estimated: 'gaze', 'class' or 'regression'.
    num_outputs: Number of classes, or of numbers an image; not used for gaze.

  Raises:
    InputError: If there is no such task.
  """
  if task not in TASKS:
    raise errors.InputError(
        f'the compact estimator has no task {task!r}; choose one of'
        f' {", ".join(TASKS)}.'
    )
  size = {'num_outputs': 2 if task == 'gaze' else num_outputs}
  return Estimator(
      init_params=functools.partial(init_params, **size),
      train=functools.partial(train, task=task, **size),
      predict=functools.partial(predict, task=task, **size),
      learning_rate=3e-3,
  )
