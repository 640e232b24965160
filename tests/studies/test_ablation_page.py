"""The page of an ablation: every number in its place, none of the machine."""

import json

import numpy as np
import pytest
from PIL import Image

from simgan_jax.report import sheets
from simgan_jax.settings import config as config_lib
from simgan_jax.studies.ablation import page, results
from simgan_jax.studies.ablation import variants as variants_lib
from simgan_jax.training import workdir


def _images(channels):
  rng = np.random.default_rng(channels)
  shape = (8, 35, 55, channels)
  return {
      kind: rng.integers(0, 256, shape, dtype=np.uint8)
      for kind in ('synthetic', 'refined', 'real')
  }


def _row(train_on, mean, augmented=False):
  return {
      'train_on': train_on,
      'scale': 4,
      'augmented': augmented,
      'method': 'cnn',
      'images': 8_000,
      'seeds': [0],
      'mean_deg': {'mean': mean, 'std': 0.0},
  }


def _evaluation(refined):
  distances = {'mean_px': 1.25}
  return {
      'test': {'name': 'columbia_gaze 25-32', 'images': 1_678},
      'rows': [
          *(_row('synthetic', 10.0), _row('refined', refined)),
          *(_row('real', 7.0), _row('refined', 9.5, augmented=True)),
          _row('synthetic', 9.6, augmented=True),
      ],
      'comparisons': [
          {
              'against': 'synthetic',
              'scale': 4,
              'augmented': False,
              'method': 'cnn',
              'ratio_interval': [0.81, 0.92],
          }
      ],
      'realism': {
          kind: {
              'accuracy': accuracy,
              'standard_error': 1.5,
              'kernel_distance': {'value': 0.123},
          }
          for kind, accuracy in (('synthetic', 99.0), ('refined', 75.5))
      },
      'label_preservation': {
          'iris_shift': {
              'all_pairs': distances,
              'error_before': {'mean_px': 0.31},
          }
      },
  }


def _result(variant, refined, channels=1, **record):
  record = {
      'rounds': 1_000,
      'change_percent': 4.2,
      'seconds_per_round': 1.5,
      'wall_seconds': 600.0,
      'device': '2 x cpu',
      'date': '2026-01-02',
  } | record
  return results.Result(
      variant, record, _evaluation(refined), _images(channels)
  )


@pytest.fixture
def variants():
  config = config_lib.Config()
  config.data.synthetic.path = '/home/somebody/unityeyes'
  return variants_lib.make_variants(config)


@pytest.fixture
def rendered(variants, tmp_path):
  diverged = results.Result(
      variants['lambda_x0.1'],
      {
          'rounds': 1_000,
          'wall_seconds': 5.0,
          'date': '2026-01-03',
          'diverged': 'round 7: refiner/loss is not finite',
      },
      {},
      {},
  )
  page.render(
      str(tmp_path / 'ablations.md'),
      [
          _result(variants['base'], 8.5),
          _result(variants['history_off'], 9.0, seconds_per_round=None),
          diverged,
          _result(variants['psi_gradients'], 9.25),
          _result(variants['colour'], 8.0, channels=3),
      ],
      missing=['lambda_x10'],
      command='python -m simgan_jax.studies.ablation --config=configs/eyes.py',
  )
  return tmp_path


def _cells(text, name):
  (line,) = (
      line
      for line in text.splitlines()
      if line.startswith((f'| {name} |', f'| **{name}** |'))
  )
  return [cell.strip() for cell in line.strip('|').split('|')]


def test_a_row_has_its_numbers(rendered):
  text = (rendered / 'ablations.md').read_text()
  assert _cells(text, 'history_off') == [
      *('**history_off**', 'no history of refined images: `history_size=0`'),
      *('9.00', '0.90 (0.81-0.92)', '9.50', '0.99', '75.5 +- 1.5', '0.123'),
      *('1.25', '4.2', ''),
  ]
  assert _cells(text, 'base')[2] == '8.50'
  assert 'diverged, round 7' in _cells(text, 'lambda_x0.1')[2]
  header = _cells(text, 'variant')
  assert {len(_cells(text, name)) for name in ('base', 'lambda_x0.1')} == {
      len(header)
  }


