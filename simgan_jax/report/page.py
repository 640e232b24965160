"""`report.html`: one self-contained page about a run.

Images and charts are embedded: the page loads nothing, and works offline.
"""

import base64
import dataclasses
import glob
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jinja2

from simgan_jax.machine import batching, files
from simgan_jax.measures import selection
from simgan_jax.report import charts, metrics_file, sentences, sheets, tables
from simgan_jax.report import rows as rows_lib
from simgan_jax.settings import config as config_lib

_MAX_SHEETS = 12


def _draw_metrics(workdir: str) -> Callable[..., str]:
  """Return a function from metrics, and limits of y, to the SVG of a chart."""
  rows = [
      *metrics_file.read_metrics(workdir),
      *metrics_file.read_metrics(workdir, metrics_file.INSPECTION),
  ]

  def draw(metrics: Sequence[str], limits: Sequence[float]) -> str:
    lines = charts.read_lines(rows, metrics)
    if not lines:
      return ''
    figure = charts.draw(lines, xlabel='round', limits=limits)
    return charts.to_svg(figure, metrics[0])

  return draw


def _grey_values(workdir: str) -> str:
  """Return the SVG of the histograms in samples/grey_values.json, if any."""
  found = _read_json(os.path.join(workdir, 'samples', 'grey_values.json'))
  if not found:
    return ''
  lines = {}
  for name in sheets.TITLES:
    width = 256 / len(found[name])
    centres = ((i + 0.5) * width for i in range(len(found[name])))
    lines[name] = list(zip(centres, found[name], strict=True))
  figure = charts.draw(lines, xlabel='grey value')
  return charts.to_svg(figure, 'grey values')


def _read_json(path: str) -> dict[str, Any]:
  """Return what is in a JSON file, nothing when there is no file."""
  if not os.path.exists(path):
    return {}
  with open(path, encoding='utf-8') as file:
    return json.load(file)


def _embed(path: str) -> str:
  """Return a PNG file as data URI, '' when there is no file."""
  if not os.path.exists(path):
    return ''
  with open(path, 'rb') as file:
    return f'data:image/png;base64,{base64.b64encode(file.read()).decode()}'


def _sheets(workdir: str) -> list[tuple[int, str]]:
  """Return rounds and sample sheets, the oldest first, spread over the run."""
  folder = os.path.join(glob.escape(workdir), 'samples', 'round_*.png')
  paths = sorted(glob.glob(folder))
  chosen = [paths[i] for i in batching.spread(len(paths), _MAX_SHEETS)]
  return [(int(path[-len('000000.png') : -4]), _embed(path)) for path in chosen]


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
    workdir: Folder of the run, with metrics.jsonl, inspection.jsonl, samples/
      and eval/.
    config: Settings, nested.
    summary: What was run: name -> value, for example data, device and times.
    warnings: Sentences to show above all else.

  Raises:
    InputError: If eval/metrics.json is not JSON.
  """
  results = rows_lib.read(os.path.join(workdir, 'eval', 'metrics.json'))
  environment = jinja2.Environment(
      loader=jinja2.FileSystemLoader(os.path.dirname(__file__)),
      autoescape=True,
      undefined=jinja2.StrictUndefined,
      trim_blocks=True,
      lstrip_blocks=True,
  )
  page = environment.get_template('report.html.jinja').render(
      title=os.path.basename(os.path.abspath(workdir)),
      summary=config_lib.flatten(summary),
      config=config_lib.flatten(config),
      warnings=warnings,
      results=results,
      unit=rows_lib.unit_of(results) if results else None,
      conclusion=sentences.conclude(results) if results else '',
      notes=(
          sentences.quote_paper(results) + sentences.describe_images(results)
          if results
          else []
      ),
      tables=tables.make_tables(results) if results else {},
      curve=_embed(os.path.join(workdir, 'eval', 'curve.png')),
      sheets=_sheets(workdir),
      neighbours=_embed(os.path.join(workdir, 'samples', 'neighbours.png')),
      grey_values=_grey_values(workdir),
      draw_metrics=_draw_metrics(workdir),
      selection=selection,
  )
  path = os.path.join(workdir, 'report.html')
  files.write_text(path, page)
  return path


def render_run(workdir: str) -> str:
  """Write the report of the run in `workdir` from the files it left there."""
  config = config_lib.read(os.path.join(workdir, 'config.json'))
  summary = _read_json(os.path.join(workdir, 'summary.json'))
  warnings = summary.pop('warnings', {})
  return render(
      workdir,
      config=dataclasses.asdict(config),
      summary=summary,
      warnings=list(warnings.values()),
  )
