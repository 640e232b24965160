"""The progress line: one that moves on a terminal, lines in a log file."""

import sys
from typing import Any, TextIO

import tqdm
from absl import logging

from simgan_jax.machine import processes

_LOG_SECONDS = 20.0  # between two lines in a log
_IN_LOG = (
    '{desc}: {n_fmt} of {total_fmt} {unit}s, {elapsed}<{remaining}{postfix}'
)


class _Log:
  """Writes what a bar redraws as lines of their own."""

  def __init__(self, stream: TextIO):
    self._stream = stream

  def write(self, text: str) -> None:
    line = text.strip()
    if line:
      self._stream.write(f'{line}\n')

  def flush(self) -> None:
    self._stream.flush()


def make_bar(total: int, what: str, unit: str, *, done: int = 0) -> tqdm.tqdm:
  """Return a bar on stderr; none is drawn with --verbosity=-2.

  Of several processes the first one draws it.

  Args:
    total: of the units.
    what: is done, in a few words.
    unit: singular.
    done: units that are done already.
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
  """Write a line to stderr, above the bars that are there."""
  tqdm.tqdm.write(text, file=sys.stderr)
