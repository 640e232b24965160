"""Stopping a run so that nothing is lost."""

import signal
from typing import Any


class Stopped(SystemExit):
  """The run was told to stop and has saved; the exit code says by what."""


class StopSignals:
  """Turns SIGTERM and Ctrl-C into a flag that the loop reads."""

  def __enter__(self):
    """Install the handlers; a second Ctrl-C stops at once."""
    self.received = 0
    self._old = {
        number: signal.signal(number, self._note)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    return self

  def _note(self, number: int, _: Any) -> None:
    if self.received == signal.SIGINT == number:
      raise KeyboardInterrupt
    self.received = number

  def __exit__(self, *_: object):
    """Put the old handlers back."""
    for number, handler in self._old.items():
      signal.signal(number, handler)
