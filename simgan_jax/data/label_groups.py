"""Persons, tracks or clips: which images must not be told apart by chance."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped

from simgan_jax.data import label_columns, tables
from simgan_jax.data import labels as labels_lib
from simgan_jax.data.label_cells import LabelSet
from simgan_jax.machine.errors import InputError

DEFAULT = 'subject'  # whose numbers every source knows by itself


def read(
    sets: Sequence[LabelSet], column: str
) -> list[Shaped[np.ndarray, '_'] | None]:
  """Return the groups of the images of each set.

  They are [n] str, '' when unknown, the same for the same group in all sets;
  None if a set knows no subjects. Of another column, all are '' then.

  Args:
    sets: Data sets of a run, the test set among them.
    column: Column or key that holds the groups. Without a column `subject`, the
      subjects of the images are the groups.

  Raises:
    InputError: If the test set has no such column.
  """
  column = tables.normalize(column)
  cells = []
  for found in sets:
    images, own = found.images, found.columns.get(column)
    if images.groups is not None:
      own = images.groups.tolist()
    elif not own and column in ('', DEFAULT):
      own = images.subjects.tolist()
    elif not own and found.kind == 'test':
      raise InputError(
          f'{found.source}: the test images have no column {column!r}, which'
          ' --group names; there are'
          f' {", ".join(found.columns) or "none"}.'
      )
    own = own or [None] * len(images.images)
    # Numbers of persons are 0 where unknown, and refine.py writes them so.
    if column in ('', DEFAULT) and images.groups is None:
      own = [None if str(x) == '0' else x for x in own]
    cells.append([None if labels_lib.is_unknown(x) else x for x in own])
  names = label_columns.canonicalize(cells)
  named = column not in ('', DEFAULT)
  return [np.array(own) if any(own) or named else None for own in names]
