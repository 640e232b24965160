"""Saving and restoring; the only module that imports orbax.

A checkpoint is one directory `checkpoints/<round>` with everything a run needs
to go on: both TrainStates, history, key and the round, which is the position in
the data. Orbax writes it in the background into a temporary directory and
renames it, so a killed save leaves the one before untouched.
"""

import os
import sys
from typing import Any

import jax
from orbax.checkpoint import v1 as ocp

from simgan_jax import errors
from simgan_jax.state import SimGANState

NUM_KEPT = 3


def _to_saved(state: SimGANState) -> dict[str, Any]:
  """Return the arrays of a state: the key as its bits, no functions."""
  history = state.history._asdict()
  return {
      'refiner': _network(state.refiner),
      'discriminator': _network(state.discriminator),
      # Orbax refuses arrays without elements, those of a run without history.
      'history': {name: x for name, x in history.items() if x.size},
      'key': jax.random.key_data(state.key),
      'round': state.round,
  }


def _network(network) -> dict[str, Any]:
  return {
      'step': network.step,
      'params': network.params,
      'opt_state': network.opt_state,
  }


def _from_saved(saved: dict[str, Any], state: SimGANState) -> SimGANState:
  """Return `state` with the arrays of a checkpoint in their places."""
  return SimGANState(
      refiner=state.refiner.replace(**saved['refiner']),
      discriminator=state.discriminator.replace(**saved['discriminator']),
      history=state.history._replace(**saved['history']),
      key=jax.random.wrap_key_data(saved['key']),
      round=saved['round'],
  )


class Checkpoints:
  """The checkpoints of one run, newest last; the last three are kept."""

  def __init__(self, workdir: str):
    """Open `workdir`/checkpoints, which need not exist yet."""
    self.directory = os.path.join(os.path.abspath(workdir), 'checkpoints')
    # Orbax's annotations do not fit its own policies and pytrees: hence Any.
    policies: Any = ocp.training.preservation_policies
    self._checkpointer: Any = ocp.training.Checkpointer(
        self.directory,
        preservation_policy=policies.LatestN(NUM_KEPT),
        cleanup_tmp_directories=True,
    )

  def rounds(self) -> list[int]:
    """Return the rounds of the checkpoints that are complete, ascending."""
    return [found.step for found in self._checkpointer.checkpoints]

  def save(self, round_number: int, state: SimGANState) -> None:
    """Start saving; the arrays are copied before this returns."""
    self._checkpointer.save_async(
        round_number, _to_saved(state), force=True, overwrite=True
    )

  def restore(self, state: SimGANState) -> SimGANState | None:
    """Return the newest state that can be read, or None if there is none.

    Args:
      state: a state of the same shapes, whose shardings the arrays take.

    Raises:
      InputError: when there are checkpoints but none can be read.
    """
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding),
        _to_saved(state),
    )
    for round_number in reversed(self.rounds()):
      try:
        saved = self._checkpointer.load(round_number, abstract)
      except Exception as error:  # Orbax and the file system raise many kinds.
        print(
            f'warning: the checkpoint of round {round_number} in'
            f' {self.directory} cannot be read'
            f' ({type(error).__name__}); trying the one before.',
            file=sys.stderr,
        )
        continue
      return _from_saved(saved, state)
    if self.rounds():
      raise errors.InputError(
          f'none of the checkpoints in {self.directory} can be read with the'
          ' settings in config.json; train again in another --workdir.'
      )
    return None

  def close(self) -> None:
    """Wait until the last save is on disk."""
    self._checkpointer.close()


def save_params(path: str, params: Any) -> None:
  """Write a pytree of arrays to the directory `path`, atomically."""
  ocp.save(os.path.abspath(path), params, overwrite=True)


def load_params(path: str, abstract: Any) -> Any:
  """Read a pytree written by `save_params`.

  Args:
    path: the directory.
    abstract: the pytree of arrays or ShapeDtypeStructs to expect.

  Raises:
    InputError: when there is nothing at `path`.
  """
  if not os.path.isdir(path):
    raise errors.InputError(
        f'{path} does not exist: run eval.py once without --reuse to train the'
        ' estimators.'
    )
  return ocp.load(os.path.abspath(path), abstract)
