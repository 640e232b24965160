"""Exceptions that a user sees as one sentence, without a traceback."""


class InputError(ValueError):
  """Bad input or configuration; the message says what, where and the remedy.

  The command-line scripts print it on stderr and exit with code 2.
  """


class RunError(RuntimeError):
  """A failure of a run whose input is right; the exit code is 1.

  All other exceptions are defects and keep their traceback.
  """


class NonFiniteError(RunError):
  """A number that training or refining computed is NaN or infinite."""
