"""Results on the terminal, in the form of the paper's Tables 2 to 4."""

from typing import Any

from simgan_jax.measures import estimation_errors
from simgan_jax.report import rows as rows_lib
from simgan_jax.report import summaries

_WIDTH = 33  # characters of a row's name

_PUBLISHED_2 = (
    'Published in Table 2 (MPIIGaze): synthetic 62.3, synthetic 4x 64.9,'
    ' refined 69.4, refined 4x 87.2;\n'
    "labelled 7 degrees there, but the paper's Fig. 7 has these values at 13."
)
_PUBLISHED_3 = 'Published in Table 3 (MPIIGaze): synthetic 11.2, refined 7.8.'
_PUBLISHED_4 = (
    'Published in Table 4 (NYU, within 5 pixels): synthetic 69.7, refined 72.4,'
    ' real 74.5, synthetic 3x 77.7, refined 3x 83.3.'
)


def published_notes(results: dict[str, Any]) -> tuple[str, ...]:
  """Return notes with the paper's values, none but for its test sets."""
  name = results['test']['name'].lower()
  if name.startswith('mpiigaze'):
    return _PUBLISHED_2, _PUBLISHED_3
  if name.startswith('nyu_hand'):
    return (_PUBLISHED_4,)
  return ()


def _find(results: dict[str, Any], train_on: str) -> dict[int, dict[str, Any]]:
  """Return scale -> mean and std of the rows trained on `train_on`.

  Of rows without augmentation, where there are any.
  """
  rows = [row for row in results['rows'] if summaries.method(row) == 'cnn']
  plain = [row for row in rows if not row.get('augmented')]
  return {
      row['scale']: row[f'mean_{rows_lib.unit_of(results).name}']
      for row in plain or rows
      if row['train_on'] == train_on
  }


def conclude(results: dict[str, Any]) -> str:
  """Return in one sentence what refining did to the mean error.

  It compares synthetic and refined at the largest scale that both have, neither
  augmented if there are such rows.
  """
  synthetic, refined = _find(results, 'synthetic'), _find(results, 'refined')
  common = synthetic.keys() & refined.keys()
  if not common:
    return 'There are no rows, synthetic and refined, of one scale to compare.'
  before, after = synthetic[max(common)], refined[max(common)]
  change = after['mean'] / max(before['mean'], 1e-9) - 1
  verb = 'lowered' if change < 0 else 'raised'
  seeds = max(len(row['seeds']) for row in results['rows'])
  spread = (
      f'spread over {seeds} seeds: +-{before["std"]:.2f} and'
      f' +-{after["std"]:.2f}'
      if seeds > 1
      else 'one seed, spread unknown'
  )
  return (
      f'Refining {verb} the mean error from {before["mean"]:.2f} to'
      f' {after["mean"]:.2f} {rows_lib.unit_of(results).words}'
      f' ({100 * change:+.1f} %; {spread}).'
  )


def _lines(table: summaries.Table, width: int) -> list[str]:
  """Return a table under its caption, nothing when it has no lines."""
  if not table.lines:
    return []
  return ['', table.caption] + [
      f'{name:<{_WIDTH}}' + ''.join(f'{cell:>{width}}' for cell in cells)
      for name, *cells in (table.header, *table.lines)
  ]


def _comparison_lines(results: dict[str, Any]) -> list[str]:
  """Return ratios of errors with the bootstrap's interval, a line a pair."""
  found = results.get('comparisons', [])
  if not found:
    return []
  lines = [
      '',
      f'Ratio of mean errors; 95 % of {found[0]["subjects"]} persons drawn'
      ' again',
  ]
  for pair in found:
    name = rows_lib.label_pair(pair)
    low, high = pair['ratio_interval']
    lines.append(
        f'{name:<{_WIDTH}}{pair["ratio"]:>9.2f}{f"{low:.2f}-{high:.2f}":>16}'
        f'   p = {pair["p_value"]:.2g}'
    )
  return lines


