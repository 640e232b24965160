"""`report.html`: one self-contained page about a run.

Images are embedded, nothing is loaded from elsewhere and no script is needed.
"""

import base64
import dataclasses
import glob
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jinja2

from simgan_jax.machine import batching, files
from simgan_jax.measures import estimation_errors, selection
from simgan_jax.report import metrics_file, sheets, summaries, tables
from simgan_jax.report import rows as rows_lib
from simgan_jax.settings import config as config_lib

_WIDTH, _HEIGHT = 600, 180  # of a chart, in its own units
_MAX_POINTS = 400  # points of a line, as more cannot be told apart

# Title, how to read it, metrics, and a fixed range of the y axis or None.
_CHARTS = (
    (
        'Discriminator accuracy',
        'Share of patches it tells right. Near 0.5 it cannot tell refined from'
        ' real; close to 1 for long, the refiner is losing.',
        ('discriminator/real_accuracy', 'discriminator/refined_accuracy'),
        (0.0, 1.0),
    ),
    (
        'Discriminator, loss a patch',
        'Undecided it is 0.69. Near 0 for long, the refiner is losing, as'
        ' nothing it tries is taken for real.',
        ('discriminator/loss_per_patch',),
        None,
    ),
    (
        'Refiner, adversarial loss',
        'Falls while the refiner fools the discriminator better. It need not'
        ' fall for ever: the two play against each other.',
        ('refiner/adversarial',),
        None,
    ),
    (
        'Refiner, self-regularisation loss',
        'Distance between refined and synthetic images. A steady climb means'
        ' that the images drift away from their labels.',
        ('refiner/self_regularization',),
        None,
    ),
    (
        'Mean change of a pixel',
        'On the scale from -1 to 1. Zero means that the refiner does nothing.',
        ('refiner/change',),
        None,
    ),
    (
        'Realism, patch distance in grey levels',
        'Of held-out refined from real images, in their details. Round 0 is'
        ' before training. Training goes up and down: eval.py and refine.py'
        ' take the checkpoint with the smallest one of the second half.',
        (selection.DISTANCE,),
        None,
    ),
    (
        'Realism, kernel distance',
        'Of held-out refined from real images, on features that tell synthetic'
        ' from real ones. Round 0 is before training, 0 would be perfect.',
        (selection.KERNEL_DISTANCE,),
        None,
    ),
    (
        'Labels, mean shift of the iris in pixels',
        'By refining, on held-out images. The refiner is taken from a'
        f' checkpoint that moves it by at most {selection.MAX_IRIS_SHIFT} px in'
        ' images 55 wide, if there is one.',
        (selection.SHIFT,),
        None,
    ),
)


_MAX_SHEETS = 12


class Line(NamedTuple):
  """One metric of a chart."""

  name: str
  points: str  # of an SVG polyline
  last: float


class Chart(NamedTuple):
  """A training curve, ready to be drawn as SVG."""

  title: str
  reading: str
  lines: list[Line]
  low: float
  high: float
  first_round: int
  last_round: int


