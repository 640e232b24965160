"""The tables of `report.html` and of the terminal, from `eval/metrics.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from simgan_jax.measures import depth_noise, units
from simgan_jax.report import by_label
from simgan_jax.report import rows as rows_lib
from simgan_jax.report.table import (
    MOST_COLUMNS,
    Table,
    by_number,
    largest,
    mean_of,
    network_rows,
    number,
)

_OF_PERSONS = 'gaze', 'hands'  # tasks whose subjects are persons


def of_errors(
    results: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> Table:
  """Return Table 2: errors and measures of some rows of the results.

  The last columns are the percentages within the unit's thresholds. Where a
  headline says the same as the mean error, that is left out.
  """
  unit = rows_lib.unit_of(results)
  columns = {
      m.key: f'{m.words}{m.unit and ", "}{m.unit}' for m in unit.measures
  }
  what = f', {unit.name}' if unit.thresholds else ' error'
  if not unit.headline:
    columns = {f'mean_{unit.name}': f'mean{what}'} | columns
  lines = []
  for row in rows:
    cells = [mean_of(row, key) for key in columns]
    if not unit.headline:
      cells.append(f'{row[f"median_{unit.name}"]:.2f}')
    cells += [
        f'{percent:.1f}' for percent in row[f'within_{unit.name}'].values()
    ]
    lines.append([rows_lib.label(row), f'{row["images"]:,}', *cells])
  header = ['trained on', 'images', *columns.values()]
  header += [] if unit.headline else [f'median{what}']
  header += [f'{limit} {unit.name}' for limit in unit.thresholds]
  caption = 'Means over seeds'
  if unit.thresholds:
    caption = f'Mean error over seeds, and % of {unit.counted} within a limit'
  return Table(caption, header, lines)


def _name_groups(results: Mapping[str, Any]) -> tuple[str, str]:
  """Return what a group of test images is called, and several of them."""
  drawn = results.get('drawn', 'subject')
  if drawn == 'subject' and results['task'] in _OF_PERSONS:
    return 'person', 'persons'
  words = {'subject': 'subjects', 'image': 'images'}
  return drawn, words.get(drawn, f'groups by {drawn}')


def of_comparisons(results: Mapping[str, Any]) -> Table:
  """Return refined against unrefined images, a line for each pair of rows."""
  pairs, (_, several) = results.get('comparisons', []), _name_groups(results)
  number = pairs[0]['groups'] if pairs else 0
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
      f' drawing the {number:,} {several} again',
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
      [
          name,
          *(
              mean_of(rows.get(column), f'mean_{unit.name}')
              for column in columns
          ),
      ]
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

  If there is only one group, or very many, there are no lines.

  Args:
    results: Contents of `eval/metrics.json`.
    key: Key of the rows, 'by_head_yaw_deg' or 'by_subject'.
    words: What the groups are, for the caption.
  """
  rows = largest(results, key)
  columns = sorted({x for row in rows for x in row[key]}, key=by_number)
  lines = [
      [rows_lib.label(row), *(number(row[key].get(x), '.2f') for x in columns)]
      for row in rows
      if 1 < len(columns) <= MOST_COLUMNS
  ]
  caption = f'Mean error in {rows_lib.unit_of(results).words} by {words}'
  return Table(caption, ['trained on', *columns], lines)


def of_joints(results: Mapping[str, Any]) -> Table:
  """Return Table 4: frames within limits, and errors in mm; hands only."""
  lines = [
      [
          rows_lib.label(row),
          mean_of(row, 'mean_mm'),
          *(f'{percent:.1f}' for percent in row['frames_within_px'].values()),
      ]
      for row in results['rows']
      if 'mean_mm' in row
  ]
  return Table(
      'Mean error in mm, parallel to the image; % of frames with all joints'
      ' within a limit',
      [
          'trained on',
          'mean, mm',
          *(f'all {limit} px' for limit in units.HANDS.thresholds),
      ],
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


def of_head_yaw(results: Mapping[str, Any]) -> Table:
  """Return mean errors by the yaw of the head; gaze only."""
  return of_groups(results, 'by_head_yaw_deg', 'head yaw in degrees')


def make_tables(results: Mapping[str, Any]) -> dict[str, Table]:
  """Return the tables of the page that have lines, by title."""
  titles = {'gaze': "The paper's Table 2", 'hands': 'Errors of joints'}
  drawn = results.get('drawn', 'subject')
  word, _ = _name_groups(results)
  found = {
      titles.get(results['task'], 'Errors'): of_errors(
          results, network_rows(results)
      ),
      "Joints, the paper's Table 4": of_joints(results),
      'By label': by_label.of_labels(results),
      'Looks or shapes?': by_label.of_shapes(results),
      'Depth noise': of_depth_noise(results),
      'Refined against unrefined': of_comparisons(results),
      "Other methods, the paper's Table 3": of_methods(results),
      'By head yaw': of_head_yaw(results),
      f'By {word}': of_groups(results, f'by_{drawn}', word),
  }
  return {title: table for title, table in found.items() if table.lines}
