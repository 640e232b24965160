"""What a finished variant left in its folder."""

import os
import statistics
from typing import Any, NamedTuple

import numpy as np

from simgan_jax.machine import files
from simgan_jax.report import metrics_file
from simgan_jax.report import rows as rows_lib
from simgan_jax.settings import stored
from simgan_jax.studies.ablation.variants import Variant

_RECORD, _IMAGES = 'ablation.json', 'images.npz'


class Result(NamedTuple):
  """A finished variant."""

  variant: Variant
  record: dict[str, Any]  # device, date, times, change; 'diverged' if it did
  evaluation: dict[str, Any]  # eval/metrics.json; empty if it diverged
  images: dict[str, np.ndarray]  # 'synthetic', 'refined', 'real'; or empty


def write(
    folder: str, record: dict[str, Any], images: dict[str, np.ndarray]
) -> None:
  """Write what only the ablation needs; then the variant is finished.

  Arguments are those of `Result`; `rounds` of the record is how many were run.
  """
  path = os.path.join(folder, _IMAGES)
  np.savez_compressed(path, allow_pickle=False, **images)
  files.write_json(os.path.join(folder, _RECORD), record)


def read(variant: Variant, folder: str) -> Result | None:
  """Return the result in `folder`, None if these settings are not finished."""
  record = files.read_json(os.path.join(folder, _RECORD))
  # A run for more rounds may have been stopped.
  if not record or record['rounds'] != variant.config.num_rounds:
    return None
  config = stored.read_run(folder)
  if stored.to_json(config) != stored.to_json(variant.config):
    return None
  evaluation = rows_lib.read(os.path.join(folder, 'eval', 'metrics.json'))
  with np.load(os.path.join(folder, _IMAGES)) as file:
    images = dict(file)
  return Result(variant, record, evaluation or {}, images)


def seconds_per_round(folder: str) -> float | None:
  """Return the median time of a round, None when too few were logged.

  The first row is left out, because its time includes compiling.
  """
  rows = metrics_file.read_metrics(folder)[1:]
  speeds = [row['perf/rounds_per_second'] for row in rows]
  return 1 / statistics.median(speeds) if speeds else None


def find_row(
    evaluation: dict[str, Any], train_on: str, *, augmented: bool
) -> dict[str, Any] | None:
  """Return the network's row at the largest scale, None if there is none."""
  found = [
      row
      for row in evaluation['rows']
      if (row['train_on'], row['augmented']) == (train_on, augmented)
      and row['method'] == 'cnn'
  ]
  return max(found, key=lambda row: row['scale']) if found else None


def find_ratio(
    evaluation: dict[str, Any], *, augmented: bool
) -> tuple[float, list[float] | None] | None:
  """Return refined / synthetic, and its interval where persons are known."""
  before = find_row(evaluation, 'synthetic', augmented=augmented)
  after = find_row(evaluation, 'refined', augmented=augmented)
  if before is None or after is None:
    return None
  same = 'scale', 'augmented', 'method'
  intervals = [
      pair['ratio_interval']
      for pair in evaluation.get('comparisons', [])
      if pair['against'] == 'synthetic'
      and all(pair[name] == after[name] for name in same)
  ]
  ratio = after['mean_deg']['mean'] / before['mean_deg']['mean']
  return ratio, intervals[0] if intervals else None