def describe_images(results: dict[str, Any]) -> list[str]:
  """Return which refiner it was and what it did to realism and labels."""
  sentences = []
  if 'checkpoint' in results:
    found = results['checkpoint']
    sentences.append(
        f'Refiner: the checkpoint of round {found["round"]:,}, chosen without'
        f' real labels: {found["rule"]}.'
    )
  if 'realism' in results:
    synthetic, refined = (
        results['realism'][name] for name in ('synthetic', 'refined')
    )
    sentences.append(
        'Realism: a classifier tells refined images of persons it has not seen'
        f' from real ones in {refined["accuracy"]:.1f} %'
        f' +- {refined["standard_error"]:.1f} of the cases, synthetic ones in'
        f' {synthetic["accuracy"]:.1f} % +- {synthetic["standard_error"]:.1f}'
        ' (chance 50 %); kernel distance'
        f' {refined["kernel_distance"]["value"]:.2f} after'
        f' {synthetic["kernel_distance"]["value"]:.2f}.'
    )
  found = results.get('label_preservation', {})
  if 'iris_shift' in found:
    shift, own = (
        found['iris_shift'][name] for name in ('all_pairs', 'error_before')
    )
    error = ''
    if own is not None:
      error = f", the fit's own error {own['mean_px']:.2f} px"
    sentences.append(
        f'Labels: refining moves the iris by {shift["mean_px"]:.2f} px'
        f' +- {shift["std_px"]:.2f} ({shift["num"]:,} pairs{error}) and the'
        f' predicted gaze by {found["gaze_shift_deg"]["mean"]:.1f} degrees.'
    )
  if 'joint_shift_px' in found:
    sentences.append(
        'Labels: refining moves the predicted joints by'
        f' {found["joint_shift_px"]["mean"]:.1f}'
        f' {estimation_errors.HANDS.words}.'
    )
  return sentences


def format_tables(results: dict[str, Any]) -> str:
  """Return both tables and, in the last line, the conclusion.

  Args:
    results: contents of `eval/metrics.json`.
  """
  test = results['test']
  notes = (*published_notes(results), '', '')
  unit = rows_lib.unit_of(results)
  constant = results['constant_predictor'][f'mean_{unit.name}']
  header = ''.join(f'{f"{limit} {unit.name}":>9}' for limit in unit.thresholds)
  names = [rows_lib.label(row) for row in results['rows']]
  lines = [
      f'% of the {unit.counted} within d ({test["name"]},'
      f' {test["images"]:,} images)',
      f'{"trained on":<{_WIDTH}}{"images":>9}{header}',
  ]
  for name, row in zip(names, results['rows'], strict=True):
    values = ''.join(f'{v:9.1f}' for v in row[f'within_{unit.name}'].values())
    lines.append(f'{name:<{_WIDTH}}{row["images"]:>9,}{values}')
  lines += [
      *(notes[0], ''),
      f'Mean error in {unit.words}, +- over seeds',
      f'{"trained on":<{_WIDTH}}{"images":>9}{"mean":>9}{"+-":>7}{"median":>9}',
  ]
  for name, row in zip(names, results['rows'], strict=True):
    mean = row[f'mean_{unit.name}']
    spread = f'{mean["std"]:.2f}' if len(row['seeds']) > 1 else ''
    lines.append(
        f'{name:<{_WIDTH}}{row["images"]:>9,}{mean["mean"]:>9.2f}'
        f'{spread:>7}{row[f"median_{unit.name}"]:>9.2f}'
    )
  lines += [
      f'{"constant":<{_WIDTH}}{"":>9}{constant:>9.2f}',
      notes[1],
      *_lines(summaries.by_head_yaw(results), 7),
      *_lines(summaries.of_joints(results), 12),
      *_lines(summaries.depth_noise(results), 15),
      *_comparison_lines(results),
      '',
      *describe_images(results),
      '',
      conclude(results),
  ]
  text = '\n'.join(lines)
  while '\n\n\n' in text:
    text = text.replace('\n\n\n', '\n\n')
  return text
