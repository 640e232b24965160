"""configs/hands.py, shrunk, through train.py and eval.py as real processes."""

import json

from PIL import Image

SHRUNK = [
    f'--config.{setting}'
    for setting in (
        *('num_rounds=2', 'batch_size=4', 'history_size=8'),
        *('pretrain_refiner_steps=2', 'pretrain_discriminator_steps=2'),
        *('log_every=1', 'sample_every=2', 'checkpoint_every=2'),
        *('refiner.num_features=4', 'refiner.num_blocks=1'),
        *('data.height=32', 'data.width=32', 'data.synthetic.limit=64'),
        *('data.real.limit=64', 'data.test.limit=64'),
        *('evaluation.base_images=32', 'evaluation.num_steps=2'),
        *('evaluation.batch_size=8', 'evaluation.num_seeds=1'),
        *('evaluation.heatmap_size=16', 'evaluation.hourglass_features=8'),
        'evaluation.num_stacks=1',
    )
]


def test_trains_and_evaluates_hands_with_the_contract(run, tmp_path):
  code, _, error = run(
      'train.py', tmp_path, '--config=configs/hands.py', *SHRUNK
  )
  assert code == 0, error
  with Image.open(tmp_path / 'samples/round_000002.png') as sheet:
    assert sheet.width > 500
  inspected = (tmp_path / 'inspection.jsonl').read_text().splitlines()
  assert all('iris' not in line for line in inspected)

  code, output, error = run('eval.py', tmp_path)
  assert code == 0, error
  results = json.loads((tmp_path / 'eval/metrics.json').read_text())
  assert results['task'] == 'hands'
  assert results['test']['name'] == 'builtin_hands 25-32'
  rows = {row['train_on']: row for row in results['rows']}
  assert list(rows) == ['synthetic', 'refined', 'real']
  for row in rows.values():
    assert row['mean_px']['mean'] > 0 and row['mean_mm']['mean'] > 0
    assert set(row['within_px']) == {'3', '5', '10', '20'}
    assert row['frames_within_px']['20'] <= row['within_px']['20']
    assert set(row['by_subject']) == {str(s) for s in range(25, 33)}
  assert results['constant_predictor']['mean_px'] > 5
  noise = results['depth_noise']
  assert set(noise) == {'synthetic', 'refined', 'real'}
  assert noise['real']['hole_percent'] > noise['synthetic']['hole_percent']
  assert results['label_preservation']['joint_shift_px']['mean'] >= 0
  page = (tmp_path / 'report.html').read_text()
  for words in ('pixels (images 224 wide)', 'Depth noise', 'refined'):
    assert words in page + output
  # Methods that estimate gaze are no reason to stop, in a run that is trained.
  config = json.loads((tmp_path / 'config.json').read_text())
  config['evaluation']['methods'] = ['svr']
  (tmp_path / 'config.json').write_text(json.dumps(config))
  code, _, error = run('eval.py', tmp_path, '--reuse', '--test_subjects=25-28')
  assert code == 0, error
