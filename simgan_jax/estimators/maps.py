"""The compact estimator of maps: joints of hands, points, or a label image.

A small U-Net. Points have a heat-map each, and every pixel of a label image
has a score for each class. The rate of the recipe is the largest of one cycle;
1.2e-2 with 1,000 steps of 16 images suits the built-in hands.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Key, Shaped, UInt8

from simgan_jax.estimators import (
    compact_losses,
    compact_network,
    hand_augmentation,
    heatmaps,
    map_augmentation,
    trainer,
)
from simgan_jax.estimators.estimator import Estimator
from simgan_jax.estimators.map_network import UNet
from simgan_jax.machine import batching, errors, pixels, splitting

TASKS = 'hands', 'points', 'mask'


@dataclasses.dataclass(frozen=True)
class Spec:
  """What is estimated, and by which network."""

  task: str  # one of TASKS
  network: UNet


def _apply(
    params: Any, images: Float[Array, 'b h w c'], spec: Spec
) -> Float[Array, 'b mh mw k']:
  # Depths have a zero of their own; the light of a photograph has none.
  if spec.task != 'hands':
    images = compact_network.standardize(images)
  return cast(jax.Array, spec.network.apply({'params': params}, images))


def _augment(
    keys: Key[Array, 'b'],
    images: Float[Array, 'b h w c'],
    labels: Shaped[Array, 'b ...'],
    task: str,
) -> tuple[Float[Array, 'b h w c'], Shaped[Array, 'b ...']]:
  if task == 'hands':
    return hand_augmentation.augment(keys, images, labels, size=images.shape[1])
  return map_augmentation.augment(keys, images, labels, task=task)


def _loss(
    params: Any, images: jax.Array, labels: jax.Array, spec: Spec
) -> jax.Array:
  found = _apply(params, images, spec)
  if spec.task == 'mask':
    scores = found.reshape(-1, found.shape[-1])
    return compact_losses.class_loss(scores, labels.reshape(-1))
  places = (labels + 0.5) * spec.network.scale - 0.5
  truth = heatmaps.draw(places, shape=(found.shape[1], found.shape[2]))
  return heatmaps.loss(found[:, None], truth)


def _init_params(
    key: jax.Array, *, image_shape: tuple[int, int, int], spec: Spec
) -> Any:
  return spec.network.init(key, jnp.zeros((1, *image_shape)))['params']


@functools.cache
def _compile(
    mesh: Mesh,
    image_shape: tuple[int, int, int],
    recipe: trainer.Recipe,
    spec: Spec,
) -> Callable[..., Any]:
  """Return a function that trains on images of `image_shape`."""

  def loss_fn(params, batch):
    images, labels = batch
    loss = _loss(params, images, labels, spec)
    return loss, loss

  def grad_fn(params, keys, images, labels):
    images = pixels.scale_images(images)
    if recipe.augmented:
      images, labels = _augment(keys, images, labels, spec.task)
    batch = images, labels
    return splitting.mean_gradients(loss_fn, params, batch, trainer.SPLIT)

  return trainer.make_train_fn(
      mesh,
      recipe,
      init_params=functools.partial(
          _init_params, image_shape=image_shape, spec=spec
      ),
      grad_fn=grad_fn,
      optimizer=optax.adam(trainer.one_cycle(recipe)),
      flatten=True,
  )


def _check(images: np.ndarray, labels: np.ndarray, spec: Spec) -> None:
  """Raise InputError for labels from which nothing can be learnt."""
  num = spec.network.num_maps
  if spec.task == 'hands':
    hand_augmentation.check_square(images)
  if spec.task == 'mask':
    if labels.shape != images.shape[:3]:
      raise errors.InputError(
          f'label images of {labels.shape[1:]} pixels do not fit images of'
          f' {images.shape[1:3]}: give each image a label image of its size.'
      )
    if labels.max(initial=-1) >= num:
      raise errors.InputError(
          f'a pixel has class {labels.max()}, but there are {num} classes,'
          ' numbered from 0: name every class.'
      )
    known = labels >= 0
  else:
    known = ~np.isnan(labels)
  if len(labels) and not known.any():
    what = 'pixel' if spec.task == 'mask' else 'point'
    raise errors.InputError(
        f'no {what} of the {len(labels):,} training images has a label: an'
        ' estimator learns from them; give labels that are not empty.'
    )


def _train(
    images: UInt8[np.ndarray, 'n h w c'],
    labels: Shaped[np.ndarray, 'n ...'],
    *,
    mesh: Mesh,
    seed: int,
    recipe: trainer.Recipe,
    spec: Spec,
    on_progress: Callable[[int], object] = lambda num_steps: None,
) -> Any:
  _check(images, labels, spec)
  if spec.task == 'mask':
    labels = labels.astype(np.int32)
  else:
    labels = labels[..., :2].astype(np.float32)
  train_fn = _compile(mesh, images.shape[1:], recipe, spec)
  return train_fn(images, labels, seed=seed, on_progress=on_progress)


@functools.partial(jax.jit, static_argnames='spec')
def _predict_batch(params, images, *, spec):
  found = _apply(params, pixels.scale_images(images), spec)
  if spec.task == 'mask':
    return found.argmax(axis=-1).astype(jnp.int32)
  return (heatmaps.find(found) + 0.5) / spec.network.scale - 0.5


def _predict(
    params: Any,
    images: UInt8[np.ndarray, 'n h w c'],
    *,
    mesh: Mesh,
    batch_size: int = batching.BATCH_SIZE,
    spec: Spec,
) -> np.ndarray:
  predict_fn = functools.partial(_predict_batch, params, spec=spec)
  found = batching.map_batches(
      predict_fn, images, mesh=mesh, batch_size=batch_size
  )
  if spec.task == 'mask':
    none = np.zeros((0, *images.shape[1:3]), np.int32)
  else:
    none = np.zeros((0, spec.network.num_maps, 2), np.float32)
  return np.concatenate([none, *found])


def make(task: str, num_outputs: int) -> Estimator:
  """Return the compact estimator of points or of label images.

  Labels and predictions by task; images have any height and width, but those of
  hands are square:

      hands   labels [n, k, 3] float32, joints (u, v) px of the images and a
              depth that is not used; predictions [n, k, 2] float32, (u, v) px
      points  labels [n, k, 2] float32, (x, y) px of the images, NaN where
              nobody knows; predictions the same
      mask    labels [n, h, w] integer, a class from 0 to k - 1 a pixel, -1
              where nobody knows; predictions [n, h, w] int32

  What nobody knows is not learnt from.

  Args:
    task: 'hands', 'points' or 'mask'.
    num_outputs: Number of joints, points or classes, k.

  Raises:
    InputError: If the task is unknown. Training raises it if there are no
      images, or no labels that it can learn from.
  """
  if task not in TASKS:
    raise errors.InputError(
        f'there is no estimator of maps for {task!r}; choose one of {TASKS}.'
    )
  if task == 'mask':  # outlines, as fine as the image
    network = UNet(num_outputs, fold=2, features=(32, 64, 96, 128))
  else:  # a point has a place between the pixels of a map
    network = UNet(num_outputs)
  spec = Spec(task, network)
  return Estimator(
      init_params=functools.partial(_init_params, spec=spec),
      train=functools.partial(_train, spec=spec),
      predict=functools.partial(_predict, spec=spec),
      learning_rate=1.2e-2,
  )
