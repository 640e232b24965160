"""A table of results, and what tables have in common."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

MOST_COLUMNS = 40  # groups or classes of a table


class Table(NamedTuple):
  """Lines of text, each as long as the header; '' where nothing is known."""

  caption: str
  header: list[str]
  lines: list[list[str]]


def network_rows(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
  """Return the rows of the paper's network."""
  return [row for row in results['rows'] if row['method'] == 'cnn']


def number(value: float | None, form: str) -> str:
  """Return a number as text, '' for None."""
  return '' if value is None else format(value, form)


def mean_of(row: Mapping[str, Any] | None, key: str) -> str:
  """Return a row's number, with its spread if there are several seeds."""
  if row is None or key not in row:
    return ''
  mean = row[key]
  spread = f' ± {mean["std"]:.2f}' if len(row['seeds']) > 1 else ''
  return f'{mean["mean"]:.2f}{spread}'


def by_number(name: str) -> tuple[float, str]:
  """Return a key that sorts numbers by size, other names after them."""
  try:
    return float(name), ''
  except ValueError:
    return math.inf, name


def largest(results: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
  """Return the network's rows of the largest scale that have a key.

  Real images have one scale only.
  """
  rows = network_rows(results)
  largest = max((row['scale'] for row in rows), default=1)
  return [
      row
      for row in rows
      if key in row and (row['scale'] == largest or row['train_on'] == 'real')
  ]
