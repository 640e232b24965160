"""The paper's hand pose estimator and its training (section 3.2)."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, PRNGKeyArray, UInt8

from simgan_jax.estimators import fitting, hand_augmentation, hourglass
from simgan_jax.machine import batching, errors, pixels, splitting
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.simulators import hand_images


@dataclasses.dataclass(frozen=True)
class Sizes:
  """Of the stacked hourglass."""

  heatmap_size: int = 64  # pixels, a multiple of 2 ** depth
  num_features: int = 256  # channels
  num_stacks: int = 2
  depth: int = 4  # halvings in an hourglass

  def network(self, image_size: int) -> hourglass.StackedHourglass:
    """Return the network for square images of `image_size` px."""
    return hourglass.StackedHourglass(
        num_joints=len(hand_images.JOINTS),
        num_stacks=self.num_stacks,
        num_features=self.num_features,
        depth=self.depth,
        stride=self.stride(image_size),
    )

  def stride(self, image_size: int) -> int:
    """Return image pixels to a heat-map's: 4, for small images 2."""
    return 4 if image_size >= 3 * self.heatmap_size else 2


def init_params(
    key: jax.Array, *, image_shape: tuple[int, int, int], sizes: Sizes
) -> Any:
  """Return fresh float32 parameters for images of `image_shape` (h, w, c)."""
  side = sizes.heatmap_size * sizes.stride(image_shape[0])
  images = jnp.zeros((1, side, side, image_shape[2]))
  return sizes.network(image_shape[0]).init(key, images)['params']


def heatmap_loss(
    predicted: Float[Array, 'b s h w k'], truth: Float[Array, 'b h w k']
) -> Float[Array, '']:
  """Return the cross-entropy of heat-maps as distributions over the pixels.

  The sum over the stacks, the mean over the batch and the joints; every stack
  is held to the truth, which is the network's intermediate supervision.
  Differs from the original: it takes the squared error, whose gradient nearly
  vanishes while all pixels are close to zero; this learns more from a third
  of the steps.

  Args:
    predicted: [b, s, h, w, k] float32, logarithms up to a constant.
    truth: [b, h, w, k] float32, not negative; its sum is made 1 here.
  """
  truth = truth / jnp.maximum(truth.sum((1, 2), keepdims=True), 1e-6)
  shares = jax.nn.log_softmax(predicted, axis=(2, 3))
  return -jnp.mean(jnp.sum(truth[:, None] * shares, axis=(1, 2, 3)))


def _apply(params: Any, images: jax.Array, image_size: int, sizes: Sizes):
  network = sizes.network(image_size)
  return cast(jax.Array, network.apply({'params': params}, images))


def _augment(
    key: PRNGKeyArray,
    images: Float[Array, 'b h h c'],
    joints: Float[Array, 'b k 2'],
    *,
    num_devices: int,
    size: int,
):
  """Augment a device's part of a batch as one device would the whole."""
  keys = fitting.own_keys(key, len(images), num_devices=num_devices)
  return hand_augmentation.augment(keys, images, joints, size=size)


