"""What a folder of refined images says of itself: manifest.json."""

import json
import pathlib
from typing import Any

from simgan_jax.machine import errors, files
from simgan_jax.refining import naming

FILE = 'manifest.json'


def check(output: pathlib.Path, identity: dict[str, Any]) -> None:
  """Check that a folder is missing or empty, or has the beginning of this.

  Args:
    output: the folder.
    identity: what is refined, by what and how, as JSON's types.

  Raises:
    InputError: when the folder holds something else.
  """
  file = output / FILE
  try:
    found = {path.name for path in output.iterdir()} if output.exists() else ()
    # A kill before the first file is there leaves these.
    if not set(found) - {naming.LOCK, f'{FILE}.tmp'}:
      return
    begun = json.loads(file.read_text()) if file.exists() else {}
  except (OSError, ValueError) as error:
    raise errors.InputError(
        f'{output} cannot be used ({error}); give another --output.'
    ) from error
  if not begun:
    raise errors.InputError(
        f'{output} is not empty; give an empty or new folder as --output.'
    )
  if begun.get('complete'):
    raise errors.InputError(
        f'{output} holds refined images already; give another --output.'
    )
  different = [
      name for name in identity if begun.get(name) != identity.get(name)
  ]
  if different:
    raise errors.InputError(
        f'{output} holds the beginning of other refined images (another'
        f' {", ".join(different)}); give another --output.'
    )


def begin(output: pathlib.Path, identity: dict[str, Any]) -> None:
  """Say what is being written; see `check`."""
  check(output, identity)
  files.write_text(str(output / FILE), _to_json(identity | {'complete': False}))


def complete(output: pathlib.Path, content: dict[str, Any]) -> None:
  """Say that everything is written, and what was found."""
  files.write_text(str(output / FILE), _to_json(content | {'complete': True}))


def _to_json(value: dict[str, Any]) -> str:
  return json.dumps(value, indent=2) + '\n'
