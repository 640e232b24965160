"""The results of an evaluation as text for a terminal."""

import textwrap
from collections.abc import Mapping
from typing import Any

from simgan_jax.report import rows as rows_lib
from simgan_jax.report import sentences, tables
from simgan_jax.report.tables import Table

_NAME_WIDTH = 33  # characters of a row's name


def _format(table: Table, width: int) -> list[str]:
  """Return a table under its caption, or nothing if it has no lines."""
  if not table.lines:
    return []
  return textwrap.wrap(table.caption, 80) + [
      f'{name:<{_NAME_WIDTH}}' + ''.join(f'{cell:>{width}}' for cell in cells)
      for name, *cells in (table.header, *table.lines)
  ]


def _split_errors(results: Mapping[str, Any]) -> tuple[Table, Table]:
  """Return the table of errors as two that fit: within limits, and means."""
  test, unit = results['test'], rows_lib.unit_of(results)
  _, header, lines = tables.of_errors(results, results['rows'])
  first = len(header) - len(unit.thresholds)
  of_test = f'({test["name"]}, {test["images"]:,} images)'
  within = Table(
      f'% of the {unit.counted} within d {of_test}',
      header[:2] + header[first:],
      [line[:2] + line[first:] for line in lines if unit.thresholds],
  )
  caption = f'Mean error in {unit.words}, ± over seeds'
  if unit.headline:
    caption = 'Means over seeds, ± their spread'
  return within, Table(
      caption if unit.thresholds else f'{caption} {of_test}',
      header[:first],
      [line[:first] for line in lines] + [_constant(results)],
  )


def _constant(results: Mapping[str, Any]) -> list[str]:
  """Return the line of the constant predictor."""
  unit = rows_lib.unit_of(results)
  keys = [measure.key for measure in unit.measures]
  if not unit.headline:
    keys = [f'mean_{unit.name}', *keys]
  found = results['constant_predictor']
  cells = [tables.number(found.get(key), '.2f') for key in keys]
  return ['constant', '', *cells, *([] if unit.headline else [''])]


def format_tables(results: Mapping[str, Any]) -> str:
  """Return tables and sentences, the conclusion last."""
  within, errors = _split_errors(results)
  paragraphs = (
      _format(within, 9),
      _format(errors, 15),
      sentences.quote_paper(results),
      _format(tables.of_head_yaw(results), 7),
      _format(tables.of_joints(results), 12),
      _format(tables.of_labels(results), 7),
      _format(tables.of_depth_noise(results), 15),
      _format(tables.of_comparisons(results), 15),
      sentences.describe_images(results),
      [sentences.conclude(results)],
  )
  text = '\n\n'.join('\n'.join(lines) for lines in paragraphs if lines)
  return text.replace('±', '+-')  # not every terminal has that character
