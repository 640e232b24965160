"""The commands as a user runs them: real processes, the real config shrunk."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import warnings
from concurrent import futures

import jax
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp
from PIL import Image

from simgan_jax import selection

ROOT = pathlib.Path(__file__).parent.parent
NUM_ROUNDS = 12
SHRUNK = [
    '--config=configs/eyes.py',
    *(
        f'--config.{setting}'
        for setting in (
            f'num_rounds={NUM_ROUNDS}',
            'batch_size=4',
            'pretrain_refiner_steps=3',
            'pretrain_discriminator_steps=2',
            'log_every=2',
            'sample_every=6',
            'checkpoint_every=2',
            'history_size=8',
            'refiner.num_features=4',
            'refiner.num_blocks=1',
            'data.synthetic.limit=64',
            'data.real.limit=64',
            'data.test.limit=64',
            'data.match_histograms=true',
            'evaluation.base_images=32',
            'evaluation.num_steps=3',
            'evaluation.batch_size=8',
            'evaluation.num_seeds=2',
        )
    ),
]


@pytest.fixture(scope='session')
def data_dir(tmp_path_factory):
  return str(tmp_path_factory.mktemp('data'))


@pytest.fixture(scope='session')
def environment(tmp_path_factory):
  cache = {'XDG_CACHE_HOME': str(tmp_path_factory.mktemp('cache'))}
  return os.environ | cache | {'JAX_PLATFORMS': 'cpu', 'PYTHONWARNINGS': ''}


@pytest.fixture(scope='session')
def command(data_dir, environment):
  """Return a function that starts a script of ours in its own process."""

  def start(script, workdir, *flags):
    return subprocess.Popen(
        [
            *(sys.executable, script, f'--workdir={workdir}'),
            *(f'--data_dir={data_dir}', *flags),
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

  return start


@pytest.fixture(scope='session')
def run(command):
  def wait(script, workdir, *flags):
    process = command(script, workdir, *flags)
    output, error = process.communicate(timeout=300)
    return process.returncode, output, error

  return wait


@pytest.fixture(scope='session')
def finished(data_dir, environment, tmp_path_factory):
  """Return the workdir of an uninterrupted run."""
  workdir = tmp_path_factory.mktemp('runs') / 'finished'
  subprocess.run(
      [
          *(sys.executable, 'train.py', f'--workdir={workdir}'),
          *(f'--data_dir={data_dir}', *SHRUNK),
      ],
      cwd=ROOT,
      env=environment,
      check=True,
      capture_output=True,
  )
  return workdir


@pytest.fixture(scope='session')
def evaluated(finished, data_dir, environment):
  """Return what eval.py printed and wrote about the uninterrupted run."""
  process = subprocess.run(
      [
          *(sys.executable, 'eval.py', f'--workdir={finished}'),
          f'--data_dir={data_dir}',
      ],
      cwd=ROOT,
      env=environment,
      check=True,
      capture_output=True,
      text=True,
  )
  return process.stdout, json.loads(
      (finished / 'eval/metrics.json').read_text()
  )


def _parameters(workdir, round_number=NUM_ROUNDS):
  path = (workdir / 'checkpoints' / str(round_number)).absolute()
  with warnings.catch_warnings():
    # Orbax warns that it takes the shardings from the file: they fit here.
    warnings.simplefilter('ignore', UserWarning)
    return jax.tree.map(np.asarray, ocp.load(path))


def _metrics(workdir):
  lines = (workdir / 'metrics.jsonl').read_text().splitlines()
  return [
      {
          name: value
          for name, value in json.loads(line).items()
          if not name.startswith('perf/')
      }
      for line in lines
  ]


def _inspection(workdir):
  lines = (workdir / 'inspection.jsonl').read_text().splitlines()
  return [json.loads(line) for line in lines]


def _assert_same_run(workdir, finished):
  same = jax.tree.map(
      np.array_equal, _parameters(workdir), _parameters(finished)
  )
  assert all(jax.tree.leaves(same))
  assert _metrics(workdir) == _metrics(finished)
  assert _inspection(workdir) == _inspection(finished)


def _best(rows):
  measured = {row['round']: row for row in rows}
  return selection.order(list(measured), measured, image_width=55)[0]


def _wait_for(path, process):
  while not path.exists():
    assert process.poll() is None, process.communicate()
    time.sleep(0.01)


def test_a_run_leaves_what_the_contract_says(finished):
  assert json.loads((finished / 'config.json').read_text())['batch_size'] == 4
  rows = _metrics(finished)
  assert [row['round'] for row in rows] == list(range(2, NUM_ROUNDS + 1, 2))
  assert {
      'refiner/adversarial',
      'refiner/self_regularization',
      'refiner/change',
      'refiner/gradient_norm',
      'discriminator/real_accuracy',
      'discriminator/refined_accuracy',
  } <= set(rows[0])
  measured = _inspection(finished)
  assert [row['round'] for row in measured] == list(range(0, NUM_ROUNDS + 1, 2))
  names = {'round', 'realism/kernel_distance', 'labels/iris_shift_px'}
  assert all(set(row) == names for row in measured)
  # The last three, by number, and the best.
  rounds = {int(p.name) for p in (finished / 'checkpoints').iterdir()}
  last = {NUM_ROUNDS - 4, NUM_ROUNDS - 2, NUM_ROUNDS}
  assert rounds == last | {_best(measured)}
  for number in (0, 6, NUM_ROUNDS):
    with Image.open(finished / 'samples' / f'round_{number:06d}.png') as sheet:
      assert sheet.width > 500 and np.asarray(sheet).std() > 10
  assert list(finished.glob('events.out.tfevents.*'))
  summary = json.loads((finished / 'summary.json').read_text())
  assert summary['rounds'] == NUM_ROUNDS and summary['wall_seconds'] > 0
  assert summary['peak_memory_gib']['host'] > 0.1
  assert '<html' in (finished / 'report.html').read_text()
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
      jax.tree.leaves(_parameters(tmp_path)),
      jax.tree.leaves(_parameters(finished)),
      strict=True,
  )
  for found, expected in pairs:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_kill_9_and_again_equals_the_uninterrupted_run(
    command, run, finished, tmp_path
):
  workdir = tmp_path / 'killed'
  # Once while pre-training or in the first save, once among the rounds.
  for landmark in ('config.json', 'checkpoints/6'):
    process = command('train.py', workdir, *SHRUNK)
    _wait_for(workdir / landmark, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
  code, output, error = run('train.py', workdir, *SHRUNK)
  assert code == 0, error
  assert f'to {NUM_ROUNDS}' in output and 'rounds 0 to' not in output
  _assert_same_run(workdir, finished)


def test_sigterm_saves_exits_143_and_continues(
    command, run, finished, tmp_path
):
  workdir = tmp_path / 'stopped'
  process = command('train.py', workdir, *SHRUNK)
  _wait_for(workdir / 'checkpoints/2', process)
  process.send_signal(signal.SIGTERM)
  _, error = process.communicate(timeout=60)
  assert process.returncode == 143, error
  assert 'stopped and saved at round' in error
  saved = max(int(p.name) for p in (workdir / 'checkpoints').iterdir())
  assert 2 <= saved < NUM_ROUNDS
  assert run('train.py', workdir, *SHRUNK)[0] == 0
  _assert_same_run(workdir, finished)


def test_a_corrupt_newest_checkpoint_falls_back(run, finished, tmp_path):
  workdir = tmp_path / 'corrupt'
  shutil.copytree(finished, workdir)
  newest = workdir / 'checkpoints' / str(NUM_ROUNDS)
  for path in newest.rglob('*'):
    if path.is_file() and path.stat().st_size > 200:
      path.write_bytes(b'\0' * 50)
  code, _, error = run('train.py', workdir, *SHRUNK)
  assert code == 0, error
  assert f'round {NUM_ROUNDS}' in error and 'cannot be read' in error
  _assert_same_run(workdir, finished)


def test_a_finished_run_stays_as_it_is(run, finished):
  before = (finished / 'metrics.jsonl').read_bytes()
  code, output, _ = run('train.py', finished, *SHRUNK)
  assert code == 0 and f'round {NUM_ROUNDS}' in output
  assert (finished / 'metrics.jsonl').read_bytes() == before


def test_a_diverged_run_stops_and_keeps_the_good_checkpoint(run, tmp_path):
  code, _, error = run(
      *('train.py', tmp_path, *SHRUNK),
      '--config.optimizer.learning_rate=1e18',
      '--config.pretrain_refiner_steps=0',
      '--config.pretrain_discriminator_steps=0',
  )
  assert code == 1, error
  assert 'error: round' in error and 'is not finite' in error
  assert 'refiner/' in error and 'Traceback' not in error
  rounds = [int(path.name) for path in (tmp_path / 'checkpoints').iterdir()]
  assert rounds == [0]
  leaves = jax.tree.leaves(_parameters(tmp_path, 0))
  assert all(np.isfinite(leaf).all() for leaf in leaves)


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
  assert results['checkpoint']['round'] == _best(_inspection(finished))
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


WITHOUT_TENSORFLOW = """
from importlib.machinery import PathFinder

