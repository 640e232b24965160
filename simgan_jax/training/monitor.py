"""Warnings about the metrics of a run, and the stop of a diverged run."""

import math
from collections.abc import Callable, Mapping, Sequence

import jax

from simgan_jax.machine import errors

WINDOW = 10  # logged rounds that a warning is based on


def check_finite(metrics: Mapping[str, float], *, round_number: int) -> None:
  """Stop a run that has diverged.

  Args:
    metrics: Scalars by name.
    round_number: Round of the metrics.

  Raises:
    NonFiniteError: If a metric is NaN or infinite.
  """
  names = [name for name, value in metrics.items() if not math.isfinite(value)]
  if names:
    raise errors.NonFiniteError(
        f'round {round_number}: {", ".join(sorted(names))} is not finite; the'
        ' last checkpoint is kept. Start again in a new --workdir with a lower'
        ' --config.optimizer.learning_rate.'
    )


class DelayedMetrics:
  """Reads metrics a call late, when they are ready, so that nothing waits."""

  def __init__(
      self, rounds_per_call: int, log: Callable[[int, dict[str, float]], object]
  ):
    """Take what to do with the metrics of a round.

    Args:
      rounds_per_call: Number of rounds in a compiled call.
      log: Function of a round's number and metrics.
    """
    self._rounds_per_call, self._log = rounds_per_call, log
    # Metrics of the newest call, still on the devices, and whether to log them.
    self._newest: tuple[int, dict[str, jax.Array], bool] | None = None

  def put(
      self, round_number: int, metrics: dict[str, jax.Array], *, log: bool
  ) -> None:
    """Take the metrics of a call, and read those of the call before."""
    if self._newest is not None and self._newest[2]:
      self.read_newest()
    self._newest = (round_number, metrics, log)

  def read_newest(self) -> None:
    """Wait for the newest metrics, check them, and log them if that is due.

    Raises:
      NonFiniteError: If a metric is NaN or infinite.
    """
    if self._newest is None:
      return
    (round_number, arrays, log), self._newest = self._newest, None
    arrays = jax.device_get(arrays)
    rows = [
        {name: float(values[i]) for name, values in arrays.items()}
        for i in range(self._rounds_per_call)
    ]
    first = round_number - self._rounds_per_call + 1
    for number, row in enumerate(rows, start=first):
      check_finite(row, round_number=number)
    if log:
      self._log(round_number, rows[-1])


def find_warnings(rows: Sequence[Mapping[str, float]]) -> dict[str, str]:
  """Return warnings about the last logged rounds.

  Args:
    rows: Metrics of the logged rounds, oldest first.

  Returns:
    Sentences by short names; none while there are fewer than `WINDOW` rows.
  """
  rows = rows[-WINDOW:]
  if len(rows) < WINDOW:
    return {}

  def always(name: str, low: float, high: float) -> bool:
    return all(low <= row[name] <= high for row in rows)

  found = {}
  if always('refiner/change', 0.0, 0.005):
    found['no_change'] = (
        'refined images stay equal to the synthetic ones (mean change below'
        ' 0.005 of a range of 2): lower self_regularization_weight or train'
        ' longer.'
    )
  ln2 = math.log(2)
  if always('discriminator/loss_per_patch', ln2 - 0.002, ln2 + 0.002):
    found['undecided'] = (
        'the discriminator sits at ln 2 = 0.693 a patch: it learns nothing;'
        ' raise the learning rate or discriminator_steps.'
    )
  if always('discriminator/real_accuracy', 0.995, 1.0) and always(
      'discriminator/refined_accuracy', 0.995, 1.0
  ):
    found['discriminator_won'] = (
        'the discriminator has been right on every patch for long: the refiner'
        ' gets hardly any gradient; raise refiner_steps or lower'
        ' self_regularization_weight.'
    )
  has_history = always('history/images', 1.0, math.inf)
  if has_history and always('history/age_span', 0.0, 0.0):
    found['one_generation'] = (
        'the history holds images of one refiner only: raise history_size.'
    )
  return found
