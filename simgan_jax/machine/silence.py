"""The one way to be quiet."""

from typing import Any


class Silent:
  """Takes any call of any method and does nothing.

  It stands in for a writer or a function where nothing is to be written, for
  example on all processes but the first.
  """

  def __call__(self, *args: Any, **options: Any) -> None:
    """Do nothing."""

  def __getattr__(self, name: str) -> Any:
    """Return a method that does nothing."""
    if name.startswith('__'):
      raise AttributeError(name)
    return self
