"""Saving and restoring; the only module that imports orbax.

A checkpoint is one directory `checkpoints/<round>` with everything that a run
needs to continue: both TrainStates, the history, the key and the round, which
is also the position in the data. Orbax writes it in the background into a
temporary directory and renames it, so a killed save leaves the one before
untouched. The quality of the refiners is read from `inspection.jsonl` and not
from the checkpoints, because a damaged checkpoint must not block the others.
"""

import contextlib
import logging as py_logging
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax
from absl import logging
from orbax.checkpoint import v1 as ocp

from simgan_jax.machine import checksums, errors
from simgan_jax.measures import selection
from simgan_jax.method import state as state_lib
from simgan_jax.method.state import SimGANState
from simgan_jax.report import metrics_file

NUM_KEPT = 3


def _make_context() -> ocp.Context:
  """Return the settings of orbax: one device writes each whole array."""
  context = ocp.Context()
  # The networks are small; dividing arrays among devices would take longer.
  context.array.saving.use_replica_parallel = False
  return context


class _KeepFirst:
  """Preservation policy of orbax that keeps the best checkpoint."""

  def __init__(self, order_fn: Callable[[Sequence[int]], list[int]]):
    self._order_fn = order_fn

  def should_preserve(
      self, checkpoints: Sequence[Any], *, context: Any
  ) -> list[bool]:
    """Return for each checkpoint whether it is kept."""
    del context
    rounds = [found.step for found in checkpoints]
    return [number in self._order_fn(rounds)[:1] for number in rounds]


def _last_words(error: Exception) -> str:
  words = str(error).strip().splitlines()[-1].rsplit(': ', 1)[-1]
  return words.split(' [os_error')[0]


def _is_news(record: py_logging.LogRecord) -> bool:
  """Return False for tracebacks that orbax logs and `Checkpoints` raises."""
  return not (record.exc_info and '/orbax/' in record.pathname)


logging.get_absl_logger().addFilter(_is_news)


class Checkpoints:
  """Checkpoints of one run, newest last.

  The last three are kept to continue from, and the best one by
  `selection.Rule` to refine with.
  """

  def __init__(self, workdir: str, *, rule: selection.Rule):
    """Open `workdir`/checkpoints, which need not exist yet.

    Args:
      workdir: Path of the working directory.
      rule: Rule that chooses the best checkpoint.
    """
    self._rule, self._sealer = rule, checksums.Sealer()
    self._measured: dict[int, selection.Measured] = {
        int(row['round']): row
        for row in metrics_file.read_metrics(workdir, metrics_file.INSPECTION)
    }
    self.directory = os.path.join(os.path.abspath(workdir), 'checkpoints')
    # Any, because orbax's annotations do not fit its own policies and pytrees.
    policies: Any = ocp.training.preservation_policies
    self._checkpointer: Any = ocp.training.Checkpointer(
        self.directory,
        preservation_policy=policies.AnyPreservationPolicy(
            [policies.LatestN(NUM_KEPT), _KeepFirst(self._order)]
        ),
        cleanup_tmp_directories=True,
        context=_make_context(),
    )

  def rounds(self) -> list[int]:
    """Return the rounds of the complete checkpoints, ascending."""
    return [found.step for found in self._checkpointer.checkpoints]

  def _order(self, rounds: Sequence[int]) -> list[int]:
    return self._rule.order(rounds, self._measured)

  def save(
      self,
      round_number: int,
      state: SimGANState,
      measured: selection.Measured | None = None,
  ) -> None:
    """Start saving; the arrays are copied before this returns.

    Args:
      round_number: Round of the state. A checkpoint of this round is replaced.
      state: State to save.
      measured: Quality of its refiner, if that was measured.

    Raises:
      RunError: If this save cannot begin, or the one before failed.
    """
    self._measured[round_number] = measured or {}
    with self._saving():
      self._sealer.wait()
      saved = self._checkpointer.save_async(
          round_number, state_lib.to_arrays(state), force=True, overwrite=True
      )
      self._sealer.seal(self._folder(round_number), saved.result)

  def _folder(self, round_number: int) -> pathlib.Path:
    return pathlib.Path(self.directory, str(round_number))

  def restore(self, state: SimGANState) -> SimGANState | None:
    """Return the newest state that can be read, or None if there is none.

    Args:
      state: State of the same shapes, whose shardings the arrays take.

    Raises:
      InputError: If there are checkpoints but none can be read.
    """
    return self._read(reversed(self.rounds()), state)

  def restore_chosen(
      self, state: SimGANState
  ) -> tuple[SimGANState, selection.Chosen] | None:
    """Return the state to refine with and the reason, or None without any.

    Args:
      state: State of the same shapes, whose shardings the arrays take.

    Raises:
      InputError: If there are checkpoints but none can be read.
    """
    restored = self._read(self._order(self.rounds()), state)
    if restored is None:
      return None
    number = int(restored.round)
    reason = self._rule.describe(number, self._measured.get(number))
    return restored, selection.Chosen(number, reason)

  def _read(
      self, rounds: Iterable[int], state: SimGANState
  ) -> SimGANState | None:
    """Return the first of these rounds' states that can be read."""
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding),
        state_lib.to_arrays(state),
    )
    for round_number in rounds:
      try:
        checksums.check(self._folder(round_number))
        saved = self._checkpointer.load(round_number, abstract)
      except Exception as error:  # Orbax and the file system raise many kinds.
        print(
            f'warning: the checkpoint of round {round_number} in'
            f' {self.directory} cannot be read'
            f' ({type(error).__name__}); trying the next one.',
            file=sys.stderr,
        )
        # A damaged checkpoint must not be kept as the best one.
        self._measured.pop(round_number, None)
        continue
      return state_lib.from_arrays(saved, state)
    if self.rounds():
      raise errors.InputError(
          f'none of the checkpoints in {self.directory} can be read with the'
          ' settings in config.json; train again in another --workdir.'
      )
    return None

  def close(self) -> None:
    """Wait until the last save is on disk.

    Raises:
      RunError: If it failed.
    """
    with self._saving():
      self._sealer.wait()
      self._checkpointer.close()

  @contextlib.contextmanager
  def _saving(self) -> Iterator[None]:
    try:
      yield
    except Exception as error:  # Orbax and the file system raise many kinds.
      saved = self.rounds()[-1:]
      raise errors.RunError(
          f'a checkpoint cannot be saved in {self.directory}'
          f' ({_last_words(error)});'
          + f' that of round {saved[0]:,} is kept:' * len(saved)
          + ' make room and run the same command again.'
      ) from error


def save_params(path: str, params: Any) -> None:
  """Write a pytree of arrays to the directory `path`, atomically."""
  with _make_context():
    ocp.save(os.path.abspath(path), params, overwrite=True)


def load_params(path: str, abstract: Any) -> Any:
  """Read a pytree written by `save_params`.

  Args:
    path: Path of the directory.
    abstract: Pytree of arrays or ShapeDtypeStructs to expect.

  Raises:
    InputError: If there is no such directory.
  """
  if not os.path.isdir(path):
    raise errors.InputError(
        f'{path} does not exist: run eval.py once without --reuse to train the'
        ' estimators.'
    )
  return ocp.load(os.path.abspath(path), abstract)
