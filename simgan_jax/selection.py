"""Which checkpoint the refiner is taken from, without any real label.

Training longer makes refined images look more real and, at some point, moves
what the labels say; and the newest refiner is not always the better one. So
the rule weighs the two things that can be measured without a real label:
realism, and how far the iris moved.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

DISTANCE = 'realism/kernel_distance'
SHIFT = 'labels/iris_shift_px'  # mean over pairs of images
# In an image 55 px wide, and more in a wider one: the mean shift that a person
# found, by hand, for a refiner whose images improved the estimator.
MAX_IRIS_SHIFT = 1.1
_WIDTH = 55

Measured = Mapping[str, float]  # `DISTANCE` and, for eyes, `SHIFT`


class Chosen(NamedTuple):
  """A checkpoint, and the rule that chose it."""

  round: int
  rule: str


def max_shift_px(image_width: int) -> float:
  """Return the largest mean shift of the iris that keeps the labels, px."""
  return MAX_IRIS_SHIFT * image_width / _WIDTH


def _keeps_labels(measured: Measured, image_width: int) -> bool:
  # Where no iris can be searched, nothing speaks against the labels.
  return measured.get(SHIFT, 0.0) <= max_shift_px(image_width)


def _rank(measured: Measured, image_width: int) -> tuple[bool, float]:
  """Return what is greater for the better checkpoint."""
  if _keeps_labels(measured, image_width):
    return True, -measured[DISTANCE]
  return False, -measured[SHIFT]


def order(
    rounds: Sequence[int],
    measured: Mapping[int, Measured],
    *,
    image_width: int,
) -> list[int]:
  """Return rounds of checkpoints, the one to use first.

  First those whose mean shift of the iris is at most `max_shift_px`, by their
  kernel distance, the smallest first; then the others, by their shift; then
  those that were not measured, the newest first. Round 0 has not seen a real
  image and comes last.

  Args:
    rounds: of the checkpoints.
    measured: by round, as far as there is something.
    image_width: px.
  """

  def key(number: int) -> tuple:
    if not number:
      return (-1,)
    if DISTANCE not in measured.get(number, {}):
      return (0, number)
    # Of equals, the newer.
    return (1, *_rank(measured[number], image_width), number)

  return sorted(rounds, key=key, reverse=True)


def describe(measured: Measured | None, *, image_width: int) -> str:
  """Return in a few words by what a checkpoint was chosen."""
  if not measured or DISTANCE not in measured:
    return 'newest, as none that can be read was measured'
  limit = f'{max_shift_px(image_width):.2f} px'
  distance = f'kernel distance {measured[DISTANCE]:.3g}'
  if SHIFT not in measured:
    return f'smallest {distance}'
  shift = f'{measured[SHIFT]:.2f} px'
  if _keeps_labels(measured, image_width):
    return f'smallest {distance} with the iris moved by {shift} of {limit}'
  return f'iris moved least, by {shift}, though more than {limit}; {distance}'
