"""The page of an ablation: a table, a sheet a variant, and the numbers."""

import importlib.metadata
import itertools
import json
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from simgan_jax.machine import files
from simgan_jax.report import sheets
from simgan_jax.studies.ablation import results, variants
from simgan_jax.studies.ablation.results import Result

_COLUMNS = (
    *('variant', 'what differs', 'error, deg', '/ synthetic'),
    *('augmented: error, deg', '/ synthetic', 'told from real, %'),
    *('kernel distance', 'iris shift, px', 'change, %', 's a round'),
)
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
    output: path that ends in .md.
    finished: what is shown, every reference before those that need it.
    missing: names of the variants without a result.
    command: which made it, without anything of the machine.
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
  """Return the lines of the table, without columns that nothing stands in."""
  rows = []
  for result in finished:
    variant = result.variant
    if variant.reference == variant.name:
      kind = 'colour' if variant.config.data.channels == 3 else 'grey'
      rows += _unrefined_rows(result.evaluation, kind)
    settings = variants.describe_settings(variant)
    differs = variant.title + (f': `{settings}`' if settings else '')
    if 'diverged' in result.record:
      cells = [f'diverged, {result.record["diverged"]}']
      rows.append((variant.name, differs, *cells, *[''] * 8))
      continue
    record, evaluation = result.record, result.evaluation
    shift = evaluation['label_preservation']['iris_shift']['all_pairs']
    rows.append(
        (
            *(f'**{variant.name}**', differs),
            *_error_cells(evaluation, 'refined'),
            *_realism_cells(evaluation, 'refined'),
            _number(shift['mean_px'], '.2f'),
            _number(record['change_percent'], '.1f'),
            _number(record['seconds_per_round'], '.3g'),
        )
    )
  used = [any(cells) for cells in zip(*rows, strict=True)]
  rows = [_COLUMNS, ('---',) * len(_COLUMNS), *rows]
  return [f'| {" | ".join(itertools.compress(row, used))} |' for row in rows]


def _unrefined_rows(evaluation: dict[str, Any], kind: str):
  """Yield the rows that hold for all variants on the same images."""
  for train_on, title in (
      ('synthetic', f'{kind} images, not refined'),
      ('matched', f'{kind} images, histograms matched, not refined'),
      ('real', f'labelled {kind} real images'),
  ):
    if any(row['train_on'] == train_on for row in evaluation['rows']):
      yield (
          *(train_on, title, *_error_cells(evaluation, train_on)),
          *_realism_cells(evaluation, train_on),
          *('', '', ''),
      )


def _error_cells(evaluation: dict[str, Any], train_on: str) -> list[str]:
  """Return error and ratio, not augmented and augmented."""
  cells = []
  for augmented in (False, True):
    row = results.find_row(evaluation, train_on, augmented=augmented)
    if row is None:
      cells += ['', '']
      continue
    mean = row['mean_deg']
    spread = f' +- {mean["std"]:.2f}' if len(row['seeds']) > 1 else ''
    cells.append(f'{mean["mean"]:.2f}{spread}')
    ratio = results.find_ratio(evaluation, augmented=augmented)
    if train_on != 'refined' or ratio is None:
      cells.append('')
      continue
    value, interval = ratio
    within = f' ({interval[0]:.2f}-{interval[1]:.2f})' if interval else ''
    cells.append(f'{value:.2f}{within}')
  return cells


def _realism_cells(evaluation: dict[str, Any], kind: str) -> list[str]:
  found = evaluation.get('realism', {}).get(kind)
  if not found:
    return ['', '']
  return [
      f'{found["accuracy"]:.1f} +- {found["standard_error"]:.1f}',
      _number(found['kernel_distance']['value'], '.3g'),
  ]


def _number(value: float | None, form: str) -> str:
  return '' if value is None else format(value, form)


def _explain(finished: Sequence[Result]) -> list[str]:
  """Return what the columns mean and what a row may not be taken for."""
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
  variant = result.variant
  evaluation: Mapping[str, Any] = result.evaluation
  return {
      'name': variant.name,
      'title': variant.title,
      'settings': variant.settings,
      'reference': variant.reference,
      **result.record,
      **{
          key: evaluation[key]
          for key in ('test', 'rows', 'comparisons', 'realism')
          if key in evaluation
      },
      'label_preservation': evaluation.get('label_preservation'),
  }
