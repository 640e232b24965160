"""What the scripts share: flags that fail in one sentence, exit codes."""

import errno
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from absl import app, flags, logging

from simgan_jax.machine import errors

# What --config may be; the first one is the default.
CONFIGS = (
    'configs/eyes.py[:columbia|:paper], configs/hands.py[:paper],'
    ' configs/folders.py'
)

# Read by TensorFlow, which imports Keras otherwise: two seconds, never used.
os.environ.setdefault('TF_USE_LEGACY_KERAS', '1')

flags.disclaim_key_flags()  # they are those of the script


def _fail(error: object, code: int) -> None:
  line = re.sub(r'\s*\n\s*', ' ', str(error).strip())
  print(f'error: {line}', file=sys.stderr)
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
        ' simgan_jax/settings/config.py.'
    )
  return _last_line(error)


def _parse_flags(argv: Sequence[str]) -> Sequence[str]:
  try:
    remaining = flags.FLAGS(argv)
    if 'config' in flags.FLAGS:
      # A config file that cannot be read only shows when it is used.
      config: Any = flags.FLAGS['config'].value
      _ = config.name
      for source in (config.data.synthetic, config.data.real, config.data.test):
        source.path = _tidy(source.path)
    return remaining
  # Config files are user code, and a wrong override raises all of these.
  except (
      *(flags.Error, OSError, AttributeError, KeyError, ValueError, TypeError),
      *(ImportError, SyntaxError),
  ) as error:
    _fail(_config_error(error), 2)
    raise AssertionError('unreachable') from error


def _tidy(path: str) -> str:
  """Return a path without the slash that completion puts at its end."""
  return os.path.normpath(path) if path else ''


class _PathParser(flags.ArgumentParser):
  """Reads ~ as the home, which a shell does not after --flag=."""

  def parse(self, argument: str) -> str:
    return _tidy(os.path.expanduser(argument))


def define_path(name: str, default: str | None, text: str) -> flags.FlagHolder:
  """Define a flag for a file or folder and return it.

  Several commands may have it: tests import them together.
  """
  return flags.DEFINE(_PathParser(), name, default, text, allow_override=True)


def define_data_dir() -> flags.FlagHolder:
  """Define --data_dir and return it."""
  return define_path(
      'data_dir', '~/tensorflow_datasets', 'Folder of prepared data sets.'
  )


def define_config() -> Any:
  """Define --config, the settings, and return its flag.

  It is configs/eyes.py when not given: given explicitly, a wrong --config.FIELD
  is found while flags are parsed.
  """
  # Only who reads settings from a file needs the package.
  from ml_collections import config_flags

  if not any(re.match(r'--?config(=|$)', word) for word in sys.argv):
    sys.argv.insert(1, '--config=configs/eyes.py')
  return config_flags.DEFINE_config_file(
      'config',
      None,
      f'Settings, FILE or FILE:PRESET: {CONFIGS}. --config.FIELD=VALUE changes'
      ' one; the fields are in simgan_jax/settings/config.py.',
      lock_config=False,
  )


def parse_seeds(values: Sequence[str]) -> list[int]:
  """Return the numbers of a flag such as --seeds=0,1,2.

  Raises:
    InputError: when a value is no whole number of up to 9 digits, or there
      twice.
  """
  if len(set(values)) < len(values) or not all(
      value.isdecimal() and len(value) < 10 for value in values
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
  # For --help; here and not above, so that it counts as the script's.
  flags.declare_key_flag('verbosity')
  flags.FLAGS['verbosity'].help = (
      '-2 hides the progress, 0 and 1 show what libraries log.'
  )

  def guarded(argv: Sequence[str]) -> None:
    try:
      if len(argv) > 1:
        raise errors.InputError(
            f'{argv[1]!r} is not a flag; write --flag=value (see --help).'
        )
      if not flags.FLAGS['verbosity'].present:
        logging.set_verbosity(logging.WARNING)
      main()
    except KeyboardInterrupt:
      _fail('stopped by Ctrl-C.', 128 + signal.SIGINT)
    except errors.InputError as error:
      _fail(error, 2)
    except errors.RunError as error:
      _fail(error, 1)
    except OSError as error:
      if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise
      _fail(
          f'{error.filename or "a file"} cannot be written ({error.strerror});'
          ' what was saved before is kept: make room and run the same command'
          ' again.',
          1,
      )

  app.run(guarded, flags_parser=_parse_flags)
