"""Rows of the evaluation and `eval/metrics.json`, which holds them."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from simgan_jax.machine import errors, files
from simgan_jax.measures import estimation_errors
from simgan_jax.report import comparison


class Row(NamedTuple):
  """What the estimators trained on one data set did on the test set."""

  train_on: str  # 'synthetic', 'matched', 'refined' or 'real'
  scale: int  # multiple of the base number of images, 1 or 4
  images: int  # training images
  errors: Mapping[int, np.ndarray]  # seed -> [n], or [n, k] of joints
  augmented: bool = False  # images changed at random while training
  method: str = 'cnn'  # or one of Table 3's other methods
  errors_mm: Mapping[int, np.ndarray] | None = None  # the same in mm


def by_image(row: Row) -> Float[np.ndarray, 'n']:
  """Return each test image's error, the mean over seeds and joints."""
  found = np.mean(list(row.errors.values()), axis=0)
  return found.reshape(len(found), -1).mean(axis=1)


def unit_of(results: Mapping[str, Any]) -> estimation_errors.ErrorUnit:
  """Return the unit of the errors in `eval/metrics.json`."""
  return estimation_errors.UNITS[results['task']]


def label(row: Mapping[str, Any]) -> str:
  """Return the name of a described row, for example 'refined 4x augmented'."""
  name = row['train_on']
  if row['scale'] != 1:
    name += f' {row["scale"]}x'
  # Files of earlier versions have neither key.
  if row.get('augmented'):
    name += ' augmented'
  method = row.get('method', 'cnn')
  return name if method == 'cnn' else f'{name}, {method}'


def label_pair(pair: Mapping[str, Any]) -> str:
  """Return the name of a comparison, for example 'refined 4x / matched'."""
  # Files of earlier versions compare with synthetic only.
  against = pair.get('against', 'synthetic')
  return f'{label({"train_on": "refined", **pair})} / {against}'


def _group_means(
    row: Row, groups: Mapping[str, Int[np.ndarray, 'n']]
) -> dict[str, dict[str, float]]:
  """Return {'by_<group>': {value: mean error over its images and seeds}}."""
  errors_of_images = by_image(row)
  return {
      f'by_{name}': {
          str(value): float(errors_of_images[values == value].mean())
          for value in np.unique(values).tolist()
      }
      for name, values in groups.items()
  }


def _spread(values: Sequence[float]) -> dict[str, float]:
  return {
      'mean': float(np.mean(values)),
      'std': float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
  }


def _describe(
    row: Row,
    groups: Mapping[str, Int[np.ndarray, 'n']],
    unit: estimation_errors.ErrorUnit,
) -> dict[str, Any]:
  found = [
      estimation_errors.summarize(values, unit)
      for values in row.errors.values()
  ]
  described: dict[str, Any] = {
      'train_on': row.train_on,
      'scale': row.scale,
      'augmented': row.augmented,
      'method': row.method,
      'images': row.images,
      'seeds': list(row.errors),
      f'mean_{unit.name}': _spread([summary.mean for summary in found]),
      f'median_{unit.name}': float(np.mean([s.median for s in found])),
      f'within_{unit.name}': {
          str(d): float(np.mean([s.within[d] for s in found]))
          for d in unit.thresholds
      },
  }
  if unit is estimation_errors.HANDS:
    # A frame is as good as its worst joint.
    worst = [values.max(axis=1) for values in row.errors.values()]
    described[f'frames_within_{unit.name}'] = {
        str(d): float(np.mean([np.mean(w <= d) * 100 for w in worst]))
        for d in unit.thresholds
    }
  if row.errors_mm is not None:
    means = [float(np.mean(values)) for values in row.errors_mm.values()]
    described['mean_mm'] = _spread(means)
  return described | _group_means(row, groups)


def _compare(
    rows: Sequence[Row], subjects: Int[np.ndarray, 'n']
) -> list[dict[str, Any]]:
  """Return refined against synthetic and matched, where there are both rows."""

  def kind(row: Row):
    return row.scale, row.augmented, row.method

  found = []
  for against, before, after in (
      (name, before, after)
      for name in ('synthetic', 'matched')
      for after in rows
      for before in rows
      if kind(before) == kind(after)
      and (before.train_on, after.train_on) == (name, 'refined')
  ):
    result = comparison.paired_bootstrap(
        by_image(before), by_image(after), subjects
    )
    found.append(
        {
            'against': against,
            'scale': after.scale,
            'augmented': after.augmented,
            'method': after.method,
            **result._asdict(),
        }
    )
  return found


def build(
    rows: Sequence[Row],
    *,
    test_name: str,
    constant_errors: Float[np.ndarray, 'n *k'],
    groups: Mapping[str, Int[np.ndarray, 'n']] | None = None,
    unit: estimation_errors.ErrorUnit = estimation_errors.GAZE,
) -> dict[str, Any]:
  """Return the contents of `eval/metrics.json`.

  Median and percentages are means over the seeds; `std` is the sample standard
  deviation of the seeds' mean errors, 0 for a single seed. Errors by group and
  comparisons are of the means over the seeds.

  Args:
    rows: in the order in which they are shown, each with a seed or more.
    test_name: name of the test set.
    constant_errors: [n] or [n, k] errors of the constant predictor on it.
    groups: name -> [n], a property of every test image; with 'subject' refined
      rows are compared with synthetic and matched ones by a bootstrap over the
      persons.
    unit: Unit of the errors.

  Raises:
    InputError: when an error is not finite, or there is none.
  """
  groups = groups or {}
  constant = estimation_errors.summarize(constant_errors, unit)
  results = {
      'task': unit.task,
      'test': {'name': test_name, 'images': len(constant_errors)},
      'constant_predictor': {f'mean_{unit.name}': constant.mean},
      'rows': [_describe(row, groups, unit) for row in rows],
  }
  if 'subject' in groups:
    results['comparisons'] = _compare(rows, groups['subject'])
  return results


def write(path: str, results: dict[str, Any]) -> None:
  """Write results as strict JSON; an interrupted write leaves the old file."""
  text = json.dumps(results, indent=2, allow_nan=False)
  files.write_text(path, text + '\n')


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
