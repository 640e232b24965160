"""The choice of a checkpoint, without any real label.

Adversarial training goes up and down, so the newest refiner is not always the
best. Three things are known without a real label: how realistic the images are,
how far the iris moved and how long the refiner was trained. Among trained
refiners the patch distance follows the estimator's error. Early refiners have
equally small distances, as their larger structures are not compared, so rounds
of the second half go first.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

DISTANCE = 'realism/patch_distance'
KERNEL_DISTANCE = 'realism/kernel_distance'  # logged, not part of the rule
SHIFT = 'labels/iris_shift_px'  # mean over pairs of images
MEASURES = (DISTANCE, KERNEL_DISTANCE, SHIFT)
# In an image 55 px wide; the limit grows with the width. A person measured this
# mean shift by hand for a refiner whose images improved the estimator.
MAX_IRIS_SHIFT = 1.1
_WIDTH = 55

Measured = Mapping[str, float]  # `DISTANCE` and, for eyes, `SHIFT`


class Chosen(NamedTuple):
  """A checkpoint, and why it was chosen."""

  round: int
  rule: str


class Rule(NamedTuple):
  """The rule to choose among the checkpoints of a run."""

  image_width: int  # px
  num_rounds: int  # of the whole training

  @property
  def max_shift_px(self) -> float:
    """The largest mean shift of the iris that keeps the labels."""
    return MAX_IRIS_SHIFT * self.image_width / _WIDTH

  def order(
      self, rounds: Sequence[int], measured: Mapping[int, Measured]
  ) -> list[int]:
    """Return the rounds of checkpoints from the best to the worst.

    1. Mean shift of the iris at most `max_shift_px`: those of the second half
       of the training, then those of the first half, each by patch distance.
    2. A larger shift: by shift.
    3. Not measured: the newest first.
    4. Round 0, whose refiner has not seen a real image.
    """

    def key(number: int) -> tuple:
      if not number:
        return (-1,)
      found = measured.get(number, {})
      if DISTANCE not in found:
        return (0, number)
      if not self._keeps_labels(found):
        return (1, -found[SHIFT], number)  # the newer of equals
      return (2, self._is_late(number), -found[DISTANCE], number)

    return sorted(rounds, key=key, reverse=True)

  def describe(self, number: int, measured: Measured | None) -> str:
    """Return in a few words why the checkpoint of a round was chosen."""
    if not measured or DISTANCE not in measured:
      return 'newest, as none that can be read was measured'
    distance = f'patch distance {measured[DISTANCE]:.3g}'
    if self._is_late(number):
      distance += f' since round {(self.num_rounds + 1) // 2:,}'
    if SHIFT not in measured:
      return f'smallest {distance}'
    by, limit = f'{measured[SHIFT]:.2f} px', f'{self.max_shift_px:.2f} px'
    if self._keeps_labels(measured):
      return f'smallest {distance} with the iris moved by {by} of {limit}'
    return f'iris moved least, by {by}, though more than {limit}; {distance}'

  def _is_late(self, number: int) -> bool:
    return 2 * number >= self.num_rounds

  def _keeps_labels(self, measured: Measured) -> bool:
    # Without irises nothing is known against the labels.
    return measured.get(SHIFT, 0.0) <= self.max_shift_px
