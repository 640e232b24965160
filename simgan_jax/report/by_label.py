"""Tables with a column for each class, or each column of labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from simgan_jax.report import rows as rows_lib
from simgan_jax.report.table import MOST_COLUMNS, Table, largest


def _by_label(
    results: Mapping[str, Any], found: Mapping[str, Any]
) -> list[str]:
  """Return the cells of each class or column, '' for classes of no image."""
  if results['task'] == 'regression':
    values = found['mae_by_label']
  else:
    matrix = np.array(found['confusion'])
    total = matrix.sum(axis=1)
    values = 100 * np.diag(matrix) / np.where(total, total, np.nan)
  return ['' if np.isnan(value) else f'{value:.4g}' for value in values]


def of_labels(results: Mapping[str, Any]) -> Table:
  """Return what is known of each class or column, a line for each row."""
  columns = results.get('labels', [])
  is_regression = results['task'] == 'regression'
  rows = largest(results, 'mae_by_label' if is_regression else 'confusion')
  lines = [
      [rows_lib.label(row), *_by_label(results, row)]
      for row in rows
      if 1 < len(columns) <= MOST_COLUMNS
  ]
  caption = (
      'Mean absolute error by column'
      if is_regression
      else 'Right answers in %, by true class'
  )
  return Table(caption, ['trained on', *columns], lines)


def of_shapes(results: Mapping[str, Any]) -> Table:
  """Return how an estimator of the test images reads synthetic images."""
  unit, columns = rows_lib.unit_of(results), results.get('labels', [])
  key = unit.headline.key if unit.headline else f'mean_{unit.name}'
  head = unit.headline.words if unit.headline else f'mean, {unit.name}'
  asked = results.get('shapes', {})
  with_labels = results['task'] in ('class', 'mask', 'regression')
  lines = [
      [
          name,
          f'{found[key]:.2f}',
          *(_by_label(results, found) if with_labels else []),
      ]
      for name, found in asked.items()
  ]
  return Table(
      'An estimator of the test images asked about synthetic and refined ones;'
      ' one of half of them about the other half, "photographs". What is read'
      ' in photographs, but in neither of the others, has a wrong shape, which'
      ' refining does not mend',
      ['asked about', head, *(columns if with_labels else [])],
      lines,
  )
