"""What a folder of refined images says of itself: manifest.json."""

import json
import pathlib
from typing import Any

from simgan_jax import errors, records

FILE = 'manifest.json'


def claim(output: pathlib.Path, identity: dict[str, Any]) -> None:
  """Begin in an empty folder, or continue what was begun there.

  Args:
    output: made when missing.
    identity: what is refined, by what and how, as JSON's types.

  Raises:
    InputError: when the folder holds something else.
  """
  file = output / FILE
  try:
    output.mkdir(parents=True, exist_ok=True)
    found = [path.name for path in output.iterdir() if path.suffix != '.tmp']
    if not found:
      records.write_text(str(file), _to_json(identity | {'complete': False}))
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


def complete(output: pathlib.Path, content: dict[str, Any]) -> None:
  """Say that everything is written, and what was found."""
  records.write_text(str(output / FILE), _to_json(content | {'complete': True}))


def _to_json(value: dict[str, Any]) -> str:
  return json.dumps(value, indent=2) + '\n'
