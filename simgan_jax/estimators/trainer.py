"""The training that all estimators have in common."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Key, PRNGKeyArray, Shaped, UInt8

from simgan_jax.data import pipeline
from simgan_jax.machine import errors, fitting, splitting
from simgan_jax.machine import mesh as mesh_lib

CHUNK = 25  # steps in one compiled call
SPLIT = splitting.Split(axis_name=mesh_lib.AXIS)


class Recipe(NamedTuple):
  """How an estimator is trained."""

  num_steps: int  # optimiser steps
  batch_size: int  # images a step; a multiple of the number of devices
  learning_rate: float  # the largest one
  augmented: bool = False  # change the training images at random


def one_cycle(recipe: Recipe) -> optax.Schedule:
  """Return a learning rate that rises to its largest and falls to nearly 0.

  Smith and Topin, "Super-convergence: very fast training of neural networks
  using large learning rates", 2017.
  """
  return optax.cosine_onecycle_schedule(
      max(4, recipe.num_steps), recipe.learning_rate, pct_start=0.25
  )


def own_keys(
    key: PRNGKeyArray, num_images: int, *, num_devices: int
) -> Key[Array, 'b']:
  """Return the keys of this device's images, one for each."""
  keys = jax.random.split(key, num_devices * num_images)
  first = num_images * jax.lax.axis_index(mesh_lib.AXIS)
  return jax.lax.dynamic_slice_in_dim(keys, first, num_images)


def _chunks(
    images: UInt8[np.ndarray, 'n h w c'],
    labels: Shaped[np.ndarray, 'n ...'],
    recipe: Recipe,
    *,
    seed: int,
    mesh: Mesh,
) -> Iterator[tuple[jax.Array, ...]]:
  """Yield keys [k], images [k b h w c] and labels [k b ...] of k steps."""
  keys = jax.random.split(jax.random.key(seed + 2**31), recipe.num_steps)
  sharding = mesh_lib.batch_sharding(mesh, batch_axis=1)
  order = pipeline.index_batches(len(images), (recipe.batch_size,), key=(seed,))
  for start in range(0, recipe.num_steps, CHUNK):
    num = min(CHUNK, recipe.num_steps - start)
    indices = np.stack([next(order) for _ in range(num)])
    batch = jax.device_put((images[indices], labels[indices]), sharding)
    yield keys[start : start + num], *batch


def make_train_fn(
    mesh: Mesh,
    recipe: Recipe,
    *,
    init_params: Callable[[jax.Array], Any],
    grad_fn: Callable[..., Any],
    optimizer: optax.GradientTransformation | None = None,
    spec_fn: Callable[..., PartitionSpec] = lambda path, leaf: PartitionSpec(),
    flatten: bool = False,
) -> Callable[..., Any]:
  """Return train(images, labels, *, seed, on_progress), compiled once.

  It returns the parameters, replicated over the mesh. It raises InputError if
  there are no images, and NonFiniteError if the loss is not finite.

  Args:
    mesh: Devices that share a batch.
    recipe: Steps, batch size, learning rate and augmentation.
    init_params: Function of a PRNG key that returns fresh parameters.
    grad_fn: Function of (params, keys [b], images [b h w c], labels [b ...])
      that returns gradients and loss of a device's part of a batch, both
      averaged over the devices.
    optimizer: Optimiser; by default Adam, whose learning rate decays from that
      of the recipe to 0 along a cosine.
    spec_fn: Function of the path and the leaves of the state that returns how a
      leaf is split over the mesh; by default every device has a copy.
    flatten: Whether to update all parameters as one vector. For hundreds of
      small arrays this saves many seconds of compiling.
  """
  if optimizer is None:
    # Differs from the paper: its text names no optimiser.
    optimizer = optax.adam(
        optax.cosine_decay_schedule(recipe.learning_rate, recipe.num_steps)
    )
  if flatten:
    optimizer = optax.flatten(optimizer)

  def init(key):
    params = init_params(key)
    return params, optimizer.init(params)

  def step(state, batch):
    (params, opt_state), (key, images, labels) = state, batch
    keys = own_keys(key, len(images), num_devices=mesh.size)
    gradients, loss = grad_fn(params, keys, images, labels)
    updates, opt_state = optimizer.update(gradients, opt_state, params)
    return (optax.apply_updates(params, updates), opt_state), loss

  specs = jax.tree_util.tree_map_with_path(
      spec_fn, jax.eval_shape(init, jax.random.key(0))
  )
  batch_spec = mesh_lib.batch_spec(1)
  train_chunk = jax.shard_map(
      functools.partial(jax.lax.scan, step),
      mesh=mesh,
      in_specs=(specs, (PartitionSpec(), batch_spec, batch_spec)),
      out_specs=(specs, PartitionSpec()),
      check_vma=False,
  )
  shardings = jax.tree.map(functools.partial(NamedSharding, mesh), specs)
  init = jax.jit(init, out_shardings=shardings)
  train_chunk = jax.jit(train_chunk, donate_argnums=0)

  def train(images, labels, *, seed, on_progress):
    if not len(images):
      raise errors.InputError('there are no images to train an estimator on.')
    params, _ = fitting.fit(
        train_chunk,
        init(jax.random.key(seed)),
        _chunks(images, labels, recipe, seed=seed, mesh=mesh),
        name='the estimator',
        remedy='set a lower --learning_rate',
        num_steps=recipe.num_steps,
        on_progress=on_progress,
    )
    return jax.device_put(params, mesh_lib.replicated(mesh))

  return train
