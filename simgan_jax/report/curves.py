"""The cumulative curve of errors, the paper's Fig. 7."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from simgan_jax.measures import units
from simgan_jax.report import charts
from simgan_jax.report import rows as rows_lib

_COLORS = {
    'synthetic': 'tab:blue',
    'matched': 'tab:purple',
    'refined': 'tab:orange',
    'samples': 'tab:brown',
    'real': 'tab:green',
}


def limits(end: float) -> Float[np.ndarray, 'points']:
  """Return the errors at which a curve has its points."""
  return np.linspace(0, end, 121)


def cumulative(
    values: Float[np.ndarray, 'n *k'], end: float
) -> Float[np.ndarray, 'points']:
  """Return the percentage of errors at most each of `limits`."""
  ordered = np.sort(values[~np.isnan(values)], axis=None)
  inside = np.searchsorted(ordered, limits(end), side='right')
  return inside * (100 / len(ordered))


def draw(
    path: str,
    rows: Sequence[rows_lib.Row],
    *,
    test_name: str,
    unit: units.ErrorUnit = units.GAZE,
) -> None:
  """Write the curve as PNG; an interrupted write leaves the old file.

  Each row of the paper's network has a line, the mean over its seeds, in a band
  from the lowest to the highest seed.
  """
  end = unit.curve_end
  if end is None:
    nearly_all = [np.nanpercentile(rows_lib.by_image(row), 95) for row in rows]
    end = float(max(nearly_all, default=0)) or 1.0
  x = limits(end)
  figure = Figure(figsize=(9, 4.5), dpi=120, layout='constrained')
  axes = figure.subplots()
  for row in (row for row in rows if row.method == 'cnn'):
    seeds = np.stack([cumulative(e, end) for e in row.errors.values()])
    (line,) = axes.plot(
        x,
        seeds.mean(axis=0),
        '--' if row.scale == 1 else '-',
        color=_COLORS.get(row.train_on),
        linewidth=2.5 if row.augmented else 1.2,
        label=rows_lib.label(row._asdict()),
    )
    low, high, color = seeds.min(axis=0), seeds.max(axis=0), line.get_color()
    axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
  axes.set(
      xlim=(0, end),
      ylim=(0, 100),
      xlabel=unit.axis_label,
      ylabel=f'% of {unit.counted} within',
      # Matplotlib reads $ as the start of a formula.
      title=f'Error on {test_name}'.replace('$', r'\$'),
  )
  axes.grid(alpha=0.3)
  if rows:
    figure.legend(loc='outside right upper')
  charts.write_png(path, figure)