def _charts(logged: Sequence[Mapping[str, Any]]) -> Iterator[Chart]:
  for title, reading, names, limits in _CHARTS:
    series = {
        name: [
            (row['round'], row[name])
            for row in logged
            if math.isfinite(row.get(name, math.nan))
        ]
        for name in names
    }
    series = {name: points for name, points in series.items() if points}
    if not series:
      continue
    x = [x for points in series.values() for x, _ in points]
    y = [y for points in series.values() for _, y in points]
    low, high = limits or (min(y), max(y))
    x_unit = _WIDTH / max(max(x) - min(x), 1)
    y_unit = _HEIGHT / ((high - low) or 1)
    lines = []
    for name, points in series.items():
      thin = points[:: -(-len(points) // _MAX_POINTS)]
      if thin[-1] != points[-1]:
        thin.append(points[-1])
      drawn = ' '.join(
          f'{(px - min(x)) * x_unit:.1f},{(high - py) * y_unit:.1f}'
          for px, py in thin
      )
      lines.append(Line(name, drawn, points[-1][1]))
    yield Chart(title, reading, lines, low, high, int(min(x)), int(max(x)))


def _embed(path: str) -> str | None:
  """Return a PNG file as data URI, None when there is no file."""
  if not os.path.exists(path):
    return None
  with open(path, 'rb') as file:
    return f'data:image/png;base64,{base64.b64encode(file.read()).decode()}'


def _sheets(workdir: str) -> list[tuple[int, str | None]]:
  """Return rounds and sample sheets, the oldest first, spread over the run."""
  folder = os.path.join(glob.escape(workdir), 'samples', 'round_*.png')
  paths = sorted(glob.glob(folder))
  chosen = [paths[i] for i in batching.spread(len(paths), _MAX_SHEETS)]
  return [(int(path[-len('000000.png') : -4]), _embed(path)) for path in chosen]


def _grey_values(workdir: str) -> list[tuple[str, str]]:
  """Return name and points of the histograms in samples/grey_values.json."""
  path = os.path.join(workdir, 'samples', 'grey_values.json')
  if not os.path.exists(path):
    return []
  with open(path, encoding='utf-8') as file:
    found = json.load(file)
  highest = max(max(shares) for shares in found.values())
  lines = []
  for name in sheets.TITLES:
    shares = found[name]
    points = [
        f'{(i + 0.5) * _WIDTH / len(shares):.1f},'
        f'{(1 - share / highest) * _HEIGHT:.1f}'
        for i, share in enumerate(shares)
    ]
    lines.append((name, ' '.join(points)))
  return lines


def _tables(results: Mapping[str, Any]) -> dict[str, summaries.Table]:
  """Return title -> table, of which there is anything to show."""
  of_gaze = rows_lib.unit_of(results) is estimation_errors.GAZE
  errors = "The paper's Table 2" if of_gaze else 'Errors of joints'
  found = {
      errors: summaries.errors_of_rows(results),
      "Joints, the paper's Table 4": summaries.of_joints(results),
      'Depth noise': summaries.depth_noise(results),
      'Refined against unrefined': summaries.comparisons(results),
      "Other methods, the paper's Table 3": summaries.by_method(results),
      'By head yaw': summaries.by_head_yaw(results),
      'By person': summaries.by_person(results),
  }
  return {title: table for title, table in found.items() if table.lines}


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
    workdir: of the run; reads metrics.jsonl, inspection.jsonl, samples/ and
      eval/.
    config: settings, nested.
    summary: what was run: name -> value, for example data, device and times.
    warnings: sentences.

  Raises:
    InputError: when eval/metrics.json is not JSON.
  """
  results = rows_lib.read(os.path.join(workdir, 'eval', 'metrics.json'))
  unit = rows_lib.unit_of(results) if results else None
  environment = jinja2.Environment(
      loader=jinja2.FileSystemLoader(os.path.dirname(__file__)),
      autoescape=True,
      undefined=jinja2.StrictUndefined,
      trim_blocks=True,
      lstrip_blocks=True,
  )
  environment.filters['number'] = lambda value: f'{value:.4g}'
  page = environment.get_template('report.html.jinja').render(
      title=os.path.basename(os.path.abspath(workdir)),
      summary=config_lib.flatten(summary),
      config=config_lib.flatten(config),
      warnings=warnings,
      sheets=_sheets(workdir),
      neighbours=_embed(os.path.join(workdir, 'samples', 'neighbours.png')),
      grey_values=_grey_values(workdir),
      charts=list(
          _charts(
              metrics_file.read_metrics(workdir)
              + metrics_file.read_metrics(workdir, metrics_file.INSPECTION)
          )
      ),
      width=_WIDTH,
      height=_HEIGHT,
      results=results,
      unit=unit,
      constant_error=(
          results['constant_predictor'][f'mean_{unit.name}']
          if results and unit
          else None
      ),
      tables=_tables(results) if results else {},
      conclusion=tables.conclude(results) if results else '',
      notes=(
          (*tables.published_notes(results), *tables.describe_images(results))
          if results
          else ()
      ),
      curve=_embed(os.path.join(workdir, 'eval', 'curve.png')),
  )
  path = os.path.join(workdir, 'report.html')
  files.write_text(path, page)
  return path


def render_run(workdir: str) -> str:
  """Write the report of the run in `workdir` from the files it left there."""
  config = config_lib.read(os.path.join(workdir, 'config.json'))
  summary: dict[str, Any] = {}
  path = os.path.join(workdir, 'summary.json')
  if os.path.exists(path):
    with open(path, encoding='utf-8') as file:
      summary = json.load(file)
  warnings = summary.pop('warnings', {})
  return render(
      workdir,
      config=dataclasses.asdict(config),
      summary=summary,
      warnings=list(warnings.values()),
  )
