"""What the scripts share: flags, and errors told in one sentence."""

import dataclasses
import errno
import os
import re
import signal
import sys
import typing
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import app, flags, logging

from simgan_jax.machine import errors
from simgan_jax.settings import config as config_lib

# What --config may be, for its help.
CONFIGS = (
    'configs/eyes.py[:columbia|:paper], configs/hands.py[:paper],'
    ' configs/signs.py[:gtsrb], configs/folders.py'
)

# TensorFlow reads it; importing Keras, which is not used, takes two seconds.
os.environ.setdefault('TF_USE_LEGACY_KERAS', '1')

flags.disclaim_key_flags()  # Flags defined here belong to the script.


def _fail(error: object, code: int) -> NoReturn:
  line = re.sub(r'\s*\n\s*', ' ', str(error).strip())
  print(f'error: {line}', file=sys.stderr)
  sys.exit(code)


def _config_error(error: Exception) -> str:
  """Return in one sentence what is wrong with the command line."""
  if isinstance(error, (KeyError, AttributeError)):
    return (
        f'--config has no such field: {error.args[0]}; the fields are in'
        ' simgan_jax/settings/config.py.'
    )
  # The message may be a whole traceback, whose last line names the error.
  line = (str(error).strip() or repr(error)).splitlines()[-1].strip()
  return line.removeprefix(f'{errors.InputError.__module__}.InputError: ')


def _parse_flags(argv: Sequence[str]) -> Sequence[str]:
  try:
    remaining = flags.FLAGS(argv)
    if 'config' in flags.FLAGS:
      # An unreadable config file fails only here, at the first use.
      config: Any = flags.FLAGS['config'].value
      for source in (config.data.synthetic, config.data.real, config.data.test):
        source.path = _tidy(source.path)
    return remaining
  except Exception as error:  # Config files are code of the user.
    _fail(_config_error(error), 2)


def _tidy(path: str) -> str:
  """Return a path without the final slash that shells complete."""
  return os.path.normpath(path) if path else ''


class _PathParser(flags.ArgumentParser):
  """Parser that replaces ~, which shells do not do after --flag=."""

  def parse(self, argument: str) -> str:
    return _tidy(os.path.expanduser(argument))


_PARSERS: dict[Any, type[flags.ArgumentParser]] = {
    str: flags.ArgumentParser,
    int: flags.IntegerParser,
    float: flags.FloatParser,
    bool: flags.BooleanParser,
}


class _TupleParser(flags.ArgumentParser):
  """Parser of values such as 1,4, which may stand in brackets."""

  def __init__(self, parser: flags.ArgumentParser):
    super().__init__()
    self._parser = parser

  def parse(self, argument: str) -> tuple[Any, ...]:
    texts = (text.strip('()\'" ') for text in argument.split(','))
    return tuple(self._parser.parse(text) for text in texts if text)


def define_path(name: str, default: str | None, text: str) -> flags.FlagHolder:
  """Define a flag for a file or folder and return it.

  Several scripts may define the same flag, because tests import them together.
  """
  return flags.DEFINE(_PathParser(), name, default, text, allow_override=True)


def define_data_dir() -> flags.FlagHolder:
  """Define --data_dir and return it."""
  return define_path(
      'data_dir', '~/tensorflow_datasets', 'Folder of prepared data sets.'
  )


def define_on_error() -> flags.FlagHolder:
  """Define --on_error, which replaces the setting of a run, and return it."""
  return flags.DEFINE_enum(
      'on_error',
      '',
      ['', 'stop', 'skip'],
      'What to do at a damaged image: stop, or skip it and say so; the default'
      " is the run's setting.",
      allow_override=True,
  )


def define_changes() -> dict[str, flags.FlagHolder]:
  """Define flags that replace settings of an evaluation; return them by name.

  They are those of `EvaluationConfig`. Their value is None where they are not
  given.
  """
  words = {
      'task': ": what is estimated, such as 'class' or 'points'",
      'labels': ": columns to estimate, such as 'limit', or 'mask'",
      'group': ': column that tells persons or tracks apart',
      'estimator': ": 'compact', or 'paper' for the paper's networks",
  }
  found = {}
  for field in dataclasses.fields(config_lib.EvaluationConfig):
    of_many = typing.get_args(field.type)
    parser = _PARSERS[of_many[0] if of_many else field.type]()
    found[field.name] = flags.DEFINE(
        _TupleParser(parser) if of_many else parser,
        field.name,
        None,
        f'Replaces evaluation.{field.name} of the run'
        f'{words.get(field.name, "")}.',
        allow_override=True,  # as in `define_path`
    )
  return found


def define_config() -> Any:
  """Define --config, by default configs/eyes.py, and return its flag."""
  # Imported here because scripts without settings work without the package.
  from ml_collections import config_flags

  # A wrong --config.FIELD is found only where --config is on the command line.
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
  """Return the numbers that a flag such as --seeds=0,1,2 lists.

  Raises:
    InputError: If a value is not a whole number of at most 9 digits, or is
      given twice.
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
  """Parse the flags, run `main()` and exit with a code.

  The code is 0 after success, 2 after bad input (one sentence on stderr), 1
  after any other failure and 128 + the signal's number after a signal.
  """
  # Declared here, not at import, so that --help lists it with the script.
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
