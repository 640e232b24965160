"""Rows of the evaluation and `eval/metrics.json`, which holds them."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax import errors, records
from simgan_jax.evaluation import metrics


class Row(NamedTuple):
  """What the estimators trained on one data set did on the test set."""

  train_on: str  # 'synthetic', 'refined' or 'real'
  scale: int  # multiple of the base number of images, 1 or 4
  images: int  # training images
  angles_deg: Mapping[int, np.ndarray]  # seed -> [n] angular errors


def label(train_on: str, scale: int) -> str:
  """Return the name of a row as in Table 2, for example 'refined 4x'."""
  return train_on if scale == 1 else f'{train_on} {scale}x'


def _describe(row: Row) -> dict[str, Any]:
  found = [metrics.summarize(angles) for angles in row.angles_deg.values()]
  means = [summary.mean_deg for summary in found]
  return {
      'train_on': row.train_on,
      'scale': row.scale,
      'images': row.images,
      'seeds': list(row.angles_deg),
      'mean_deg': {
          'mean': float(np.mean(means)),
          'std': float(np.std(means, ddof=1)) if len(means) > 1 else 0.0,
      },
      'median_deg': float(np.mean([s.median_deg for s in found])),
      'within_deg': {
          str(d): float(np.mean([s.within_deg[d] for s in found]))
          for d in metrics.THRESHOLDS_DEG
      },
  }


def build(
    rows: Sequence[Row],
    *,
    test_name: str,
    constant_angles_deg: Float[np.ndarray, 'n'],
) -> dict[str, Any]:
  """Return the contents of `eval/metrics.json`.

  Median and percentages are means over the seeds; `std` is the sample standard
  deviation of the seeds' mean errors, 0 for a single seed.

  Args:
    rows: in the order in which they are shown, each with a seed or more.
    test_name: name of the test set.
    constant_angles_deg: [n] errors of the constant predictor on it, degrees.

  Raises:
    InputError: when an error is not finite, or there is none.
  """
  constant = metrics.summarize(constant_angles_deg)
  return {
      'task': 'gaze',
      'test': {'name': test_name, 'images': len(constant_angles_deg)},
      'constant_predictor': {'mean_deg': constant.mean_deg},
      'rows': [_describe(row) for row in rows],
  }


def write(path: str, results: dict[str, Any]) -> None:
  """Write results as strict JSON; an interrupted write leaves the old file."""
  text = json.dumps(results, indent=2, allow_nan=False)
  records.write_text(path, text + '\n')


def read(path: str) -> dict[str, Any] | None:
  """Return what `write` wrote, or None when there is no file.

  Raises:
    InputError: when the file is not JSON.
  """
  if not os.path.exists(path):
    return None
  try:
    with open(path, encoding='utf-8') as file:
      return json.load(file)
  except ValueError as error:
    raise errors.InputError(
        f'{path} is not JSON ({error}); delete it and run eval.py again.'
    ) from error
