"""The results of an evaluation as text for a terminal."""

import textwrap
from collections.abc import Mapping
from typing import Any

from simgan_jax.report import by_label, sentences, table, tables
from simgan_jax.report import rows as rows_lib
from simgan_jax.report.tables import Table

_WIDTH = 80  # characters of a line


def _plain(text: str) -> str:
  return text.replace('±', '+-')  # not every terminal has that character


def _format(table: Table) -> list[str]:
  """Return a table under its caption, or nothing if it has no lines.

  Columns that do not fit into a line follow below, after the names once more.
  """
  if not table.lines:
    return []
  cells = [
      [_plain(cell) for cell in row] for row in (table.header, *table.lines)
  ]
  names, *columns = zip(*cells, strict=True)
  beginning = [f'{name:<{max(map(len, names))}}' for name in names]
  lines, block = textwrap.wrap(table.caption, _WIDTH), beginning
  for column in columns:
    width = max(map(len, column)) + 2
    if len(block[0]) + width > _WIDTH and block is not beginning:
      lines, block = [*lines, *block, ''], beginning
    pairs = zip(block, column, strict=True)
    block = [f'{line}{cell:>{width}}' for line, cell in pairs]
  return lines + block


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
  cells = [table.number(found.get(key), '.2f') for key in keys]
  return ['constant', '', *cells, *([] if unit.headline else [''])]


def format_tables(results: Mapping[str, Any]) -> str:
  """Return tables and sentences, the conclusion last."""
  within, errors = _split_errors(results)
  paragraphs = (
      _format(within),
      _format(errors),
      sentences.quote_paper(results),
      _format(tables.of_head_yaw(results)),
      _format(tables.of_joints(results)),
      _format(by_label.of_labels(results)),
      _format(by_label.of_shapes(results)),
      _format(tables.of_depth_noise(results)),
      _format(tables.of_comparisons(results)),
      sentences.describe_images(results),
      [sentences.conclude(results)],
  )
  return _plain('\n\n'.join('\n'.join(part) for part in paragraphs if part))
