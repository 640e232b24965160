"""What the labels of a folder hold, by column or key."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simgan_jax.data import labels, tables

_LOOKED_AT = 1_000  # rows of a table, JSON files, items of a list


def collect(
    found: Iterable[tables.Table],
    json_files: Iterable[Path],
    *,
    most: int | None = _LOOKED_AT,
) -> Mapping[str, list[Any]]:
  """Return values of every column but the files', and of keys at any depth.

  Of each table `most` rows are looked at, and `most` JSON files; None means all
  of them.
  """
  values: dict[str, list[Any]] = {}
  for table in found:
    for row in table.rows[:most]:
      for column, value in row.cells.items():
        if column and column != table.file_column:
          values.setdefault(column, []).append(value)
  for file in itertools.islice(json_files, most):
    try:
      gather(labels.read_json(file), values)
    except (OSError, RecursionError, ValueError):
      continue  # reading the image reports it
  return values


def gather(value: Any, values: dict[str, list[Any]]) -> None:
  """Add what an object holds, at any depth, to the values of its keys.

  Args:
    value: What was read from a JSON file.
    values: Values by key, as `tables.normalize` writes it; they are added to.
  """
  if isinstance(value, list):
    for item in value[:_LOOKED_AT]:
      gather(item, values)
  elif isinstance(value, dict):
    for key, item in value.items():
      if not isinstance(item, dict):
        values.setdefault(tables.normalize(key), []).append(item)
      gather(item, values)
