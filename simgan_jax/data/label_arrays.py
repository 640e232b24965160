"""Labels of any task in a file of arrays: fields by name.

Type and shape of `labels` say what they are:

    class       [n] whole numbers or text; with `label_names`, places in them
    regression  [n] float, or [n, k]; `label_names` are those of the columns
    points      [n, k, 2] float (or any number, in a field `points`): (x, y) px
                of the images, the centre of the first pixel at (0, 0)
    mask        [n, h, w] whole numbers; with `label_names`, places in them

NaN and, where there are whole numbers, -1 mean unknown.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from simgan_jax.data import label_columns
from simgan_jax.data.targets import Targets
from simgan_jax.machine.errors import InputError


def make_fields(targets: Targets | None) -> dict[str, np.ndarray]:
  """Return the fields from which `read` makes these targets."""
  if targets is None:
    return {}
  return {
      'labels': targets.values,
      'label_names': np.array(targets.names, np.str_),
  }


def read(fields: Mapping[str, np.ndarray], where: str) -> Targets | None:
  """Return the targets in the fields of a file, None if there are none.

  Args:
    fields: Arrays by name, with `images`.
    where: Name of the file for messages.

  Raises:
    InputError: If the labels are of no known type and shape.
  """
  if 'labels' in fields and 'points' in fields:
    raise InputError(f'{where} has labels and points; leave out one of them.')
  labels = fields.get('points', fields.get('labels'))
  if labels is None:
    return None
  names = tuple(map(str, fields.get('label_names', ())))
  is_whole = labels.dtype.kind in 'iu'
  size = fields['images'].shape[1:3]
  if labels.ndim == 1 and (is_whole or labels.dtype.kind in 'Ub'):
    task = 'class'
  elif labels.ndim == 3 and is_whole and labels.shape[1:] == size:
    task = 'mask' if 'labels' in fields else ''
  elif labels.ndim == 3 and labels.shape[2] == 2 and labels.dtype.kind in 'iuf':
    task = 'points'
  elif labels.ndim in (1, 2) and labels.size and labels.dtype.kind in 'iuf':
    task = 'regression' if 'labels' in fields else ''
  else:
    task = ''
  if not task:
    raise InputError(
        f'{where}: labels are {labels.dtype} {list(labels.shape)}; give [n]'
        ' whole numbers or text for classes, [n, k] for numbers, [n, k, 2] for'
        f' points, or whole numbers [n, {size[0]}, {size[1]}] for masks.'
    )
  if task in ('class', 'mask'):
    return _read_classes(task, labels, names, where)
  values = labels.astype(np.float32)
  if task == 'regression':
    values = values.reshape(len(labels), -1)
  count = values.shape[1]
  numbers = [f'{place + 1}' for place in range(count)] if count > 1 else ['']
  word = 'point' if task == 'points' else 'value'
  names = names or tuple(f'{word} {number}'.strip() for number in numbers)
  if len(names) != count:
    raise InputError(
        f'{where} has {len(names)} label_names for {count} columns of labels;'
        ' give one for each.'
    )
  values[~np.isfinite(values)] = np.nan
  return Targets(task, values, names)


def _read_classes(
    task: str, labels: np.ndarray, names: tuple[str, ...], where: str
) -> Targets:
  if labels.dtype.kind in 'Ub':
    found: list[Any] = label_columns.canonicalize([labels.tolist()])[0]
    names = label_columns.order_names([name for name in found if name])
    places = {name: place for place, name in enumerate(names)} | {'': -1}
    return Targets(task, np.array([places[x] for x in found], np.int32), names)
  values = labels.astype(np.int64)
  if not names:
    numbers = np.unique(values[values != -1])
    places = np.searchsorted(numbers, values)
    values = np.where(values == -1, -1, places)
    names = tuple(map(str, numbers.tolist()))
  if values.size and not -1 <= values.min() <= values.max() < len(names):
    raise InputError(
        f'{where}: labels are {values.min()} to {values.max()}, but there are'
        f' {len(names)} label_names; give one for each, from 0.'
    )
  return Targets(task, values.astype(np.int32), names)
