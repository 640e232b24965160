"""The tables of `report.html` and of the terminal, from `eval/metrics.json`."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from simgan_jax.measures import depth_noise, estimation_errors
from simgan_jax.report import rows as rows_lib
from simgan_jax.report import sentences

_NAME_WIDTH = 33  # characters of a row's name on the terminal


class Table(NamedTuple):
  """Lines of text, each as long as the header; '' where nothing is known."""

  caption: str
  header: list[str]
  lines: list[list[str]]


def _network_rows(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
  """Return the rows of the paper's network."""
  return [row for row in results['rows'] if row['method'] == 'cnn']


def _limits(results: Mapping[str, Any]) -> list[str]:
  unit = rows_lib.unit_of(results)
  return [f'{limit} {unit.name}' for limit in unit.thresholds]


def number(value: float | None, form: str) -> str:
  """Return a number as text, '' for None."""
  return '' if value is None else format(value, form)


def mean_of(row: Mapping[str, Any] | None, name: str) -> str:
  """Return a row's mean error, with its spread if there are several seeds."""
  if row is None:
    return ''
  mean = row[f'mean_{name}']
  spread = f' ± {mean["std"]:.2f}' if len(row['seeds']) > 1 else ''
  return f'{mean["mean"]:.2f}{spread}'


