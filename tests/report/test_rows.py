"""`eval/metrics.json`: the contract, and how it is written."""

import json

import numpy as np
import pytest

from simgan_jax.machine import errors, files
from simgan_jax.report import rows as rows_lib


def _build(*rows):
  return rows_lib.build(
      rows, test_name='test', constant_errors=np.array([10.0, 14.0])
  )


def test_contract():
  angles = {3: np.array([4.0, 8.0]), 5: np.array([6.0, 14.0])}
  assert _build(rows_lib.Row('refined', 4, 8_000, angles)) == {
      'task': 'gaze',
      'test': {'name': 'test', 'images': 2},
      'constant_predictor': {'mean_deg': 12.0},
      'rows': [
          {
              'train_on': 'refined',
              'scale': 4,
              'augmented': False,
              'method': 'cnn',
              'images': 8_000,
              'seeds': [3, 5],
              'mean_deg': {'mean': 8.0, 'std': pytest.approx(8**0.5)},
              'median_deg': 8.0,
              'within_deg': {'5': 25.0, '7': 50.0, '10': 75.0, '13': 75.0},
          }
      ],
  }


def test_one_seed_has_no_spread():
  results = _build(rows_lib.Row('real', 1, 5, {0: np.array([4.0, 8.0])}))
  assert results['rows'][0]['mean_deg'] == {'mean': 6.0, 'std': 0.0}


def test_errors_by_group_and_comparison_of_like_with_like():
  subjects = np.array([25, 25, 26, 26])
  before, after = np.array([8.0, 10, 12, 14]), np.array([4.0, 6, 12, 14])
  results = rows_lib.build(
      [
          rows_lib.Row('synthetic', 1, 5, {0: before - 1, 1: before + 1}),
          rows_lib.Row('synthetic', 4, 20, {0: 2 * before}),
          rows_lib.Row('matched', 1, 5, {0: 2 * after}),
          rows_lib.Row('refined', 1, 5, {0: after}),
          rows_lib.Row('refined', 1, 5, {0: after}, augmented=True),
          rows_lib.Row('refined', 1, 5, {0: after}, method='knn'),
      ],
      test_name='test',
      constant_errors=before,
      groups={'subject': subjects, 'head_yaw_deg': np.array([0, -30, 0, -30])},
  )
  assert results['rows'][0]['by_subject'] == {'25': 9.0, '26': 13.0}
  assert results['rows'][0]['by_head_yaw_deg'] == {'-30': 12.0, '0': 10.0}
  pair, with_matched = results['comparisons']
  assert (pair['against'], with_matched['against']) == ('synthetic', 'matched')
  assert with_matched['ratio'] == pytest.approx(0.5)
  assert rows_lib.label_pair(with_matched) == 'refined / matched'
  assert (pair['scale'], pair['augmented'], pair['method']) == (1, False, 'cnn')
  assert pair['ratio'] == pytest.approx(36 / 44)
  json.dumps(results, allow_nan=False)


def test_labels():
  def label(*arguments, **options):
    row = rows_lib.Row(*arguments, 1, {}, **options)
    return rows_lib.label(row._asdict())

  assert label('refined', 1) == 'refined'
  assert label('refined', 4, augmented=True) == 'refined 4x augmented'
  assert label('synthetic', 4, method='knn') == 'synthetic 4x, knn'


def test_written_and_read_again(tmp_path):
  path = str(tmp_path / 'eval' / 'metrics.json')
  assert rows_lib.read(path) is None
  results = _build(rows_lib.Row('real', 1, 5, {0: np.array([4.0, 8.0])}))
  files.write_json(path, results)
  assert rows_lib.read(path) == results
  assert [file.name for file in (tmp_path / 'eval').iterdir()] == [
      'metrics.json'
  ]


def test_not_a_number_is_never_written(tmp_path):
  path = tmp_path / 'metrics.json'
  files.write_json(str(path), {'value': 1.0})
  with pytest.raises(ValueError, match='JSON'):
    files.write_json(str(path), {'value': float('nan')})
  assert json.loads(path.read_text()) == {'value': 1.0}


def test_a_broken_file_is_named(tmp_path):
  path = tmp_path / 'metrics.json'
  path.write_text('{"task":')
  with pytest.raises(errors.InputError, match='metrics.json is not JSON'):
    rows_lib.read(str(path))
