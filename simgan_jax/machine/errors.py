"""The exceptions that are told in one sentence, without a traceback."""


class InputError(ValueError):
  """Bad input or configuration, told in one sentence: what, where, remedy.

  The command-line scripts print the sentence on stderr and exit with code 2.
  """


class RunError(RuntimeError):
  """The run cannot go on, though the input is right: exit code 1.

  Every exception but these two is a defect and keeps its traceback.
  """


class NonFiniteError(RunError):
  """A number that training or refining computed is NaN or infinite."""
