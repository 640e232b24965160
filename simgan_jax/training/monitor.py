"""What the metrics of a run say: warnings in plain words, and a hard stop."""

import math
from collections.abc import Mapping, Sequence

from simgan_jax.machine import errors

WINDOW = 10  # logged rounds a warning looks back on


class NonFiniteError(errors.RunError):
  """A metric is NaN or infinite: the run has diverged."""


def check_finite(metrics: Mapping[str, float], *, round_number: int) -> None:
  """Stop a run that has diverged.

  Args:
    metrics: scalars by name.
    round_number: the round they belong to.

  Raises:
    NonFiniteError: naming the round and the metrics.
  """
  names = [name for name, value in metrics.items() if not math.isfinite(value)]
  if names:
    raise NonFiniteError(
        f'round {round_number}: {", ".join(sorted(names))} is not finite; the'
        ' last checkpoint is kept. Start again in a new --workdir with a lower'
        ' --config.optimizer.learning_rate.'
    )


def find_warnings(rows: Sequence[Mapping[str, float]]) -> dict[str, str]:
  """Return what looks wrong over the last logged rounds.

  Args:
    rows: the metrics of the logged rounds, oldest first.

  Returns:
    A sentence by a short name; empty while fewer than `WINDOW` rows are there
    or nothing looks wrong.
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
        'the discriminator is right on every patch for long: the refiner gets'
        ' hardly any gradient; raise refiner_steps or lower'
        ' self_regularization_weight.'
    )
  has_history = always('history/images', 1.0, math.inf)
  if has_history and always('history/age_span', 0.0, 0.0):
    found['one_generation'] = (
        'the history holds images of one refiner only: raise history_size.'
    )
  return found
