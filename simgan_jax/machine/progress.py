"""Progress: a moving bar on a terminal, or single lines in a log file."""

import sys
from typing import Any, TextIO

import tqdm
from absl import logging

from simgan_jax.machine import processes

_LOG_SECONDS = 20.0  # between two lines of a log file
_IN_LOG = (
    '{desc}: {n_fmt} of {total_fmt} {unit}s, {elapsed}<{remaining}{postfix}'
)


class _Log:
  """Stream that writes each drawing of a bar on a line of its own."""

  def __init__(self, stream: TextIO):
    self._stream = stream

  def write(self, text: str) -> None:
    line = text.strip()
    if line:
      self._stream.write(f'{line}\n')

  def flush(self) -> None:
    self._stream.flush()


def make_bar(total: int, what: str, unit: str, *, done: int = 0) -> tqdm.tqdm:
  """Return a progress bar on stderr, drawn by the first process.

  With --verbosity=-2 it is not drawn.

  Args:
    total: Number of units to do.
    what: Description of the work, a few words.
    unit: Name of a unit, singular.
    done: Number of units done before.
  """
  kind: dict[str, Any] = {'dynamic_ncols': True, 'mininterval': 0.2}
  if not sys.stderr.isatty():
    kind = {
        'file': _Log(sys.stderr),
        'bar_format': _IN_LOG,
        'mininterval': _LOG_SECONDS,
        'maxinterval': 2 * _LOG_SECONDS,
    }
  silent = logging.get_verbosity() < logging.WARNING
  return tqdm.tqdm(
      total=total,
      initial=done,
      desc=what,
      unit=unit,
      disable=silent or not processes.is_first(),
      **kind,
  )


def write_line(text: str) -> None:
  """Write a line to stderr, above any progress bars."""
  tqdm.tqdm.write(text, file=sys.stderr)
