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
  key: PRNGKeyArray  # never changes: folded with the round and step
  round: Int[Array, '']  # rounds completed


def fold_keys(state: SimGANState, num: int) -> PRNGKeyArray:
  """Return [num] keys, one for each discriminator step of the next round."""
  round_key = jax.random.fold_in(state.key, state.round)
  return jax.vmap(functools.partial(jax.random.fold_in, round_key))(
      jnp.arange(num)
  )


def pretraining_key(state: SimGANState) -> PRNGKeyArray:
  """Return the key of the next discriminator step before the rounds."""
  # Rounds fold in their number; the largest numbers are free.
  key = jax.random.fold_in(state.key, 2**32 - 1)
  return jax.random.fold_in(key, state.discriminator.step)


def refiner_key(state: SimGANState) -> PRNGKeyArray:
  """Return the key of the noise in the next refiner step."""
  key = jax.random.fold_in(state.key, 2**32 - 2)
  return jax.random.fold_in(key, state.refiner.step)


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
    key: PRNG key from which both networks and all later draws derive.
    refiner: Refiner network.
    discriminator: Discriminator network.
    optimizer: Optimiser of both networks, each with a state of its own.
    image_shape: Shape of an image, (h, w, c).
    batch_size: Number of images in a step, over all devices; even.
    history_size: Number of images in the history, rounded up to half batches.
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

  Every device holds the part of the history from which its part of the batch
  draws; the rest of the state is the same on all devices.
  """
  everywhere: Any = PartitionSpec()
  split: Any = PartitionSpec(axis_name)
  history = history_lib.History(split, everywhere, everywhere)
  return SimGANState(everywhere, everywhere, history, everywhere, everywhere)


def shardings(mesh: Mesh) -> Any:
  """Return the shardings of a state on a mesh with one axis."""
  (axis_name,) = mesh.axis_names
  return jax.tree.map(
      functools.partial(NamedSharding, mesh), partition_specs(axis_name)
  )


def to_arrays(state: SimGANState) -> dict[str, Any]:
  """Return what a checkpoint holds: arrays only, with the key as bits."""
  networks_saved = {
      name: {
          'step': network.step,
          'params': network.params,
          'opt_state': network.opt_state,
      }
      for name, network in (
          ('refiner', state.refiner),
          ('discriminator', state.discriminator),
      )
  }
  history = state.history._asdict()
  return networks_saved | {
      # Orbax refuses the empty arrays of a run without history.
      'history': {name: x for name, x in history.items() if x.size},
      'key': jax.random.key_data(state.key),
      'round': state.round,
  }


def from_arrays(saved: dict[str, Any], state: SimGANState) -> SimGANState:
  """Return `state` with the arrays of a checkpoint."""
  return SimGANState(
      refiner=state.refiner.replace(**saved['refiner']),
      discriminator=state.discriminator.replace(**saved['discriminator']),
      history=state.history._replace(**saved['history']),
      key=jax.random.wrap_key_data(saved['key']),
      round=saved['round'],
  )
