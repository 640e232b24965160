"""The rows of the evaluation, and `eval/metrics.json`, which holds them."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from simgan_jax.machine import errors, files
from simgan_jax.measures import estimation_errors
from simgan_jax.report import comparison


class Row(NamedTuple):
  """Errors of the estimators trained on one data set, on the test set."""

  train_on: str  # 'synthetic', 'matched', 'refined' or 'real'
  scale: int  # multiple of the base number of images, 1 or 4
  images: int  # training images
  errors: Mapping[int, np.ndarray]  # seed -> [n], or [n, k] for joints
  augmented: bool = False  # images changed at random while training
  method: str = 'cnn'  # or one of Table 3's other methods
  errors_mm: Mapping[int, np.ndarray] | None = None  # for hands only


def by_image(row: Row) -> Float[np.ndarray, 'n']:
  """Return each test image's error, the mean over seeds and joints."""
  found = np.mean(list(row.errors.values()), axis=0)
  return found.reshape(len(found), -1).mean(axis=1)


def unit_of(results: Mapping[str, Any]) -> estimation_errors.ErrorUnit:
  """Return how the errors in `eval/metrics.json` are counted."""
  return estimation_errors.UNITS[results['task']]


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
    groups: Mapping[str, Int[np.ndarray, 'n']],
    unit: estimation_errors.ErrorUnit,
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
  if unit is estimation_errors.HANDS:
    # A frame is as good as its worst joint.
    worst = [values.max(axis=1) for values in by_seed]
    described[f'frames_within_{name}'] = {
        str(d): float(np.mean([np.mean(w <= d) * 100 for w in worst]))
        for d in unit.thresholds
    }
  if row.errors_mm is not None:
    means = [float(np.mean(values)) for values in row.errors_mm.values()]
    described['mean_mm'] = _spread(means)
  mean_errors = by_image(row)
  for name, values in groups.items():
    described[f'by_{name}'] = {
        str(value): float(mean_errors[values == value].mean())
        for value in np.unique(values).tolist()
    }
  return described


def _compare(
    rows: Sequence[Row], subjects: Int[np.ndarray, 'n']
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
          by_image(before), by_image(after), subjects
      )
      found.append({'against': against, **kind(after), **result._asdict()})
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
  comparisons use the mean error of an image over the seeds.

  Args:
    rows: Rows in the order in which they are shown, with a seed or more each.
    test_name: Name of the test set.
    constant_errors: Errors of the constant predictor on it, [n] or [n, k].
    groups: name -> [n], a property of every test image. With 'subject', a
      bootstrap over the persons compares refined rows with synthetic and
      matched ones.
    unit: Unit of the errors.

  Raises:
    InputError: If an error is not finite, or there is none.
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
