"""The settings of a run as it stores them: `config.json`."""

import dataclasses
import json
import os
import types
import typing
from collections.abc import Callable
from typing import Any

from simgan_jax.machine import errors, files
from simgan_jax.settings import config as config_lib

_WORKDIR = 'WORKDIR:'  # begins stored paths in the folder of the run


def to_json(config: config_lib.Config) -> str:
  """Return the settings as indented JSON with a final newline."""
  return json.dumps(dataclasses.asdict(config), indent=2) + '\n'


def _from_dict(kind: type, values: dict, where: str) -> Any:
  if not isinstance(values, dict):
    raise TypeError(f'{values!r} where there are fields of {kind.__name__}')
  fields = {field.name: field.type for field in dataclasses.fields(kind)}
  if different := sorted(fields.keys() ^ values.keys()):
    raise errors.InputError(
        f'{where} has other fields than this version: {different}; train again'
        ' in another --workdir or use the version that wrote it.'
    )
  arguments = {}
  for name, value in values.items():
    field_type = typing.cast(type, fields[name])
    if dataclasses.is_dataclass(field_type):
      value = _from_dict(field_type, value, where)
    elif isinstance(field_type, types.GenericAlias):
      value = tuple(value)
    # JSON may write a whole number without a decimal point.
    elif type(value) not in (field_type, int if field_type is float else None):
      raise TypeError(f'{name} is {value!r}, not {field_type.__name__}')
    arguments[name] = value
  return kind(**arguments)


def write_run(workdir: str, config: config_lib.Config) -> None:
  """Write the settings of the run in `workdir`, so that it can be moved."""

  def mark(path: str) -> str:
    full = os.path.abspath(os.path.expanduser(path))
    inside = os.path.relpath(full, workdir)
    return _WORKDIR + inside if path and not inside.startswith('..') else path

  text = to_json(_with_paths(config, mark))
  files.write_text(os.path.join(workdir, 'config.json'), text)


def read_run(workdir: str) -> config_lib.Config:
  """Read the settings of the run in `workdir`; errors are those of `read`."""

  def find(path: str) -> str:
    inside = path.removeprefix(_WORKDIR)
    return path if inside == path else os.path.join(workdir, inside)

  return _with_paths(read(os.path.join(workdir, 'config.json')), find)


def _with_paths(
    config: config_lib.Config, change: Callable[[str], str]
) -> config_lib.Config:
  """Return the settings with other paths of the data."""
  sources = {}
  for name in ('synthetic', 'real', 'test'):
    source = getattr(config.data, name)
    sources[name] = dataclasses.replace(source, path=change(source.path))
  data = dataclasses.replace(config.data, **sources)
  return dataclasses.replace(config, data=data)


def read(path: str) -> config_lib.Config:
  """Read the settings that a run wrote as `config.json`.

  Args:
    path: Path of the file.

  Returns:
    Settings of the run.

  Raises:
    InputError: If the file is missing, damaged or has other fields.
  """
  try:
    with open(path, encoding='utf-8') as file:
      return _from_dict(config_lib.Config, json.load(file), path)
  except (FileNotFoundError, NotADirectoryError) as error:
    raise errors.InputError(
        f'{path} does not exist: no run was started there; run train.py first'
        ' or give its --workdir.'
    ) from error
  except errors.InputError:
    raise
  except (OSError, RecursionError, TypeError, ValueError) as error:
    raise errors.InputError(
        f'{path} is damaged ({error}); restore it or start again in another'
        ' --workdir.'
    ) from error
