"""The page of an ablation: a table, a sheet a variant, and the numbers."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2

from simgan_jax.machine import files
from simgan_jax.report import sheets, tables
from simgan_jax.studies.ablation import results, variants
from simgan_jax.studies.ablation.results import Result

_COLUMNS = {
    'name': 'variant',
    'differs': 'what differs',
    'error': 'error, deg',
    'ratio': '/ synthetic',
    'error_augmented': 'augmented: error, deg',
    'ratio_augmented': '/ synthetic',
    'accuracy': 'told from real, %',
    'distance': 'kernel distance',
    'shift': 'iris shift, px',
    'change': 'change, %',
    'seconds': 's a round',
}
_LIBRARIES = 'jax', 'jaxlib', 'flax', 'optax', 'numpy'


def render(
    output: str,
    finished: Sequence[Result],
    *,
    missing: Sequence[str],
    command: str,
) -> None:
  """Write `output`, its numbers as .json, and a folder of sheets beside it.

  Args:
    output: Path that ends in .md.
    finished: Results to show, every reference before those that need it.
    missing: Names of the variants without a result.
    command: Command that wrote the page, without paths of the machine.
  """
  folder = output.removesuffix('.md')
  by_name = {result.variant.name: result for result in finished}
  shown = []
  for name, result in by_name.items():
    if 'diverged' in result.record:
      continue
    compared = result.variant.reference, name
    refined = {x: by_name[x].images['refined'] for x in compared}
    synthetic, real = result.images['synthetic'], result.images['real']
    rows = {'synthetic': synthetic, **refined, 'real': real}
    sheet = sheets.draw_rows(rows)
    sheets.write_png(os.path.join(folder, f'{name}.png'), sheet)
    shown.append((name, result.variant.title, list(rows)))
  base = finished[0]
  dates = sorted({result.record['date'] for result in finished})
  template = jinja2.Template(
      Path(__file__).with_name('page.md.jinja').read_text(),
      undefined=jinja2.StrictUndefined,
      trim_blocks=True,
      lstrip_blocks=True,
  )
  text = template.render(
      command=command,
      base=base,
      config=base.variant.config,
      dates=' to '.join(dict.fromkeys((dates[0], dates[-1]))),
      jax=importlib.metadata.version('jax'),
      minutes=sum(result.record['wall_seconds'] for result in finished) / 60,
      missing=missing,
      table=_table(finished),
      names=set(by_name),
      patches=variants.count_patches(base.variant.config),
      shown=shown,
      folder=os.path.basename(folder),
  )
  files.write_text(output, text.rstrip() + '\n')
  versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
  found = {
      'command': command,
      'python': platform.python_version(),
      'machine': platform.machine(),
      'versions': versions,
      'variants': [_to_json(result) for result in finished],
      'missing': list(missing),
  }
  files.write_json(f'{folder}.json', found)


def _table(finished: Sequence[Result]) -> list[list[str]]:
  """Return the cells of the table, without columns that have no entry."""
  rows: list[dict[str, str]] = []
  for result in finished:
    variant, record, evaluation = result[:3]
    if variant.reference == variant.name:
      kind = 'colour' if variant.config.data.channels == 3 else 'grey'
      rows += _unrefined_rows(evaluation, kind)
    settings = variants.describe_settings(variant)
    differs = variant.title + (f': `{settings}`' if settings else '')
    row = {'name': variant.name, 'differs': differs}
    rows.append(row)
    if 'diverged' in record:
      row['error'] = f'diverged, {record["diverged"]}'
      continue
    shift = evaluation['label_preservation']['iris_shift']['all_pairs']
    row |= {
        'name': f'**{variant.name}**',
        **_numbers(evaluation, 'refined'),
        'shift': tables.number(shift['mean_px'], '.2f'),
        'change': tables.number(record['change_percent'], '.1f'),
        'seconds': tables.number(record['seconds_per_round'], '.3g'),
    }
  used = [name for name in _COLUMNS if any(row.get(name) for row in rows)]
  lines = [[_COLUMNS[name] for name in used], ['---'] * len(used)]
  return lines + [[row.get(name, '') for name in used] for row in rows]


def _unrefined_rows(
    evaluation: dict[str, Any], kind: str
) -> Iterator[dict[str, str]]:
  """Yield the rows that hold for all variants on the same images."""
  for train_on, title in (
      ('synthetic', f'{kind} images, not refined'),
      ('matched', f'{kind} images, histograms matched, not refined'),
      ('real', f'labelled {kind} real images'),
  ):
    if any(row['train_on'] == train_on for row in evaluation['rows']):
      numbers = _numbers(evaluation, train_on)
      yield {'name': train_on, 'differs': title, **numbers}


def _numbers(evaluation: dict[str, Any], train_on: str) -> dict[str, str]:
  """Return errors, their ratios and realism of one kind of images."""
  cells = {}
  for augmented, suffix in ((False, ''), (True, '_augmented')):
    row = results.find_row(evaluation, train_on, augmented=augmented)
    cells[f'error{suffix}'] = tables.mean_of(row, 'mean_deg').replace('±', '+-')
    ratio = results.find_ratio(evaluation, augmented=augmented)
    if train_on == 'refined' and ratio is not None:
      value, interval = ratio
      within = ' ({:.2f}-{:.2f})'.format(*interval) if interval else ''
      cells[f'ratio{suffix}'] = f'{value:.2f}{within}'
  if found := evaluation.get('realism', {}).get(train_on):
    error = found['standard_error']
    cells['accuracy'] = f'{found["accuracy"]:.1f} +- {error:.1f}'
    cells['distance'] = tables.number(found['kernel_distance']['value'], '.3g')
  return cells


def _to_json(result: Result) -> dict[str, Any]:
  variant, evaluation = result.variant, result.evaluation
  names = 'test', 'rows', 'comparisons', 'realism'
  return {
      'name': variant.name,
      'title': variant.title,
      'settings': variant.settings,
      'reference': variant.reference,
      **result.record,
      **{name: evaluation[name] for name in names if name in evaluation},
      'label_preservation': evaluation.get('label_preservation'),
  }
