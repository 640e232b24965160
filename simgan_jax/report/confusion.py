"""Confusion matrices as a picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from simgan_jax.report import charts, table
from simgan_jax.report import rows as rows_lib

_SIDE = 3.4  # inches of a matrix
_MOST_NUMBERS = 15  # classes; of more only the colours are shown


def draw(path: str, results: Mapping[str, Any]) -> None:
  """Write the matrices of the largest scale as PNG, beside each other.

  Rows are true classes, columns what the estimator said, numbers percent of
  the row. An interrupted write leaves the old file.
  """
  rows, names = table.largest(results, 'confusion'), results['labels']
  num_columns = min(len(rows), 4)
  num_rows = -(-len(rows) // num_columns)
  figure = Figure(
      figsize=(_SIDE * num_columns, _SIDE * num_rows),
      dpi=120,
      layout='constrained',
  )
  grid = figure.subplots(num_rows, num_columns, squeeze=False).ravel()
  for axes in grid[len(rows) :]:
    axes.set_visible(False)
  for axes, row in zip(grid, rows, strict=False):
    matrix = np.array(row['confusion'], float)
    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(percent, cmap='Blues', vmin=0, vmax=100)
    axes.set_title(rows_lib.label(row))
    if len(names) <= _MOST_NUMBERS:
      ticks = range(len(names))
      axes.set_xticks(ticks, names, rotation=90)
      axes.set_yticks(ticks, names)
      for (i, j), value in np.ndenumerate(percent):
        color = 'white' if value > 50 else 'black'
        text = f'{value:.0f}' if value >= 0.5 else ''
        axes.text(j, i, text, ha='center', va='center', color=color, fontsize=8)
  figure.supxlabel('estimated')
  figure.supylabel('true')
  charts.write_png(path, figure)
