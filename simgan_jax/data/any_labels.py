"""What the labels of a run's images are, and reading them for all its sets."""

import sys
from collections.abc import Mapping, Sequence

import numpy as np

from simgan_jax.data import label_cells, label_columns, label_groups
from simgan_jax.data import labels as labels_lib
from simgan_jax.data.label_cells import LabelSet
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.source import Source
from simgan_jax.data.targets import Targets
from simgan_jax.machine.errors import InputError

_NAMED = 20  # names in a line


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
  wanted = label_columns.split(labels)
  if task == 'auto' and not wanted:
    task = _find_known_task(synthetic, test)
  if synthetic.images.targets and test.images.targets and not wanted:
    wanted = tuple(synthetic.columns)
  if task in ('gaze', 'hands'):
    targets: Sequence[Targets | None] = [None] * len(sets)
    line = {'gaze': 'gaze of eyes', 'hands': 'joints of hands'}[task]
  else:
    excluded = {group, *labels_lib.COLUMNS}
    excluded.update(*(found.source.pixel_labels.names for found in sets))
    chosen = label_columns.choose(
        synthetic, test, task=task, wanted=wanted, excluded=excluded
    )
    if not chosen.task:
      raise _nothing_found(synthetic, test, task)
    task = chosen.task
    targets = _read_columns(sets, chosen)
    kind = 'column' if len(chosen.columns) == 1 else 'columns'
    line = f'{task}, {kind} {_list(chosen.columns)}'
  known = next(filter(None, targets), None)
  if known and task == 'class':
    line += f', {len(known.names)} classes: {_list(known.names)}'
    _check_classes(sets, targets)
  print(
      f'labels: {line}; set evaluation.task and evaluation.labels to read them'
      ' otherwise'
  )
  return task, {
      found.kind: found.images._replace(targets=own, groups=group)
      for found, own, group in zip(sets, targets, groups, strict=True)
  }


def _list(names: Sequence[str]) -> str:
  more = f' and {len(names) - _NAMED:,} more' if len(names) > _NAMED else ''
  return ' '.join(names[:_NAMED]) + more


def _find_known_task(synthetic: LabelSet, test: LabelSet) -> str:
  """Return what both sets say by themselves; 'auto' if it is nothing."""
  own, other = synthetic.images, test.images
  if own.joints is not None and other.joints is not None:
    return 'hands'
  if own.gaze is not None and other.gaze is not None:
    return 'gaze'
  if own.targets and other.targets and own.targets.task == other.targets.task:
    return own.targets.task
  return 'auto'


def _read_columns(
    sets: Sequence[LabelSet], chosen: label_columns.Chosen
) -> list[Targets | None]:
  """Return the targets of every set; None if it lacks a column."""
  columns = chosen.columns
  if chosen.task == 'class':
    names, values = label_columns.read_classes(sets, columns[0])
  else:
    names = columns
    values = [label_columns.read_numbers(found, columns) for found in sets]
  return [
      Targets(chosen.task, own, names)
      if all(column in found.columns for column in columns)
      else None
      for found, own in zip(sets, values, strict=True)
  ]


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
    kinds = [
        x for x in ('gaze', 'joints') if getattr(own.images, x) is not None
    ]
    names = _list([*kinds, *own.columns]) or 'no labels'
    found.append(f'the {own.kind} images ({own.source}) have {names}')
  sought = '' if task == 'auto' else f' for task {task}'
  return InputError(
      f'there is nothing to estimate{sought}: {"; ".join(found)}. Give both the'
      f' same: {labels_lib.UNDERSTOOD}; a column of classes or of numbers;'
      ' points that data.synthetic.points names; or label images beside the'
      ' pictures (docs/formats.md).'
  )