def test_columns_without_a_number_are_left_out(variants, tmp_path):
  result = _result(variants['base'], 8.5)
  rows = [r for r in result.evaluation['rows'] if not r['augmented']]
  result.evaluation['rows'] = rows
  page.render(str(tmp_path / 'page.md'), [result], missing=[], command='python')
  text = (tmp_path / 'page.md').read_text()
  assert 'augmented' not in _cells(text, 'variant')
  assert len(_cells(text, 'base')) == len(_cells(text, 'variant')) == 9


def test_rows_that_hold_for_all_stand_once_for_each_kind_of_images(rendered):
  lines = (rendered / 'ablations.md').read_text().splitlines()
  synthetic = [line for line in lines if line.startswith('| synthetic |')]
  assert len(synthetic) == 2
  assert 'grey images, not refined | 10.00 |' in synthetic[0]
  assert '99.0 +- 1.5' in synthetic[0]
  assert 'colour images' in synthetic[1]
  assert sum(line.startswith('| real |') for line in lines) == 2


def test_the_page_says_what_was_run_and_what_was_not(rendered):
  text = (rendered / 'ablations.md').read_text()
  assert (
      'python -m simgan_jax.studies.ablation --config=configs/eyes.py' in text
  )
  assert '2026-01-02 to 2026-01-03 on 2 x cpu' in text
  assert '1,678 images (columbia_gaze 25-32)' in text
  assert 'Not run: lambda_x10.' in text
  assert 'identity and channel mean are the same function' in text
  assert 'whole_image' not in text


def test_every_sheet_is_there_and_linked(rendered):
  text = (rendered / 'ablations.md').read_text()
  for name, num_rows in (('base', 3), ('history_off', 4), ('colour', 3)):
    assert f'](ablations/{name}.png)' in text
    with Image.open(rendered / 'ablations' / f'{name}.png') as sheet:
      assert sheet.height == num_rows * 109 + 4
  assert not (rendered / 'ablations/lambda_x0.1.png').exists()


def test_the_numbers_are_json_without_paths(rendered):
  text = (rendered / 'ablations.json').read_text()
  found = json.loads(text)
  assert [v['name'] for v in found['variants']][:2] == ['base', 'history_off']
  assert found['variants'][0]['wall_seconds'] == 600.0
  assert found['variants'][1]['settings'] == {'history_size': 0}
  assert {'jax', 'numpy'} <= found['versions'].keys()
  for path in rendered.glob('ablations.*'):
    assert '/home' not in path.read_text()


def test_a_sheet_shows_colours_and_grey_as_they_are():
  grey = np.full((2, 35, 55, 1), 128, np.uint8)
  red = np.zeros((2, 35, 55, 3), np.uint8)
  red[..., 0] = 255
  sheet = sheets.draw_rows({'grey': grey, 'red': red})
  assert sheet[40, -30].tolist() == [128] * 3
  assert sheet[160, -30].tolist() == [255, 0, 0]


def test_a_result_counts_only_with_its_settings_and_rounds(variants, tmp_path):
  base = variants['base']
  folder = str(tmp_path)
  assert results.read(base, folder) is None
  workdir.claim_workdir(folder, base.config)
  results.write(folder, {'rounds': 1_000}, _images(1))
  found = results.read(base, folder)
  assert found is not None and found.images['real'].shape == (8, 35, 55, 1)
  assert results.read(variants['history_off'], folder) is None
  results.write(folder, {'rounds': 500}, {})
  assert results.read(base, folder) is None


def test_the_time_of_a_round_leaves_out_the_first_row(tmp_path):
  assert results.seconds_per_round(str(tmp_path)) is None
  speeds = (0.001, 2.0, 4.0, 4.0)
  lines = [
      json.dumps({'round': i, 'perf/rounds_per_second': speed})
      for i, speed in enumerate(speeds)
  ]
  (tmp_path / 'metrics.jsonl').write_text('\n'.join(lines))
  assert results.seconds_per_round(str(tmp_path)) == 0.25
