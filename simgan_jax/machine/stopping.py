"""Stopping a run by a signal, after saving."""

import signal
from typing import Any

from simgan_jax.machine import processes


class Stopped(SystemExit):
  """End of a run that has saved after a signal, with its exit code."""


class StopSignals:
  """Context that turns SIGTERM and Ctrl-C into a flag for a loop to read."""

  def __enter__(self):
    """Install the handlers; a second Ctrl-C interrupts immediately."""
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
    """Return whether any process has received a signal.

    All processes must stop at the same number, so that several processes
    communicate only where `number` is a multiple of `every`. `agreed` holds the
    signal, or 0.
    """
    if processes.are_alone() or number % every == 0:
      self.agreed = processes.max_of(self.received)
    return bool(self.agreed)

  def __exit__(self, *_: object):
    """Put the old handlers back."""
    for number, handler in self._old.items():
      signal.signal(number, handler)
