"""The line charts of `report.html`: how training went, and grey values."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simgan_jax.machine import batching, files

if TYPE_CHECKING:
  from matplotlib.figure import Figure

_MAX_POINTS = 400  # of a line; the eye cannot tell more apart


def read_lines(
    rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]
) -> dict[str, list[tuple[int, float]]]:
  """Return label -> (round, value), the finite values of each logged metric."""
  lines = {}
  for name in metrics:
    points = [
        (row['round'], row[name])
        for row in rows
        if math.isfinite(row.get(name, math.nan))
    ]
    if points:
      lines[f'{name}: {points[-1][1]:.4g}'] = points
  return lines


def draw(
    lines: Mapping[str, Sequence[tuple[float, float]]],
    *,
    xlabel: str,
    limits: Sequence[float] = (),
) -> 'Figure':
  """Return a figure with a labelled line for each series of points.

  Args:
    lines: label -> (x, y) in ascending x, at least one point.
    xlabel: Name of the x axis.
    limits: Lowest and highest value of the y axis; none to fit the axis.
  """
  # Imported here because it takes a second, and most commands draw nothing.
  from matplotlib.figure import Figure

  figure = Figure(figsize=(6, 2.4))
  # The axes have a fixed place: computing the layout doubles the time.
  axes = figure.add_axes((0.09, 0.2, 0.89, 0.68))
  for label, points in lines.items():
    chosen = batching.spread(len(points), _MAX_POINTS)
    axes.plot(*zip(*(points[i] for i in chosen), strict=True), label=label)
  axes.margins(x=0)
  axes.set_xlabel(xlabel)
  if limits:
    axes.set_ylim(*limits)
  # Few ticks, as each costs a millisecond.
  axes.locator_params('x', nbins=5, integer=True)
  axes.locator_params('y', nbins=4)
  axes.ticklabel_format(useOffset=False)
  axes.tick_params(length=0)
  axes.spines[:].set_visible(False)
  axes.grid(alpha=0.5)
  axes.legend(
      loc='lower left',
      bbox_to_anchor=(0, 1),
      ncols=3,
      frameon=False,
      borderaxespad=0,
      handlelength=1,
      fontsize=9,
  )
  return figure


def write_png(path: str, figure: 'Figure') -> None:
  """Write a figure as PNG; an interrupted write leaves the old file."""
  content = io.BytesIO()
  figure.savefig(content, format='png')
  files.write_bytes(path, content.getvalue())


def to_svg(figure: 'Figure', name: str) -> str:
  """Return a figure as an SVG element, `name` being unique in its HTML page."""
  import matplotlib

  style = {
      'svg.fonttype': 'none',  # text stays text
      'svg.hashsalt': name,  # ids are unique, and the same every time
      'font.sans-serif': ['DejaVu Sans'],
  }
  file = io.StringIO()
  no_metadata = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
  with matplotlib.rc_context(style):
    figure.savefig(file, format='svg', transparent=True, metadata=no_metadata)
  text = file.getvalue()
  return text[text.index('<svg') :]