def of_errors(
    results: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> Table:
  """Return Table 2: errors and percentages of some rows of the results."""
  unit = rows_lib.unit_of(results)
  name = unit.name
  header = ['trained on', 'images', f'mean, {name}', f'median, {name}']
  lines = [
      [
          rows_lib.label(row),
          f'{row["images"]:,}',
          mean_of(row, name),
          f'{row[f"median_{name}"]:.2f}',
          *(f'{percent:.1f}' for percent in row[f'within_{name}'].values()),
      ]
      for row in rows
  ]
  caption = f'Mean error over seeds, and % of {unit.counted} within a limit'
  return Table(caption, header + _limits(results), lines)


def of_comparisons(results: Mapping[str, Any]) -> Table:
  """Return refined against unrefined images, a line for each pair of rows."""
  pairs = results.get('comparisons', [])
  persons = pairs[0]['subjects'] if pairs else 0
  lines = [
      [
          rows_lib.label_pair(pair),
          f'{pair["ratio"]:.2f}',
          '{:.2f} to {:.2f}'.format(*pair['ratio_interval']),
          f'{pair["p_value"]:.2g}',
      ]
      for pair in pairs
  ]
  return Table(
      'Ratio of mean errors; below 1, refining helped. 95 % interval and p by'
      f' drawing the {persons} persons again',
      ['trained on', 'ratio', '95 % interval', 'p'],
      lines,
  )


def of_methods(results: Mapping[str, Any]) -> Table:
  """Return Table 3: a line for each method, the paper's network first.

  The columns are the training sets of the other methods; without other methods
  there are no lines.
  """
  unit = rows_lib.unit_of(results)
  found: dict[str, dict[str, Any]] = {'cnn': {}}
  for row in results['rows']:
    if not row['augmented']:
      name = rows_lib.label({**row, 'method': 'cnn'})
      found.setdefault(row['method'], {})[name] = row
  network, *others = found.values()
  columns = list(dict.fromkeys(name for rows in others for name in rows))
  columns = [name for name in network if name in columns] or columns
  lines = [
      [name, *(mean_of(rows.get(column), unit.name) for column in columns)]
      for name, rows in found.items()
      if others
  ]
  caption = (
      f'Mean error in {unit.words} over seeds, by method and data set'
      ' trained on'
  )
  return Table(caption, ['method', *columns], lines)


def of_groups(results: Mapping[str, Any], key: str, words: str) -> Table:
  """Return mean errors by group, a line for each row of the largest scale.

  The rows are those of the paper's network; real images have one scale only.
  If there is only one group, there are no lines.

  Args:
    results: Contents of `eval/metrics.json`.
    key: Key of the rows, 'by_head_yaw_deg' or 'by_subject'.
    words: What the groups are, for the caption.
  """
  rows = _network_rows(results)
  largest = max((row['scale'] for row in rows), default=1)
  rows = [
      row
      for row in rows
      if key in row and (row['scale'] == largest or row['train_on'] == 'real')
  ]
  columns = sorted({value for row in rows for value in row[key]}, key=int)
  lines = [
      [rows_lib.label(row), *(number(row[key].get(x), '.2f') for x in columns)]
      for row in rows
      if len(columns) > 1
  ]
  caption = f'Mean error in {rows_lib.unit_of(results).words} by {words}'
  return Table(caption, ['trained on', *columns], lines)


def of_joints(results: Mapping[str, Any]) -> Table:
  """Return Table 4: frames within limits, and errors in mm; hands only."""
  lines = [
      [
          rows_lib.label(row),
          mean_of(row, 'mm'),
          *(f'{percent:.1f}' for percent in row['frames_within_px'].values()),
      ]
      for row in results['rows']
      if 'mean_mm' in row
  ]
  return Table(
      'Mean error in mm, parallel to the image; % of frames with all joints'
      ' within a limit',
      ['trained on', 'mean, mm', *(f'all {x}' for x in _limits(results))],
      lines,
  )


def of_depth_noise(results: Mapping[str, Any]) -> Table:
  """Return how noisy the depth images are; hands only."""
  keys, forms = depth_noise.DepthNoise._fields, ('.2f', '.1f', '.2f')
  lines = [
      [name, *map(number, (noise[key] for key in keys), forms)]
      for name, noise in results.get('depth_noise', {}).items()
  ]
  return Table(
      'Depth noise: length of the outline over that of the smoothed outline,'
      ' share of holes inside, and mean difference from the median around a'
      ' pixel',
      ['images', 'ragged edges', 'holes, %', 'roughness, mm'],
      lines,
  )


def _by_head_yaw(results: Mapping[str, Any]) -> Table:
  return of_groups(results, 'by_head_yaw_deg', 'head yaw in degrees')


def make_tables(results: Mapping[str, Any]) -> dict[str, Table]:
  """Return the tables of the page that have lines, by title."""
  of_gaze = rows_lib.unit_of(results) is estimation_errors.GAZE
  errors = "The paper's Table 2" if of_gaze else 'Errors of joints'
  found = {
      errors: of_errors(results, _network_rows(results)),
      "Joints, the paper's Table 4": of_joints(results),
      'Depth noise': of_depth_noise(results),
      'Refined against unrefined': of_comparisons(results),
      "Other methods, the paper's Table 3": of_methods(results),
      'By head yaw': _by_head_yaw(results),
      'By person': of_groups(results, 'by_subject', 'number of the person'),
  }
  return {title: table for title, table in found.items() if table.lines}


def _format(table: Table, width: int) -> list[str]:
  """Return a table under its caption, or nothing if it has no lines."""
  if not table.lines:
    return []
  return textwrap.wrap(table.caption, 80) + [
      f'{name:<{_NAME_WIDTH}}' + ''.join(f'{cell:>{width}}' for cell in cells)
      for name, *cells in (table.header, *table.lines)
  ]


def format_tables(results: Mapping[str, Any]) -> str:
  """Return tables and sentences for a terminal, the conclusion last."""
  test, unit = results['test'], rows_lib.unit_of(results)
  constant = results['constant_predictor'][f'mean_{unit.name}']
  _, header, lines = of_errors(results, results['rows'])
  within = Table(
      f'% of the {unit.counted} within d ({test["name"]},'
      f' {test["images"]:,} images)',
      header[:2] + header[4:],
      [line[:2] + line[4:] for line in lines],
  )
  errors = Table(
      f'Mean error in {unit.words}, ± over seeds',
      header[:4],
      [line[:4] for line in lines] + [['constant', '', f'{constant:.2f}', '']],
  )
  paragraphs = (
      _format(within, 9),
      _format(errors, 15),
      sentences.quote_paper(results),
      _format(_by_head_yaw(results), 7),
      _format(of_joints(results), 12),
      _format(of_depth_noise(results), 15),
      _format(of_comparisons(results), 15),
      sentences.describe_images(results),
      [sentences.conclude(results)],
  )
  text = '\n\n'.join('\n'.join(lines) for lines in paragraphs if lines)
  return text.replace('±', '+-')  # not every terminal has that character
