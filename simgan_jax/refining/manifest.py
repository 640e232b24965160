"""What a folder of refined images says about itself: manifest.json."""

import json
from pathlib import Path
from typing import Any

from simgan_jax.machine import errors, files
from simgan_jax.refining import naming

FILE = 'manifest.json'


def check(output: Path, identity: dict[str, Any]) -> None:
  """Check that a folder is missing, empty, or holds the beginning of this set.

  Args:
    output: Folder to check.
    identity: What is refined, by what and how, in JSON's types.

  Raises:
    InputError: If the folder holds something else.
  """
  file = output / FILE
  try:
    found = {path.name for path in output.iterdir()} if output.exists() else ()
    # A process killed before the manifest was there leaves these.
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
  different = [name for name in identity if begun.get(name) != identity[name]]
  if different:
    raise errors.InputError(
        f'{output} holds the beginning of other refined images (another'
        f' {", ".join(different)}); give another --output.'
    )


def begin(output: Path, identity: dict[str, Any]) -> None:
  """Say in the folder what is being written there, after a `check`."""
  check(output, identity)
  _write(output, identity | {'complete': False})


def complete(output: Path, content: dict[str, Any]) -> None:
  """Say in the folder that everything is written, and what was found."""
  _write(output, content | {'complete': True})


def _write(output: Path, content: dict[str, Any]) -> None:
  files.write_text(str(output / FILE), json.dumps(content, indent=2) + '\n')
