"""What a folder of refined images says about itself: manifest.json."""

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
  try:
    found = {path.name for path in output.iterdir()} if output.exists() else ()
    # A process killed before the manifest was there leaves these.
    if not set(found) - {naming.LOCK, f'{FILE}.tmp'}:
      return
    begun = files.read_json(str(output / FILE))
  except (OSError, ValueError) as error:
    raise errors.InputError(
        f'{output} cannot be used ({error}); give another --output.'
    ) from error
  different = [x for x in identity if begun and begun.get(x) != identity[x]]
  if begun and begun.get('on_error') == 'stop' and 'on_error' in different:
    different.remove('on_error')  # No damaged image has been left out yet.
  if not begun:
    problem = 'is not empty; give an empty or new folder as --output.'
  elif begun.get('complete'):
    problem = 'holds refined images already; give another --output.'
  elif different:
    problem = (
        'holds the beginning of other refined images (another'
        f' {", ".join(different)}); give the same flags or another --output.'
    )
  else:
    return
  raise errors.InputError(f'{output} {problem}')


def begin(output: Path, identity: dict[str, Any]) -> None:
  """Say in the folder what is being written there, after a `check`."""
  check(output, identity)
  files.write_json(str(output / FILE), identity | {'complete': False})


def complete(output: Path, content: dict[str, Any]) -> None:
  """Say in the folder that everything is written, and what was found."""
  files.write_json(str(output / FILE), content | {'complete': True})
