"""Which checkpoint the refiner is taken from, without any real label.

Adversarial training goes up and down, and the newest refiner is not always the
best one. Three things can be known without a real label: how realistic the
images are, how far the iris moved, and how long was trained. The patch distance
follows the estimator's error among refiners that are trained; early ones come
as close in their patches, though not in what is larger. Hence the second half.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

DISTANCE = 'realism/patch_distance'
KERNEL_DISTANCE = 'realism/kernel_distance'  # beside it, not in the rule
SHIFT = 'labels/iris_shift_px'  # mean over pairs of images
MEASURES = (DISTANCE, KERNEL_DISTANCE, SHIFT)
# In an image 55 px wide, and more in a wider one: the mean shift that a person
# found, by hand, for a refiner whose images improved the estimator.
MAX_IRIS_SHIFT = 1.1
_WIDTH = 55

Measured = Mapping[str, float]  # `DISTANCE` and, for eyes, `SHIFT`


class Chosen(NamedTuple):
  """A checkpoint, and the rule that chose it."""

  round: int
  rule: str


class Rule(NamedTuple):
  """How to choose among the checkpoints of a run."""

  image_width: int  # px
  num_rounds: int  # of the whole training

  @property
  def max_shift_px(self) -> float:
    """The largest mean shift of the iris that keeps the labels."""
    return MAX_IRIS_SHIFT * self.image_width / _WIDTH

  def order(
      self, rounds: Sequence[int], measured: Mapping[int, Measured]
  ) -> list[int]:
    """Return rounds of checkpoints, the one to use first.

    First those whose mean shift of the iris is at most `max_shift_px`: of the
    second half of the training, by their patch distance, the smallest first,
    then of the first half likewise. Then the others, by their shift; then those
    that were not measured, the newest first. Round 0 has not seen a real image
    and comes last.

    Args:
      rounds: of the checkpoints.
      measured: by round, as far as there is something.
    """

    def key(number: int) -> tuple:
      if not number:
        return (-1,)
      found = measured.get(number, {})
      if DISTANCE not in found:
        return (0, number)
      if not self._keeps_labels(found):
        return (1, -found[SHIFT], number)  # of equals, the newer
      return (2, self._is_late(number), -found[DISTANCE], number)

    return sorted(rounds, key=key, reverse=True)

  def describe(self, number: int, measured: Measured | None) -> str:
    """Return in a few words by what the checkpoint of a round was chosen."""
    if not measured or DISTANCE not in measured:
      return 'newest, as none that can be read was measured'
    distance = f'patch distance {measured[DISTANCE]:.3g}'
    if self._is_late(number):
      distance += f' since round {(self.num_rounds + 1) // 2:,}'
    if SHIFT not in measured:
      return f'smallest {distance}'
    shift = f'{measured[SHIFT]:.2f} px'
    limit = f'{self.max_shift_px:.2f} px'
    if self._keeps_labels(measured):
      return f'smallest {distance} with the iris moved by {shift} of {limit}'
    return f'iris moved least, by {shift}, though more than {limit}; {distance}'

  def _is_late(self, number: int) -> bool:
    return 2 * number >= self.num_rounds

  def _keeps_labels(self, measured: Measured) -> bool:
    # Where no iris can be searched, nothing speaks against the labels.
    return measured.get(SHIFT, 0.0) <= self.max_shift_px
