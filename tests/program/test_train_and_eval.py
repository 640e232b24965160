"""The commands as a user runs them: real processes, the real config shrunk."""

import json
import pathlib
import re

import jax
import numpy as np
from PIL import Image
from processes import run_alone, run_commands
from runs import (
    NUM_ROUNDS,
    ROOT,
    SHRUNK,
    assert_same_run,
    best,
    read_inspection,
    read_metrics,
    read_parameters,
)


def test_a_run_leaves_what_the_contract_says(finished):
  assert json.loads((finished / 'config.json').read_text())['batch_size'] == 4
  rows = read_metrics(finished)
  assert [row['round'] for row in rows] == list(range(2, NUM_ROUNDS + 1, 2))
  assert {
      'refiner/adversarial',
      'refiner/self_regularization',
      'refiner/change',
      'refiner/gradient_norm',
      'discriminator/real_accuracy',
      'discriminator/refined_accuracy',
  } <= set(rows[0])
  measured = read_inspection(finished)
  assert [row['round'] for row in measured] == list(range(0, NUM_ROUNDS + 1, 2))
  names = {
      *('round', 'realism/patch_distance', 'realism/kernel_distance'),
      'labels/iris_shift_px',
  }
  assert all(set(row) == names for row in measured)
  # The last three, by number, and the best.
  rounds = {int(p.name) for p in (finished / 'checkpoints').iterdir()}
  last = {NUM_ROUNDS - 4, NUM_ROUNDS - 2, NUM_ROUNDS}
  assert rounds == last | {best(measured)}
  for number in (0, 6, NUM_ROUNDS):
    with Image.open(finished / 'samples' / f'round_{number:06d}.png') as sheet:
      assert sheet.width > 500 and np.asarray(sheet).std() > 10
  assert list(finished.glob('events.out.tfevents.*'))
  summary = json.loads((finished / 'summary.json').read_text())
  assert summary['rounds'] == NUM_ROUNDS and summary['wall_seconds'] > 0
  assert summary['peak_memory_gib']['host'] > 0.1
  page = (finished / 'report.html').read_text()
  assert 'Nearest real images' in page and 'Grey values' in page
  assert not list(finished.rglob('*.tmp'))


def test_compiled_programs_are_kept_on_disk(finished, environment):
  folder = pathlib.Path(environment['XDG_CACHE_HOME'], 'simgan_jax')
  (processor,) = folder.iterdir()
  # The update and both steps before it.
  assert len(list(processor.glob('*-cache'))) >= 3


def test_data_on_the_devices_and_rounds_in_one_call_change_nothing(
    run, finished, tmp_path
):
  options = '--config.data.cache=device', '--config.rounds_per_call=2'
  code, _, error = run('train.py', tmp_path, *SHRUNK, *options)
  assert code == 0, error
  pairs = zip(
      jax.tree.leaves(read_parameters(tmp_path)),
      jax.tree.leaves(read_parameters(finished)),
      strict=True,
  )
  for found, expected in pairs:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_eval_writes_the_contract_and_reuse_scores_other_subjects(
    run, finished, evaluated
):
  output, results = evaluated
  assert results['task'] == 'gaze'
  assert results['test']['name'] == 'builtin_eyes 25-32'
  rows = {row['train_on']: row for row in results['rows']}
  assert list(rows) == ['synthetic', 'matched', 'refined', 'real']
  for row in rows.values():
    assert row['scale'] == 1 and row['seeds'] == [0, 1]
    assert set(row['within_deg']) == {'5', '7', '10', '13'}
    assert row['mean_deg']['mean'] > 0 and row['mean_deg']['std'] > 0
  assert rows['synthetic']['images'] == rows['refined']['images'] == 32
  assert results['checkpoint']['round'] == best(read_inspection(finished))
  assert results['checkpoint']['rule'] in output
  assert 5 < results['constant_predictor']['mean_deg'] < 25
  with Image.open(finished / 'eval/curve.png') as curve:
    assert curve.width > 500
  assert {'0', '-15'} & set(rows['real']['by_head_yaw_deg'])
  assert set(rows['real']['by_subject']) == {str(s) for s in range(25, 33)}
  pairs = results['comparisons']
  assert [pair['against'] for pair in pairs] == ['synthetic', 'matched']
  for pair in pairs:
    low, high = pair['ratio_interval']
    assert low <= pair['ratio'] <= high
  assert 0 <= results['realism']['refined']['accuracy'] <= 100
  shift = results['label_preservation']['iris_shift']
  assert shift['all_pairs']['num'] == 64
  assert shift['error_before']['mean_px'] < 1
  assert results['label_preservation']['gaze_shift_deg']['mean'] > 0
  assert (
      'Refining' in output
      and 'Labels: refining moves' in output
      and 'report.html' in output
  )
  assert 'refined' in (finished / 'report.html').read_text()

  code, _, error = run(
      'eval.py', finished, '--reuse', '--test_subjects=25-26', '--seeds=1'
  )
  assert code == 0, error
  again = json.loads((finished / 'eval/metrics.json').read_text())
  assert again['test']['name'] == 'builtin_eyes 25-26'
  assert again['test']['images'] < results['test']['images']
  assert [row['seeds'] for row in again['rows']] == [[1]] * 4

  code, _, error = run('eval.py', finished, '--reuse', '--seeds=7')
  assert code == 2 and 'without --reuse' in error
  again['checkpoint']['round'] += 1
  (finished / 'eval/metrics.json').write_text(json.dumps(again))
  code, _, error = run('eval.py', finished, '--reuse', '--seeds=1')
  assert code == 2 and 'is the best: run eval.py without --reuse' in error