@functools.cache
def _compile(
    mesh: Mesh,
    *,
    image_shape: tuple[int, int, int],
    num_steps: int,
    learning_rate: float,
    augmented: bool,
    sizes: Sizes,
):
  """Return compiled init(key) and train_chunk as `fitting.fit` takes it."""
  # As one vector: 400 small arrays take 12 seconds longer to compile.
  optimizer = optax.flatten(fitting.make_optimizer(num_steps, learning_rate))
  image_size = image_shape[0]
  size = sizes.heatmap_size * sizes.stride(image_size)

  def init(key: jax.Array) -> fitting.TrainState:
    params = init_params(key, image_shape=image_shape, sizes=sizes)
    return fitting.TrainState(params, optimizer.init(params))

  def prepare(key, images, joints):
    images = pixels.scale_images(images)
    if augmented:
      images, places = _augment(
          *(key, images, joints[..., :2]), num_devices=mesh.size, size=size
      )
    else:
      images = hand_augmentation.resize(images, size=size)
      places = (joints[..., :2] + 0.5) * (size / image_size) - 0.5
    return images, (places + 0.5) * (sizes.heatmap_size / size) - 0.5

  def step(state: fitting.TrainState, batch):
    def loss_fn(params, part):
      images, places = part
      truth = hourglass.draw_heatmaps(places, size=sizes.heatmap_size)
      loss = heatmap_loss(_apply(params, images, image_size, sizes), truth)
      return loss, loss

    gradients, loss = splitting.mean_gradients(
        loss_fn,
        state.params,
        prepare(*batch),
        splitting.Split(axis_name=mesh_lib.AXIS),
    )
    updates, opt_state = optimizer.update(gradients, state.opt_state)
    return (
        fitting.TrainState(
            optax.apply_updates(state.params, updates), opt_state
        ),
        loss,
    )

  batch_spec = mesh_lib.batch_spec(1)
  train_chunk = jax.shard_map(
      lambda state, *batch: jax.lax.scan(step, state, batch),
      mesh=mesh,
      in_specs=(PartitionSpec(), PartitionSpec(), batch_spec, batch_spec),
      out_specs=(PartitionSpec(), PartitionSpec()),
      check_vma=False,
  )
  return (
      jax.jit(init, out_shardings=mesh_lib.replicated(mesh)),
      jax.jit(train_chunk, donate_argnums=0),
  )


def train(
    images: UInt8[np.ndarray, 'n h h c'],
    joints: Float[np.ndarray, 'n k 3'],
    *,
    mesh: Mesh,
    seed: int,
    num_steps: int,
    batch_size: int,
    learning_rate: float,
    augmented: bool = False,
    sizes: Sizes,
    on_progress: Callable[[int], object] = lambda num_steps: None,
) -> Any:
  """Train an estimator; equal arguments give equal parameters.

  Args:
    images: [n, h, h, c] uint8 depth images.
    joints: [n, k, 3] float32, (u, v) px of the images; depth is not used.
    mesh: devices; their number divides the batch.
    seed: of the initial parameters, the order and the views of the images.
    num_steps: optimiser steps.
    batch_size: images a step.
    learning_rate: at the start; it decays to 0 along a cosine.
    augmented: train on random views, see `hand_augmentation`.
    sizes: of the network.
    on_progress: called with the number of steps made since the last call.

  Returns:
    The parameters, replicated over the mesh.

  Raises:
    InputError: when there are no images, or they are not square.
    FloatingPointError: when the loss is not finite, naming the step.
  """
  height, width = images.shape[1:3]
  if height != width:
    raise errors.InputError(
        f'images of {height} x {width} pixels are not square, as those of hands'
        ' must be: set data.height and data.width to the same number.'
    )
  init, train_chunk = _compile(
      mesh,
      image_shape=images.shape[1:],
      num_steps=num_steps,
      learning_rate=learning_rate,
      augmented=augmented,
      sizes=sizes,
  )
  state = fitting.fit(
      *(init(jax.random.key(seed)), train_chunk, images, joints),
      mesh=mesh,
      seed=seed,
      num_steps=num_steps,
      batch_size=batch_size,
      on_progress=on_progress,
  )
  return state.params


@functools.partial(jax.jit, static_argnames=('sizes',))
def _predict(params, images, *, sizes):
  image_size = images.shape[1]
  size = sizes.heatmap_size * sizes.stride(image_size)
  views = hand_augmentation.resize(pixels.scale_images(images), size=size)
  heatmaps = _apply(params, views, image_size, sizes)[:, -1]
  places = hourglass.find_places(heatmaps)
  return (places + 0.5) * (image_size / sizes.heatmap_size) - 0.5


def predict(
    params: Any,
    images: UInt8[np.ndarray, 'n h h c'],
    *,
    mesh: Mesh,
    batch_size: int,
    sizes: Sizes,
) -> Float[np.ndarray, 'n k 2']:
  """Return joints, [n, k, 2] float32, (u, v) px of the images.

  The last batch is filled up, so that one shape is compiled.
  """
  found = batching.map_batches(
      functools.partial(_predict, params, sizes=sizes),
      images,
      mesh=mesh,
      batch_size=batch_size,
  )
  none = np.zeros((0, len(hand_images.JOINTS), 2), np.float32)
  return np.concatenate([none, *found])
