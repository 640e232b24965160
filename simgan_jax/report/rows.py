"""The rows of the evaluation, and `eval/metrics.json`, which holds them."""

import itertools
import types
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from simgan_jax.machine import errors, files
from simgan_jax.measures import estimation_errors, units
from simgan_jax.report import comparison


class Row(NamedTuple):
  """Errors of the estimators trained on one data set, on the test set."""

  train_on: str  # 'synthetic', 'matched', 'refined', 'samples' or 'real'
  scale: int  # multiple of the base number of images, 1 or 4
  images: int  # training images
  # seed -> [n], or [n, k] for points; NaN where a label is unknown
  errors: Mapping[int, np.ndarray]
  augmented: bool = False  # images changed at random while training
  method: str = 'cnn'  # or one of Table 3's other methods
  # seed -> further numbers and arrays by their key
  measures: Mapping[int, Mapping[str, Any]] = types.MappingProxyType({})


def by_image(row: Row) -> Float[np.ndarray, 'n']:
  """Return each test image's error, the mean over seeds and joints."""
  found = np.mean(list(row.errors.values()), axis=0)
  return np.nanmean(found.reshape(len(found), -1), axis=1)


def unit_of(results: Mapping[str, Any]) -> units.ErrorUnit:
  """Return how the errors in `eval/metrics.json` are counted."""
  if results['task'] == 'regression' and len(results['labels']) > 1:
    return units.REGRESSION_OF_SEVERAL
  return units.BY_TASK[results['task']]


def label(row: Mapping[str, Any]) -> str:
  """Return the name of a row in `eval/metrics.json`: 'refined 4x augmented'."""
  scale = '' if row['scale'] == 1 else f' {row["scale"]}x'
  augmented = ' augmented' if row['augmented'] else ''
  method = '' if row['method'] == 'cnn' else f', {row["method"]}'
  return f'{row["train_on"]}{scale}{augmented}{method}'


def label_pair(pair: Mapping[str, Any]) -> str:
  """Return the name of a comparison there, such as 'refined 4x / matched'."""
  return f'{label({"train_on": "refined", **pair})} / {pair["against"]}'


def _spread(values: Sequence[float]) -> dict[str, float]:
  return {
      'mean': float(np.mean(values)),
      'std': float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
  }


def _describe(
    row: Row,
    groups: Mapping[str, Shaped[np.ndarray, 'n']],
    unit: units.ErrorUnit,
) -> dict[str, Any]:
  """Return a row as `eval/metrics.json` has it."""
  by_seed = row.errors.values()
  found = [estimation_errors.summarize(values, unit) for values in by_seed]
  name = unit.name
  described: dict[str, Any] = {
      'train_on': row.train_on,
      'scale': row.scale,
      'augmented': row.augmented,
      'method': row.method,
      'images': row.images,
      'seeds': list(row.errors),
      f'mean_{name}': _spread([summary.mean for summary in found]),
      f'median_{name}': float(np.mean([s.median for s in found])),
      f'within_{name}': {
          str(d): float(np.mean([s.within[d] for s in found]))
          for d in unit.thresholds
      },
  }
  if unit is units.HANDS:
    # A frame is as good as its worst joint.
    worst = [values.max(axis=1) for values in by_seed]
    described[f'frames_within_{name}'] = {
        str(d): float(np.mean([np.mean(w <= d) * 100 for w in worst]))
        for d in unit.thresholds
    }
  for key in next(iter(row.measures.values()), {}):
    values = [measures[key] for measures in row.measures.values()]
    is_number = isinstance(values[0], float)
    described[key] = (
        _spread(values) if is_number else np.mean(values, axis=0).tolist()
    )
  mean_errors = by_image(row)
  for name, values in groups.items():
    described[f'by_{name}'] = {
        str(value): float(mean_errors[values == value].mean())
        for value in np.unique(values).tolist()
    }
  return described


def _compare(
    rows: Sequence[Row], groups: Shaped[np.ndarray, 'n']
) -> list[dict[str, Any]]:
  """Compare refined with synthetic and matched images, row by row."""

  def kind(row: Row) -> dict[str, Any]:
    names = 'scale', 'augmented', 'method'
    return {name: getattr(row, name) for name in names}

  found = []
  kinds = 'synthetic', 'matched'
  for against, after, before in itertools.product(kinds, rows, rows):
    names = before.train_on, after.train_on
    if names == (against, 'refined') and kind(before) == kind(after):
      result = comparison.paired_bootstrap(
          by_image(before), by_image(after), groups
      )
      found.append({'against': against, **kind(after), **result._asdict()})
  return found


def build(
    rows: Sequence[Row],
    *,
    test_name: str,
    constant_errors: Float[np.ndarray, 'n *k'],
    groups: Mapping[str, Shaped[np.ndarray, 'n']] | None = None,
    group: str = 'subject',
    unit: units.ErrorUnit = units.GAZE,
    labels: Sequence[str] = (),
) -> dict[str, Any]:
  """Return the contents of `eval/metrics.json`.

  Median and percentages are means over the seeds; `std` is the sample standard
  deviation of the seeds' mean errors, 0 for a single seed. Errors by group and
  comparisons use the mean error of an image over the seeds.

  Args:
    rows: Rows in the order in which they are shown, with a seed or more each.
    test_name: Name of the test set.
    constant_errors: Errors of the constant predictor on it, [n] or [n, k].
    groups: name -> [n], a property of every test image.
    group: The property whose values the bootstrap draws, such as 'subject';
      images are drawn where `groups` has none of this name.
    unit: Unit of the errors.
    labels: Names of classes, columns or points.

  Raises:
    InputError: If an error is not finite, or there is none.
  """
  groups = groups or {}
  constant = estimation_errors.summarize(constant_errors, unit)
  results: dict[str, Any] = {
      'task': unit.task,
      'test': {'name': test_name, 'images': len(constant_errors)},
      'constant_predictor': {f'mean_{unit.name}': constant.mean},
      'rows': [_describe(row, groups, unit) for row in rows],
  }
  if labels:
    results['labels'] = list(labels)
  images = np.arange(len(constant_errors))
  if found := _compare(rows, groups.get(group, images)):
    results['comparisons'] = found
    results['drawn'] = group if group in groups else 'image'
  return results


def read(path: str) -> dict[str, Any] | None:
  """Return what is in `eval/metrics.json`, None if there is no file.

  Raises:
    InputError: If the file is not JSON.
  """
  try:
    return files.read_json(path)
  except ValueError as error:
    raise errors.InputError(
        f'{path} is not JSON ({error}); delete it and run eval.py again.'
    ) from error
