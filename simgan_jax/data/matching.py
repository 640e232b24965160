"""Finding the files that a table names, where it spells them otherwise."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from simgan_jax.machine.errors import InputError


def _plain(name: str) -> str:
  name = unicodedata.normalize('NFC', name.replace('\\', '/'))
  return str(PurePosixPath(name))


def _without_zeros(name: str) -> str:
  return re.sub(r'(?<!\d)0+(?=\d)', '', _plain(name).casefold())


def _without_ending(name: str) -> str:
  return re.sub(r'\.[a-z]\w{1,4}$', '', _without_zeros(name))


def _last_part(name: str) -> str:
  return _plain(name).casefold().rpartition('/')[2]


def _last_part_without_ending(name: str) -> str:
  return _without_ending(name).rpartition('/')[2]


# Strictest first: a name is compared in looser forms until a file has it.
_FORMS: tuple[Callable[[str], str], ...] = (
    lambda name: str(PurePosixPath(name)),
    _plain,
    lambda name: _plain(name).casefold(),
    _without_zeros,
    _without_ending,
    _last_part,
    _last_part_without_ending,
)


def match_names(
    names: Sequence[str], files: Sequence[str], where: str
) -> dict[str, str]:
  r"""Return the file of each name that has one for certain.

  Names may differ in \ for /, in the form of Unicode, in case, in leading
  zeros, in the ending and, last, in the folders. A file that has its own name
  is not taken for another.

  Args:
    names: Different names.
    files: Paths of files, with '/'.
    where: Place of the names, for messages.

  Raises:
    InputError: If a name may be one of two files.
  """
  found: dict[str, str] = {}
  for form in _FORMS:
    rest = [name for name in names if name not in found]
    if not rest:
      break
    taken = set(found.values())
    by_form: dict[str, list[str]] = {}
    for file in files:
      by_form.setdefault(form(file), []).append(file)
    by_file: dict[str, list[str]] = {}
    for name in rest:
      candidates = by_form.get(form(name), [])
      if len(candidates) > 1:
        raise InputError(
            f'{where}: {name} may be {candidates[0]} or {candidates[1]}; write'
            ' the name as it is.'
        )
      if candidates and candidates[0] not in taken:
        by_file.setdefault(candidates[0], []).append(name)
    found |= {same[0]: file for file, same in by_file.items() if len(same) == 1}
  return found
