"""What the labels of a run's images are, and reading them for all its sets."""

import sys
from collections.abc import Mapping, Sequence

import numpy as np

from simgan_jax.data import (
    label_cells,
    label_columns,
    label_groups,
    label_images,
    label_points,
    tables,
)
from simgan_jax.data import labels as labels_lib
from simgan_jax.data.label_cells import LabelSet
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.source import Source
from simgan_jax.data.targets import Targets
from simgan_jax.machine.errors import InputError

_NAMED = 20  # names in a line
_TYPES = {  # of arrays
    'class': 'whole numbers or text (classes)',
    'regression': 'float (numbers)',
    'points': 'points',
    'mask': 'masks',
}


def attach(
    data: Mapping[str, tuple[Source, LabelledImages]],
    *,
    task: str,
    labels: str,
    group: str,
) -> tuple[str, dict[str, LabelledImages]]:
  """Return the task of a run, and its sets with targets and groups.

  The reading that is chosen is printed.

  Args:
    data: Sources and what was loaded from them by 'synthetic', 'real' and
      'test'; the real images need no labels.
    task: The setting evaluation.task, one of config.TASKS.
    labels: The setting evaluation.labels.
    group: The setting evaluation.group.

  Returns:
    Task, one of config.TASKS but 'auto', and the sets by name. Gaze and hands
    have no targets, as have real images without labels.

  Raises:
    InputError: If the labels cannot be understood, or do not fit each other.
  """
  sets = [label_cells.open_set(x, *data[x]) for x in data]
  by_kind = {found.kind: found for found in sets}
  synthetic, test = by_kind['synthetic'], by_kind['test']
  groups = label_groups.read(sets, group)
  for found in sets:
    _check_types(synthetic, found, task)
  task, wanted = _decide(synthetic, test, task, labels, group)
  targets: Sequence[Targets | None]
  if task in ('gaze', 'hands'):
    targets = [None] * len(sets)
    line = {'gaze': 'gaze of eyes', 'hands': 'joints of hands'}[task]
  elif task in ('points', 'mask'):
    line, targets = task, [found.images.targets for found in sets]
    if not any(targets) and task == 'points':
      targets = label_points.read(sets, wanted)
    elif not any(targets):
      targets = label_images.read(sets, *wanted)
      line = f'mask, images of {label_images.find(synthetic, *wanted)[0]}'
  else:
    targets = _read_columns(sets, task, wanted)
    kind = 'column' if len(wanted) == 1 else 'columns'
    line = f'{task}, {kind} {_list(wanted)}'
  targets = _share_names(targets)
  known = next(filter(None, targets), None)
  if known and task != 'regression':
    what = 'points' if task == 'points' else 'classes'
    line += f', {len(known.names)} {what}: {_list(known.names)}'
  if task in ('class', 'mask'):
    _check_classes(sets, targets)
  print(f'labels: {line}; set --task and --labels to read them otherwise')
  return task, {
      found.kind: found.images._replace(targets=own, groups=grouped)
      for found, own, grouped in zip(sets, targets, groups, strict=True)
  }


def _check_types(synthetic: LabelSet, found: LabelSet, task: str) -> None:
  """Raise InputError if arrays of labels are of types that do not fit."""
  own, other = synthetic.images.targets, found.images.targets
  if own is None or other is None or own.task == other.task:
    return
  same = synthetic.columns.keys() == found.columns.keys()
  whole = not np.any(np.mod(other.values[np.isfinite(other.values)], 1))
  if not (same and (whole or 'regression' in (task, own.task))):
    raise InputError(
        f'the synthetic labels are {_TYPES[own.task]}, the {found.kind} ones'
        f' {_TYPES[other.task]}; give both the same type, or set the task.'
    )


