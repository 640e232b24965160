"""The paper's hand pose estimator and its training (section 3.2)."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Key, UInt8

from simgan_jax.estimators import (
    hand_augmentation,
    heatmaps,
    hourglass,
    trainer,
)
from simgan_jax.estimators.estimator import Estimator
from simgan_jax.machine import batching, pixels, splitting
from simgan_jax.simulators import hand_images


@dataclasses.dataclass(frozen=True)
class Sizes:
  """The sizes of the stacked hourglass."""

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
    """Return the network's input pixels to one of a heat-map: 4, or 2."""
    return 4 if image_size >= 3 * self.heatmap_size else 2

  def view_size(self, image_size: int) -> int:
    """Return the side in px of the network's input for such images."""
    return self.heatmap_size * self.stride(image_size)


def init_params(
    key: jax.Array, *, image_shape: tuple[int, int, int], sizes: Sizes
) -> Any:
  """Return fresh float32 parameters for images of `image_shape` (h, w, c)."""
  side = sizes.view_size(image_shape[0])
  images = jnp.zeros((1, side, side, image_shape[2]))
  return sizes.network(image_shape[0]).init(key, images)['params']


def _apply(params: Any, images: jax.Array, image_size: int, sizes: Sizes):
  found = sizes.network(image_size).apply({'params': params}, images)
  return cast(jax.Array, found)


def _make_views(
    keys: Key[Array, 'b'],
    images: UInt8[Array, 'b h h c'],
    joints: Float[Array, 'b k 3'],
    *,
    augmented: bool,
    sizes: Sizes,
):
  """Return the network's input, and the joints in it in px of the heat-maps."""
  side, size = images.shape[1], sizes.view_size(images.shape[1])
  views, places = pixels.scale_images(images), joints[..., :2]
  if augmented:
    views, places = hand_augmentation.augment(keys, views, places, size=size)
  else:
    views = hand_augmentation.resize(views, size=size)
    places = (places + 0.5) * (size / side) - 0.5
  return views, (places + 0.5) * (sizes.heatmap_size / size) - 0.5


@functools.cache
def _compile(
    mesh: Mesh,
    image_shape: tuple[int, int, int],
    recipe: trainer.Recipe,
    sizes: Sizes,
) -> Callable[..., Any]:
  """Return a function that trains on images of `image_shape`."""

  def loss_fn(params, batch):
    views, places = batch
    truth = heatmaps.draw(places, shape=(sizes.heatmap_size,) * 2)
    loss = heatmaps.loss(_apply(params, views, image_shape[0], sizes), truth)
    return loss, loss

  def grad_fn(params, keys, images, joints):
    batch = _make_views(
        keys, images, joints, augmented=recipe.augmented, sizes=sizes
    )
    # In one part: small maps do not repay what each part costs.
    return splitting.mean_gradients(loss_fn, params, batch, trainer.SPLIT)

  return trainer.make_train_fn(
      mesh,
      recipe,
      init_params=functools.partial(
          init_params, image_shape=image_shape, sizes=sizes
      ),
      grad_fn=grad_fn,
      flatten=True,  # 400 arrays would take 12 seconds longer to compile
  )


def train(
    images: UInt8[np.ndarray, 'n h h c'],
    joints: Float[np.ndarray, 'n k 3'],
    *,
    mesh: Mesh,
    seed: int,
    recipe: trainer.Recipe,
    sizes: Sizes,
    on_progress: Callable[[int], object] = lambda num_steps: None,
) -> Any:
  """Train an estimator; equal arguments give equal parameters.

  Joints are (u, v) px of the images, and a depth that is not used. The other
  arguments and the errors are those of `gaze.train`, but images must be square.
  """
  hand_augmentation.check_square(images)
  train_fn = _compile(mesh, images.shape[1:], recipe, sizes)
  return train_fn(images, joints, seed=seed, on_progress=on_progress)


@functools.partial(jax.jit, static_argnames=('sizes',))
def _predict(params, images, *, sizes):
  image_size = images.shape[1]
  views = hand_augmentation.resize(
      pixels.scale_images(images), size=sizes.view_size(image_size)
  )
  places = heatmaps.find(_apply(params, views, image_size, sizes)[:, -1])
  return (places + 0.5) * (image_size / sizes.heatmap_size) - 0.5


def predict(
    params: Any,
    images: UInt8[np.ndarray, 'n h h c'],
    *,
    mesh: Mesh,
    batch_size: int = batching.BATCH_SIZE,
    sizes: Sizes,
) -> Float[np.ndarray, 'n k 2']:
  """Return joints (u, v) in px of uint8 images: [n, k, 2] float32."""
  predict_fn = functools.partial(_predict, params, sizes=sizes)
  found = batching.map_batches(
      predict_fn, images, mesh=mesh, batch_size=batch_size
  )
  none = np.zeros((0, len(hand_images.JOINTS), 2), np.float32)
  return np.concatenate([none, *found])


def make(sizes: Sizes) -> Estimator:
  """Return the stacked hourglass of some sizes as an estimator."""
  options = {'sizes': sizes}
  return Estimator(
      init_params=functools.partial(init_params, **options),
      train=functools.partial(train, **options),
      predict=functools.partial(predict, **options),
      learning_rate=6e-3,
  )