find_spec = PathFinder.find_spec

def find_other_spec(name, path=None, target=None):
  if name.split('.')[0] not in ('tensorflow', 'tensorflow_datasets', 'clu'):
    return find_spec(name, path, target)

PathFinder.find_spec = find_other_spec
"""


def test_packed_arrays_give_the_same_without_tensorflow(
    data_dir, environment, finished, evaluated, tmp_path
):
  (tmp_path / 'sitecustomize.py').write_text(WITHOUT_TENSORFLOW)
  elsewhere = environment | {'PYTHONPATH': str(tmp_path)}

  def start(*command, environment=elsewhere):
    process = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout, process.stderr

  output, _ = start(
      *('pack.py', f'--output={tmp_path / "packed"}'),
      *(f'--data_dir={data_dir}', *SHRUNK),
      environment=environment,
  )
  flags = output.splitlines()[-1].removeprefix('train on them with ').split()
  workdir = tmp_path / 'run'
  _, error = start('train.py', f'--workdir={workdir}', *SHRUNK, *flags)
  assert 'no TensorBoard files' in error
  _assert_same_run(workdir, finished)
  assert not list(workdir.glob('events.*'))
  start('eval.py', f'--workdir={workdir}')
  found = json.loads((workdir / 'eval/metrics.json').read_text())
  assert found == evaluated[1]


BAD_INPUT = (
    ('train.py', ['--config=configs/none.py'], 'none.py'),
    ('train.py', ['--config=configs/eyes.py:moon'], "preset 'moon'"),
    ('train.py', ['--config.batchsize=4'], 'batchsize'),
    ('train.py', ['--config.batch_size=many'], 'batch_size'),
    ('train.py', ['--config.batch_size=5'], 'even'),
    ('train.py', ['--steps=4'], 'steps'),
    ('train.py', ['configs/eyes.py'], 'not a flag'),
    ('train.py', ['--num_devices=3'], 'num_devices=3'),
    ('train.py', [*SHRUNK, '--config.data.real.limit=3'], 'batch of 4'),
    ('train.py', ['--config=configs/eyes.py:columbia'], 'data.synthetic'),
    (
        'train.py',
        [
            '--config=configs/eyes.py:columbia',
            '--config.data.synthetic.path=nowhere',
            '--config.data.real.path=nowhere',
        ],
        'nowhere',
    ),
    ('eval.py', [], 'run train.py first'),
    ('eval.py', ['--seeds=a'], '--seeds'),
)


@pytest.fixture(scope='module')
def bad_runs(run, tmp_path_factory):
  """Return a folder and a future of the outcome for each of `BAD_INPUT`."""
  folders = [tmp_path_factory.mktemp('bad') / 'new' for _ in BAD_INPUT]
  with futures.ThreadPoolExecutor(2) as pool:  # they mostly import
    yield [
        (folder, pool.submit(run, script, folder, *flags))
        for folder, (script, flags, _) in zip(folders, BAD_INPUT, strict=True)
    ]


@pytest.mark.parametrize('number', range(len(BAD_INPUT)))
def test_bad_input_gets_one_sentence_and_exit_code_2(bad_runs, number):
  _, _, message = BAD_INPUT[number]
  workdir, outcome = bad_runs[number]
  code, _, error = outcome.result()
  assert code == 2, error
  assert message in error and 'Traceback' not in error
  lines = [line for line in error.splitlines() if line.startswith('error: ')]
  assert len(lines) == 1
  assert not workdir.exists()
