"""What the labels of a data set hold: their names, ranges and values."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simgan_jax.data import gaze_angles, label_values, labels
from simgan_jax.data import subjects as subject_ranges
from simgan_jax.data.entries import Entry, Sample
from simgan_jax.data.source import Source

_NAMED = 60  # columns or keys


def describe(
    source: Source, entries: Sequence[Entry], samples: Sequence[Sample]
) -> list[str]:
  """Return what is understood of the labels of images, then the other columns.

  Args:
    source: Source of the images.
    entries: Images that were read.
    samples: What was read of each.
  """
  lines = []
  for name in source.LABELS:
    if name == 'transform':
      continue  # belongs to the image
    values = [np.ravel(getattr(sample, name)) for sample in samples]
    known = [row for row in values if np.isfinite(row).all()]
    if known:
      rows = np.array(known, np.float64)
      line = f'{name} of {len(rows):,} images'
      if name == 'gaze':
        line += _describe_angles(gaze_angles.angles_from_vector(rows))
      elif name == 'head_pose':
        line += _describe_angles(rows)
      lines.append(line)
  persons = [entry.subject for entry in entries if entry.subject]
  if persons:
    ranges = subject_ranges.describe(persons)
    lines.append(f'subjects {ranges} of {len(persons):,} images')
  files = [entry.label_file for entry in entries if source.files.pictures]
  found = label_values.collect(
      [table.table for table in source.label_tables],
      dict.fromkeys(filter(None, files)),
      most=None,
  )
  others = [
      f'{name} {_describe_values(values)}'
      for name, values in found.items()
      if name not in labels.COLUMNS
  ]
  if others:
    more = f'; {len(others) - _NAMED:,} more' if len(others) > _NAMED else ''
    lines.append(f'carried along: {"; ".join(others[:_NAMED])}{more}')
  elif not lines:
    lines.append(f'none; eval.py understands {labels.UNDERSTOOD}, and others')
  return lines


def _describe_angles(angles: np.ndarray) -> str:
  low, high = np.degrees([angles.min(axis=0), angles.max(axis=0)])
  return ': ' + ', '.join(
      f'{name} {low[i]:.1f} to {high[i]:.1f} degrees'
      for i, name in enumerate(('yaw', 'pitch'))
  )


def _describe_values(values: Sequence[Any]) -> str:
  """Return the range of numbers, or the number of different values."""
  numbers, others = [], []
  for value in _flatten(values):
    try:
      numbers.append(labels.read_number(value))
    except (TypeError, ValueError):
      others.append(value)
  if others:
    different = set(map(str, numbers + others))
    if len(different) == 1:
      return f'is always {others[0]!r}'
    return f'has {len(different):,} different values'
  if not numbers:
    is_list = any(isinstance(value, list) for value in values)
    return 'has lists' if is_list else 'is empty'
  return f'{min(numbers):g} to {max(numbers):g}'


def _flatten(value: Any) -> Iterator[Any]:
  """Yield what is known in nested lists; objects have keys of their own."""
  if isinstance(value, list):
    for item in value:
      yield from _flatten(item)
  elif not isinstance(value, dict) and not labels.is_unknown(value):
    yield value
