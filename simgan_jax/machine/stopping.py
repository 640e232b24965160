"""Stopping a run so that nothing is lost."""

import signal
from typing import Any

from simgan_jax.machine import processes


class Stopped(SystemExit):
  """The run was told to stop and has saved; the exit code says by what."""


class StopSignals:
  """Turns SIGTERM and Ctrl-C into a flag that the loop reads."""

  def __enter__(self):
    """Install the handlers; a second Ctrl-C stops at once."""
    self.received = self.agreed = 0
    self._old = {
        number: signal.signal(number, self._note)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    return self

  def _note(self, number: int, _: Any) -> None:
    if self.received == signal.SIGINT == number:
      raise KeyboardInterrupt
    self.received = number

  def ask(self, number: int, *, every: int) -> bool:
    """Return whether to stop, by what this or any other process received.

    Several processes must do the same, and ask each other only where `number`
    is a multiple of `every`. The signal stands in `agreed`.
    """
    if processes.are_alone() or number % every == 0:
      self.agreed = processes.any_of(self.received)
    return bool(self.agreed)

  def __exit__(self, *_: object):
    """Put the old handlers back."""
    for number, handler in self._old.items():
      signal.signal(number, handler)
