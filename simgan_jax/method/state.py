"""The state that training carries from round to round."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax.training import train_state
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int, PRNGKeyArray

from simgan_jax.method import history as history_lib
from simgan_jax.method import networks


class SimGANState(NamedTuple):
  """Both networks with their optimisers, the history, and what comes next."""

  refiner: train_state.TrainState
  discriminator: train_state.TrainState
  history: history_lib.History
  key: PRNGKeyArray  # never consumed: folded with the round and step
  round: Int[Array, '']  # rounds completed


def create_state(
    key: PRNGKeyArray,
    *,
    refiner: networks.Refiner,
    discriminator: networks.Discriminator,
    optimizer: optax.GradientTransformation,
    image_shape: tuple[int, int, int],
    batch_size: int,
    history_size: int,
) -> SimGANState:
  """Return the state before the first step.

  Args:
    key: a PRNG key; both networks and all later draws derive from it.
    refiner: the refiner network.
    discriminator: the discriminator network.
    optimizer: used for both networks, each with a state of its own.
    image_shape: (h, w, c).
    batch_size: images a step, over all devices; even.
    history_size: images the history holds, rounded up to half batches.
  """
  refiner_key, discriminator_key, training_key = jax.random.split(key, 3)

  def create(network, network_key: PRNGKeyArray) -> train_state.TrainState:
    images = jnp.zeros((1, *image_shape))
    created = train_state.TrainState.create(
        apply_fn=network.apply,
        params=network.init(network_key, images)['params'],
        tx=optimizer,
    )
    # Flax starts with a Python int, which would trace every step twice.
    return created.replace(step=jnp.zeros((), jnp.int32))

  return SimGANState(
      refiner=create(refiner, refiner_key),
      discriminator=create(discriminator, discriminator_key),
      history=history_lib.init_history(
          size=history_size, batch_size=batch_size, image_shape=image_shape
      ),
      key=training_key,
      round=jnp.zeros((), jnp.int32),
  )


def partition_specs(axis_name: str) -> Any:
  """Return how a state is split over a mesh axis, as a prefix of its pytree.

  Every device holds the images of the history that its part of the batch draws
  from; the rest is the same on all.
  """
  everywhere: Any = PartitionSpec()
  split: Any = PartitionSpec(axis_name)
  history = history_lib.History(split, everywhere, everywhere)
  return SimGANState(everywhere, everywhere, history, everywhere, everywhere)


def shardings(mesh: Mesh) -> Any:
  """Return `partition_specs` on a mesh, whose axis is its only one."""
  (axis_name,) = mesh.axis_names
  return jax.tree.map(
      functools.partial(NamedSharding, mesh), partition_specs(axis_name)
  )
