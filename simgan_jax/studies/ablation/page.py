"""The page of an ablation: a table, a sheet a variant, and the numbers."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterator, Sequence
from typing import Any

from simgan_jax.machine import files
from simgan_jax.report import sheets
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
  lines = [*_introduce(finished, missing, command), *_table(finished)]
  lines += ['', *_explain(finished), '', '## Images', '']
  for name, result in by_name.items():
    if 'diverged' in result.record:
      continue
    sheet = os.path.join(folder, f'{name}.png')
    reference = by_name[result.variant.reference]
    rows = _sheet_rows(result, reference)
    sheets.write_png(sheet, sheets.draw_rows(rows))
    lines += [
        f'**{name}**: {result.variant.title}.',
        '',
        f'![{", ".join(rows)}]({os.path.basename(folder)}/{name}.png)',
        '',
    ]
  files.write_text(output, '\n'.join(lines).rstrip() + '\n')
  found = {
      'command': command,
      'python': platform.python_version(),
      'machine': platform.machine(),
      'versions': {
          name: importlib.metadata.version(name) for name in _LIBRARIES
      },
      'variants': [_to_json(result) for result in finished],
      'missing': list(missing),
  }
  text = json.dumps(found, indent=2, allow_nan=False)
  files.write_text(f'{folder}.json', text + '\n')


def _sheet_rows(result: Result, reference: Result) -> dict[str, Any]:
  """Return the images of a sheet by the name of the row."""
  rows = {'synthetic': result.images['synthetic']}
  for shown in dict.fromkeys((reference.variant.name, result.variant.name)):
    images = (result if shown == result.variant.name else reference).images
    rows[shown] = images['refined']
  return rows | {'real': result.images['real']}


def _introduce(
    finished: Sequence[Result], missing: Sequence[str], command: str
) -> list[str]:
  base = finished[0]
  config = base.variant.config
  test, seeds = base.evaluation['test'], config.evaluation.num_seeds
  dates = sorted({result.record['date'] for result in finished})
  minutes = sum(result.record['wall_seconds'] for result in finished) / 60
  lines = [
      '# Ablations',
      '',
      'Every row changes the base in what is named, and is trained and',
      'evaluated anew. Written by',
      '',
      f'    {command}',
      '',
      f'{" to ".join(dict.fromkeys((dates[0], dates[-1])))} on'
      f' {base.record["device"]}, jax'
      f' {importlib.metadata.version("jax")}, in {minutes:.0f} minutes:'
      f' {config.num_rounds:,} rounds of batch {config.batch_size}, training'
      f' seed {config.seed}, lambda {config.self_regularization_weight:g}, K_g'
      f' {config.refiner_steps}, history {config.history_size:,}. The error is'
      f' the mean of {seeds} estimator{"s" if seeds > 1 else ""}'
      f' ({config.evaluation.num_steps:,} steps) on {test["images"]:,} images'
      f' ({test["name"]}).',
      '',
  ]
  if missing:
    lines += [f'Not run: {", ".join(missing)}.', '']
  return lines


def _table(finished: Sequence[Result]) -> list[str]:
  """Return the lines of the table, without columns that have no entry."""
  rows: list[dict[str, str]] = []
  for result in finished:
    variant, record, evaluation = result[:3]
    if variant.reference == variant.name:
      kind = 'colour' if variant.config.data.channels == 3 else 'grey'
      rows += _unrefined_rows(evaluation, kind)
    settings = variants.describe_settings(variant)
    row = {
        'name': variant.name,
        'differs': variant.title + (f': `{settings}`' if settings else ''),
    }
    rows.append(row)
    if 'diverged' in record:
      row['error'] = f'diverged, {record["diverged"]}'
      continue
    shift = evaluation['label_preservation']['iris_shift']['all_pairs']
    row |= {
        'name': f'**{variant.name}**',
        **_numbers(evaluation, 'refined'),
        'shift': _number(shift['mean_px'], '.2f'),
        'change': _number(record['change_percent'], '.1f'),
        'seconds': _number(record['seconds_per_round'], '.3g'),
    }
  used = [name for name in _COLUMNS if any(row.get(name) for row in rows)]
  lines = [[_COLUMNS[name] for name in used], ['---'] * len(used)]
  lines += [[row.get(name, '') for name in used] for row in rows]
  return [f'| {" | ".join(line)} |' for line in lines]


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
    if row is None:
      continue
    mean = row['mean_deg']
    spread = f' +- {mean["std"]:.2f}' if len(row['seeds']) > 1 else ''
    cells[f'error{suffix}'] = f'{mean["mean"]:.2f}{spread}'
    ratio = results.find_ratio(evaluation, augmented=augmented)
    if train_on == 'refined' and ratio is not None:
      value, interval = ratio
      within = ' ({:.2f}-{:.2f})'.format(*interval) if interval else ''
      cells[f'ratio{suffix}'] = f'{value:.2f}{within}'
  found = evaluation.get('realism', {}).get(train_on)
  if found:
    cells['accuracy'] = (
        f'{found["accuracy"]:.1f} +- {found["standard_error"]:.1f}'
    )
    cells['distance'] = _number(found['kernel_distance']['value'], '.3g')
  return cells


def _number(value: float | None, form: str) -> str:
  return '' if value is None else format(value, form)


def _explain(finished: Sequence[Result]) -> list[str]:
  """Return what the columns mean, and what they do not show."""
  base = finished[0]
  own = base.evaluation['label_preservation']['iris_shift']['error_before']
  fit = f' (the fit alone errs by {own["mean_px"]:.2f})' if own else ''
  names = {result.variant.name for result in finished}
  lines = [
      '- Error: of the predicted gaze on real images; **/ synthetic**: to that'
      ' of the same estimator on unrefined images, with the 95 % interval over'
      ' the tested persons where they are known. One training run a row: what'
      ' another seed would change is not in the interval.',
      '- Told from real: accuracy of a classifier on persons it has not seen;'
      ' 50 is chance. Kernel distance: on features of one classifier for all'
      ' grey rows, and of another for colour.',
      f'- Iris shift: between an image and its refinement{fit}; a moved iris'
      ' is a wrong label. Change: mean difference of the pixels, of the range.',
  ]
  if base.variant.config.data.match_histograms:
    lines.append(
        '- Shift and change are from the synthetic image itself: what matching'
        ' its histogram to that of a real one did is part of them.'
    )
  if names & {'whole_image', 'whole_image_balanced'}:
    patches = variants.count_patches(base.variant.config)
    lines.append(
        f'- whole_image: one cross-entropy stands for a sum over {patches}, so'
        ' the same lambda weighs more against it; whole_image_balanced divides'
        f' lambda by {patches}.'
    )
  if 'psi_gradients' in names:
    lines.append(
        '- psi: on grey images identity and channel mean are the same function,'
        ' so they are compared in colour. Gradients leave brightness free, at'
        ' the same lambda.'
    )
  if names & {'refiner_steps_2', 'refiner_steps_10'}:
    lines.append(
        '- refiner_steps: the number of rounds stays, so that of refiner steps'
        ' changes.'
    )
  return lines


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
