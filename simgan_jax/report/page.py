"""`report.html`: one self-contained page about a run.

Images and charts are embedded: the page loads nothing, and works offline.
"""

import base64
import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from simgan_jax.machine import batching, files
from simgan_jax.measures import selection
from simgan_jax.report import charts, metrics_file, sentences, sheets, tables
from simgan_jax.report import rows as rows_lib
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import stored

_MAX_SHEETS = 12


def _draw_metrics(
    rows: Sequence[Mapping[str, Any]],
    metrics: Sequence[str],
    limits: Sequence[float],
) -> str:
  """Return the SVG of a chart of metrics, '' if none was logged."""
  lines = charts.read_lines(rows, metrics)
  if not lines:
    return ''
  figure = charts.draw(lines, xlabel='round', limits=limits)
  return charts.to_svg(figure, metrics[0])


def _grey_values(samples: Path) -> str:
  """Return the SVG of the histograms of grey values, '' without a file."""
  found = files.read_json(str(samples / 'grey_values.json'))
  if not found:
    return ''
  lines = {}
  for name in sheets.TITLES:
    width = 256 / len(found[name])
    lines[name] = [((i + 0.5) * width, y) for i, y in enumerate(found[name])]
  figure = charts.draw(lines, xlabel='grey value')
  return charts.to_svg(figure, 'grey values')


def _embed(path: Path) -> str:
  """Return a PNG file as data URI, '' when there is no file."""
  if not path.exists():
    return ''
  return f'data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}'


def _sheets(samples: Path) -> list[tuple[int, str]]:
  """Return rounds and sample sheets, the oldest first, spread over the run."""
  paths = sorted(samples.glob('round_*.png'))
  chosen = [paths[i] for i in batching.spread(len(paths), _MAX_SHEETS)]
  rounds = [int(path.stem.removeprefix('round_')) for path in chosen]
  return list(zip(rounds, map(_embed, chosen), strict=True))


def render(
    workdir: str,
    *,
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
    warnings: Sequence[str] = (),
) -> str:
  """Write `report.html` from what is in `workdir`, and return its path.

  Whatever is missing there, such as samples or the evaluation, is left out.

  Args:
    workdir: Folder of the run.
    config: Settings, nested.
    summary: What was run: name -> value, for example data, device and times.
    warnings: Sentences to show above all else.

  Raises:
    InputError: If eval/metrics.json is not JSON.
  """
  folder = Path(workdir)
  samples, evaluation = folder / 'samples', folder / 'eval'
  template = jinja2.Template(
      Path(__file__).with_name('report.html.jinja').read_text(),
      autoescape=True,
      undefined=jinja2.StrictUndefined,
      trim_blocks=True,
      lstrip_blocks=True,
  )
  logged = [
      *metrics_file.read_metrics(workdir),
      *metrics_file.read_metrics(workdir, metrics_file.INSPECTION),
  ]
  page = template.render(
      title=os.path.basename(os.path.abspath(workdir)),
      summary=config_lib.flatten(summary),
      config=config_lib.flatten(config),
      warnings=warnings,
      results=rows_lib.read(str(evaluation / 'metrics.json')),
      sentences=sentences,
      make_tables=tables.make_tables,
      curve=_embed(evaluation / 'curve.png'),
      confusion=_embed(evaluation / 'confusion.png'),
      sheets=_sheets(samples),
      neighbours=_embed(samples / 'neighbours.png'),
      noise=_embed(samples / 'noise.png'),
      grey_values=_grey_values(samples),
      draw_metrics=functools.partial(_draw_metrics, logged),
      selection=selection,
  )
  path = str(folder / 'report.html')
  files.write_text(path, page)
  return path


def render_run(workdir: str) -> None:
  """Write the report of the run in `workdir` from the files it left there."""
  config = stored.read_run(workdir)
  summary = files.read_json(os.path.join(workdir, 'summary.json')) or {}
  warnings = summary.pop('warnings', {}).values()
  settings = dataclasses.asdict(config)
  render(workdir, config=settings, summary=summary, warnings=list(warnings))
