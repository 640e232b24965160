"""The tables of `report.html` out of `eval/metrics.json`, some also printed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from simgan_jax.report import rows as rows_lib


class Table(NamedTuple):
  """Text in lines, all as long as the header; what is unknown is empty."""

  caption: str
  header: list[str]
  lines: list[list[str]]


def method(row: Mapping[str, Any]) -> str:
  """Return the method of a row; files of earlier versions lack the key."""
  return row.get('method', 'cnn')


def _mean(row: Mapping[str, Any] | None, unit: str) -> str:
  """Return a row's mean error, with its spread when there are seeds enough."""
  if row is None:
    return ''
  mean = row[f'mean_{unit}']
  spread = f' ± {mean["std"]:.2f}' if len(row['seeds']) > 1 else ''
  return f'{mean["mean"]:.2f}{spread}'


def errors_of_rows(results: Mapping[str, Any]) -> Table:
  """Return Table 2: every row of the paper's network."""
  rows = [row for row in results['rows'] if method(row) == 'cnn']
  unit = rows_lib.unit_of(results)
  return Table(
      f'Mean error over seeds, and % of {unit.counted} within a limit',
      ['trained on', 'images', f'mean, {unit.name}', f'median, {unit.name}']
      + [f'{limit} {unit.name}' for limit in unit.thresholds],
      [
          [
              rows_lib.label(row),
              f'{row["images"]:,}',
              _mean(row, unit.name),
              f'{row[f"median_{unit.name}"]:.2f}',
              *(
                  f'{percent:.1f}'
                  for percent in row[f'within_{unit.name}'].values()
              ),
          ]
          for row in rows
      ],
  )


def comparisons(results: Mapping[str, Any]) -> Table:
  """Return refined against unrefined, a line a pair of rows."""
  found = results.get('comparisons', [])
  persons = found[0]['subjects'] if found else 0
  return Table(
      'Ratio of mean errors: below 1 refining helped. Interval and p by drawing'
      f' the {persons} persons again',
      ['trained on', 'ratio', '95 % interval', 'p'],
      [
          [
              rows_lib.label_pair(pair),
              f'{pair["ratio"]:.2f}',
              '{:.2f} to {:.2f}'.format(*pair['ratio_interval']),
              f'{pair["p_value"]:.2g}',
          ]
          for pair in found
      ],
  )


def by_method(results: Mapping[str, Any]) -> Table:
  """Return Table 3: a line a method, first the paper's network.

  No lines without other methods. Their training sets are the columns.
  """
  unit = rows_lib.unit_of(results)
  found: dict[str, dict[str, Any]] = {'cnn': {}}
  for row in results['rows']:
    if not row.get('augmented'):
      name = rows_lib.label({**row, 'method': 'cnn'})
      found.setdefault(method(row), {})[name] = row
  network, *others = found.values()
  columns = list(dict.fromkeys(name for rows in others for name in rows))
  columns = [name for name in network if name in columns] or columns
  return Table(
      f'Mean error in {unit.words} over seeds, by method and data set'
      ' trained on',
      ['method', *columns],
      [
          [name, *(_mean(rows.get(column), unit.name) for column in columns)]
          for name, rows in found.items()
          if others
      ],
  )


def by_group(results: Mapping[str, Any], group: str, title: str) -> Table:
  """Return mean errors by group, a line for each row of the largest scale.

  No lines where there is but one group. Rows are those of the paper's network;
  real images have one scale only.

  Args:
    results: contents of `eval/metrics.json`.
    group: key of the rows, 'by_head_yaw_deg' or 'by_subject'.
    title: what the groups are.
  """
  rows = [row for row in results['rows'] if method(row) == 'cnn']
  largest = max((row['scale'] for row in rows), default=1)
  rows = [
      row
      for row in rows
      if group in row and (row['scale'] == largest or row['train_on'] == 'real')
  ]
  columns = sorted({value for row in rows for value in row[group]}, key=int)
  return Table(
      f'Mean error in {rows_lib.unit_of(results).words} by {title}',
      ['trained on', *columns],
      [
          [
              rows_lib.label(row),
              *(
                  f'{row[group][value]:.2f}' if value in row[group] else ''
                  for value in columns
              ),
          ]
          for row in rows
          if len(columns) > 1
      ],
  )


def by_head_yaw(results: Mapping[str, Any]) -> Table:
  """Return mean errors by the head's yaw, see `by_group`."""
  return by_group(results, 'by_head_yaw_deg', 'head yaw in degrees')


def by_person(results: Mapping[str, Any]) -> Table:
  """Return mean errors by the person, see `by_group`."""
  return by_group(results, 'by_subject', 'number of the person')


def of_joints(results: Mapping[str, Any]) -> Table:
  """Return Table 4: joints and whole frames within limits, and lengths in mm.

  No lines but for hands.
  """
  unit = rows_lib.unit_of(results)
  rows = [row for row in results['rows'] if 'mean_mm' in row]
  limits = [f'{limit} {unit.name}' for limit in unit.thresholds]
  return Table(
      'Mean error in mm, parallel to the image; % of frames with all joints'
      ' within a limit',
      ['trained on', 'mean, mm', *(f'all {limit}' for limit in limits)],
      [
          [
              rows_lib.label(row),
              _mean(row, 'mm'),
              *(f'{v:.1f}' for v in row['frames_within_px'].values()),
          ]
          for row in rows
      ],
  )


def depth_noise(results: Mapping[str, Any]) -> Table:
  """Return what a depth sensor does to hands; no lines but for hands."""
  found = results.get('depth_noise', {})

  def show(value: float | None, form: str) -> str:
    return '' if value is None else format(value, form)

  return Table(
      'Depth noise: length of the outline over that of it smoothed, share of'
      ' holes inside, and mean difference from the median around a pixel',
      ['images', 'ragged edges', 'holes, %', 'roughness, mm'],
      [
          [
              name,
              show(noise['edge_raggedness'], '.2f'),
              show(noise['hole_percent'], '.1f'),
              show(noise['roughness_mm'], '.2f'),
          ]
          for name, noise in found.items()
      ],
  )