def test_stderr_of_an_evaluation_has_no_chatter_of_libraries(
    finished, evaluated
):
  lines = finished.with_name('stderr_of_eval').read_text().splitlines()
  known = re.compile(
      r'(refine|train on \w+): \d+ of \d+ \w+, .*|warning: no .*'
  )
  assert lines and not [line for line in lines if not known.fullmatch(line)]


def test_the_page_of_an_evaluated_run_opens_offline(
    finished, evaluated, browser
):
  del evaluated
  page = browser.new_page()
  problems = []
  page.on('console', lambda message: problems.append(message.text))
  page.on('pageerror', lambda error: problems.append(str(error)))
  page.on('request', lambda request: problems.append(request.url))
  uri = (finished / 'report.html').as_uri()
  page.goto(uri)
  # Only itself and images in it.
  assert [x for x in problems if not x.startswith('data:')] == [uri]
  figures = page.locator('#sheets figure').all()
  assert [figure.is_visible() for figure in figures].count(True) == 1
  tables = page.locator('table').all()
  assert any('matched' in table.inner_text() for table in tables)
  page.close()


WITHOUT_TENSORFLOW = """
from importlib.machinery import PathFinder

find_spec = PathFinder.find_spec

def find_other_spec(name, path=None, target=None):
  if name.split('.')[0] not in ('tensorflow', 'tensorflow_datasets'):
    return find_spec(name, path, target)

PathFinder.find_spec = find_other_spec
"""


def test_packed_arrays_give_the_same_without_tensorflow(
    data_dir, environment, finished, evaluated, tmp_path
):
  (tmp_path / 'sitecustomize.py').write_text(WITHOUT_TENSORFLOW)
  elsewhere = environment | {'PYTHONPATH': str(tmp_path)}
  packed = f'--output={tmp_path / "packed"}'
  ((code, output, error),) = run_commands(
      [['pack.py', packed, f'--data_dir={data_dir}', *SHRUNK]],
      ROOT,
      environment,
  )
  assert code == 0, error
  flags = output.splitlines()[-1].removeprefix('train on them with ').split()
  workdir = tmp_path / 'run'
  _, error = run_alone(
      ['train.py', f'--workdir={workdir}', *SHRUNK, *flags],
      cwd=ROOT,
      env=elsewhere,
  )
  assert 'no TensorBoard files' in error
  assert_same_run(workdir, finished)
  assert not list(workdir.glob('events.*'))
  run_alone(['eval.py', f'--workdir={workdir}'], cwd=ROOT, env=elsewhere)
  found = json.loads((workdir / 'eval/metrics.json').read_text())
  assert found == evaluated[1]
