"""Choosing subjects by ranges, e.g. `1-24` or `1-3,7,9-12`."""

from collections.abc import Iterable, Sequence

from simgan_jax.machine.errors import InputError


def parse(ranges: str) -> frozenset[int]:
  """Return the subjects that a text such as `1-3,7,9-12` names."""
  subjects = set()
  for part in ranges.split(','):
    first, dash, last = part.strip().partition('-')
    if not (first.isdecimal() and (last.isdecimal() or not dash)):
      raise InputError(
          f'subjects={ranges!r} is not a list of ranges; write for example'
          " '1-24' or '1-3,7,9-12'."
      )
    subjects.update(range(int(first), int(last or first) + 1))
  return frozenset(subjects)


def select(ranges: str, subjects: Sequence[int], source: str) -> list[int]:
  """Return the places of the subjects that the ranges name; of all if empty.

  The message for a wrong text calls the images `source`.
  """
  if not ranges:
    return list(range(len(subjects)))
  wanted = parse(ranges)
  places = [i for i, subject in enumerate(subjects) if subject in wanted]
  if not places:
    raise InputError(
        f'subjects={ranges} selects nothing of {source}, whose subjects are'
        f' {describe(subjects) or "none"}.'
    )
  return places


def describe(subjects: Iterable[int]) -> str:
  """Return the shortest text that `parse` turns into these subjects.

  >>> describe([3, 1, 2, 7])
  '1-3,7'
  """
  runs: list[list[int]] = []
  for subject in sorted(set(subjects)):
    if runs and subject == runs[-1][1] + 1:
      runs[-1][1] = subject
    else:
      runs.append([subject, subject])
  return ','.join(str(a) if a == b else f'{a}-{b}' for a, b in runs)
