"""The training that both estimators have in common."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from simgan_jax.estimators import fitting
from simgan_jax.machine import mesh as mesh_lib


class Recipe(NamedTuple):
  """How an estimator is trained."""

  num_steps: int  # optimiser steps
  batch_size: int  # images a step; a multiple of the number of devices
  learning_rate: float  # at the start; it decays to 0 along a cosine
  augmented: bool = False  # change the training images at random


def make_train_fn(
    mesh: Mesh,
    recipe: Recipe,
    *,
    optimizer: optax.GradientTransformation,
    init_params: Callable[[jax.Array], Any],
    grad_fn: Callable[..., Any],
    spec_fn: Callable[..., PartitionSpec] = lambda path, leaf: PartitionSpec(),
) -> Callable[..., Any]:
  """Return train(images, labels, *, seed, on_progress), compiled once.

  It returns the parameters, replicated over the mesh; see `fitting.fit`.

  Args:
    mesh: Devices that share a batch.
    recipe: How to train.
    optimizer: The optimiser.
    init_params: Function of a PRNG key that returns fresh parameters.
    grad_fn: Function of (params, keys [b], images [b h w c], labels [b ...])
      that returns gradients and loss of a device's part of a batch, both
      averaged over the devices.
    spec_fn: Function of the path and the leaves of the state that returns how a
      leaf is split over the mesh; by default every device has a copy.
  """

  def init(key: jax.Array) -> fitting.TrainState:
    params = init_params(key)
    return fitting.TrainState(params, optimizer.init(params))

  def step(state: fitting.TrainState, batch):
    key, images, labels = batch
    keys = fitting.own_keys(key, len(images), num_devices=mesh.size)
    gradients, loss = grad_fn(state.params, keys, images, labels)
    updates, opt_state = optimizer.update(gradients, state.opt_state)
    params = optax.apply_updates(state.params, updates)
    return fitting.TrainState(params, opt_state), loss

  specs = jax.tree_util.tree_map_with_path(
      spec_fn, jax.eval_shape(init, jax.random.key(0))
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
  init = jax.jit(init, out_shardings=shardings)
  train_chunk = jax.jit(train_chunk, donate_argnums=0)

  def train(images, labels, *, seed, on_progress):
    state = fitting.fit(
        init(jax.random.key(seed)),
        train_chunk,
        images,
        labels,
        mesh=mesh,
        seed=seed,
        num_steps=recipe.num_steps,
        batch_size=recipe.batch_size,
        on_progress=on_progress,
    )
    return jax.device_put(state.params, mesh_lib.replicated(mesh))

  return train
