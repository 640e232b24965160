"""What the scripts share: flags that fail in one sentence, exit codes."""

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from absl import app, flags

from simgan_jax import errors, monitor

DEFAULT_CONFIG = 'configs/eyes.py'


def _fail(error: object, code: int) -> None:
  print(f'error: {error}', file=sys.stderr)
  sys.exit(code)


def _last_line(error: object) -> str:
  """Return the sentence at the end of what may be a whole traceback."""
  line = str(error).strip().splitlines()[-1].strip()
  return line.removeprefix(f'{errors.InputError.__module__}.InputError: ')


def _config_error(error: BaseException) -> str:
  """Return what is wrong with the command line, in words of the user's."""
  if isinstance(error, (KeyError, AttributeError)):
    return (
        f'--config has no such field: {error.args[0]}; the fields are in'
        ' simgan_jax/config.py.'
    )
  return _last_line(error)


def _parse_flags(argv: Sequence[str]) -> Sequence[str]:
  if 'config' in flags.FLAGS and not any(
      re.match(r'--?config(=|$)', word) for word in sys.argv
  ):
    # Given explicitly, a wrong --config.FIELD is found while flags are parsed,
    # by a look at sys.argv.
    sys.argv.insert(1, f'--config={DEFAULT_CONFIG}')
    argv = sys.argv
  try:
    remaining = flags.FLAGS(argv)
    if 'config' in flags.FLAGS:
      # A config file that cannot be read only shows when it is used.
      config: Any = flags.FLAGS['config'].value
      _ = config.name
    return remaining
  # Config files are user code, and a wrong override raises all of these.
  except (
      *(flags.Error, OSError, AttributeError, KeyError, ValueError, TypeError),
      *(ImportError, SyntaxError),
  ) as error:
    _fail(_config_error(error), 2)
    raise AssertionError('unreachable') from error


def parse_seeds(values: Sequence[str]) -> list[int]:
  """Return the numbers of a flag such as --seeds=0,1,2.

  Raises:
    InputError: when a value is no whole number, negative or there twice.
  """
  if not all(value.isdecimal() for value in values) or len(set(values)) < len(
      values
  ):
    raise errors.InputError(
        f'--seeds={",".join(values)} must be different whole numbers, such as'
        ' 0,1,2.'
    )
  return [int(value) for value in values]


def run(main: Callable[[], None]) -> None:
  """Parse the flags, run `main()` and turn errors into exit codes.

  0 done, 2 bad input (one sentence on stderr), 1 a defect, 128 + signal when
  stopped after saving.
  """

  def guarded(argv: Sequence[str]) -> None:
    try:
      if len(argv) > 1:
        raise errors.InputError(
            f'{argv[1]!r} is not a flag; write --flag=value (see --help).'
        )
      main()
    except errors.InputError as error:
      _fail(error, 2)
    except monitor.NonFiniteError as error:
      _fail(error, 1)

  app.run(guarded, flags_parser=_parse_flags)
