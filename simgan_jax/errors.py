"""The one exception that means: the input is wrong, not the program."""


class InputError(ValueError):
  """Bad input or configuration, told in one sentence: what, where, remedy.

  The command-line scripts print the sentence on stderr and exit with code 2;
  every other exception is a defect and keeps its traceback.
  """