def _decide(
    synthetic: LabelSet,
    test: LabelSet,
    task: str,
    labels: str,
    group: str,
) -> tuple[str, tuple[str, ...]]:
  """Return the task, and the columns or the word that it is about."""
  wanted = label_columns.split(labels)
  own, other = synthetic.images, test.images
  points = synthetic.source.pixel_labels.points
  if task == 'auto' and not wanted:
    if own.joints is not None and other.joints is not None:
      task = 'hands'
    elif own.gaze is not None and other.gaze is not None:
      task = 'gaze'
    elif own.targets and other.targets:
      task = own.targets.task
    elif points:
      task = 'points'
  if task in ('gaze', 'hands') or (task == 'points' and (points or wanted)):
    return task, wanted
  if own.targets and other.targets:
    if task in ('points', 'mask') and own.targets.task == other.targets.task:
      return task, wanted
    wanted = wanted or tuple(synthetic.columns)
  word = ''.join(wanted[:1])

  def are_beside() -> bool:
    return all(label_images.find(x, word)[1] for x in (synthetic, test))

  if task in ('auto', 'class', 'regression'):
    lacks = any(x not in y.columns for x in wanted for y in (synthetic, test))
    if not (task == 'auto' and lacks and are_beside()):
      excluded = {tables.normalize(group), *labels_lib.COLUMNS}
      excluded.update(*(x.source.pixel_labels.names for x in (synthetic, test)))
      chosen = label_columns.choose(
          synthetic, test, task=task, wanted=wanted, excluded=excluded
      )
      if chosen.task:
        return chosen
  if task in ('auto', 'mask') and are_beside():
    return 'mask', (word,)
  raise _nothing_found(synthetic, test, task)


def _list(names: Sequence[str]) -> str:
  more = f' and {len(names) - _NAMED:,} more' if len(names) > _NAMED else ''
  return ', '.join(names[:_NAMED]) + more


def _read_columns(
    sets: Sequence[LabelSet], task: str, columns: tuple[str, ...]
) -> list[Targets | None]:
  """Return the targets of every set; None if it lacks a column."""
  if task == 'class':
    names, values = label_columns.read_classes(sets, columns[0])
  else:
    names = columns
    values = [label_columns.read_numbers(found, columns) for found in sets]
  return [
      Targets(task, own, names)
      if all(column in found.columns for column in columns)
      else None
      for found, own in zip(sets, values, strict=True)
  ]


def _share_names(targets: Sequence[Targets | None]) -> list[Targets | None]:
  """Return the targets with the names of all sets.

  Raises:
    InputError: If the points of two sets have other names.
  """
  known = [own for own in targets if own]
  if not known or len({own.names for own in known}) == 1:
    return list(targets)
  if known[0].task not in ('class', 'mask'):
    first, other = list(dict.fromkeys(own.names for own in known))[:2]
    raise InputError(
        f'the points of one set are {_list(first)}, of another {_list(other)};'
        ' give the same to all.'
    )
  names = label_columns.order_names([x for own in known for x in own.names])
  shared = []
  for own in targets:
    if own:
      places = [*map(names.index, own.names), -1]  # -1 stays the last
      values = np.array(places, np.int32)[own.values]
      own = own._replace(values=values, names=names)
    shared.append(own)
  return shared


def _check_classes(
    sets: Sequence[LabelSet], targets: Sequence[Targets | None]
) -> None:
  """Warn of classes that cannot be learnt; raise InputError if all are so."""
  used = {
      found.kind: set(np.unique(own.values)) - {-1}
      for found, own in zip(sets, targets, strict=True)
      if own
  }
  names = next(filter(None, targets)).names
  only = [names[x] for x in sorted(used['test'] - used['synthetic'])]
  if len(only) == len(used['test']):
    learnt = [names[x] for x in sorted(used['synthetic'])]
    raise InputError(
        f'the classes of the test images, {_list(only) or "none"}, are not'
        f' those of the synthetic ones, {_list(learnt) or "none"}; name them'
        ' alike.'
    )
  if only:
    print(
        f'warning: {len(only)} of {len(used["test"])} classes of the test'
        f' images are in no synthetic one and count as wrong: {_list(only)}.',
        file=sys.stderr,
    )


def _nothing_found(
    synthetic: LabelSet, test: LabelSet, task: str
) -> InputError:
  """Return the error that says what was found and what would be understood."""
  found = []
  for own in (synthetic, test):
    known = 'gaze', 'joints'
    names = [x for x in known if getattr(own.images, x) is not None]
    names += own.columns
    names += [f'images of {x}' for x in label_images.list_kinds(own)]
    has = f'have {_list(names) or "no labels"}'
    found.append(f'the {own.kind} images ({own.source}) {has}')
  sought = '' if task == 'auto' else f' for task {task}'
  return InputError(
      f'there is nothing to estimate{sought}: {"; ".join(found)}. Give both the'
      f' same: {labels_lib.UNDERSTOOD}; a column of classes or of numbers;'
      ' points, as --task=points --labels=x,y names them; or label images'
      ' beside the pictures (docs/formats.md).'
  )
