"""The ablation as a user runs it, in colour: the real config shrunk."""

import json
import signal

import pytest
from PIL import Image
from processes import Process
from runs import ROOT, wait_for

SHRUNK = [
    f'--config.{setting}'
    for setting in (
        'num_rounds=6',
        'batch_size=4',
        'pretrain_refiner_steps=0',
        'pretrain_discriminator_steps=0',
        'log_every=1',
        'sample_every=6',
        'checkpoint_every=2',
        'history_size=8',
        'refiner.num_features=4',
        'refiner.num_blocks=1',
        'data.channels=3',
        'data.height=20',
        'data.width=32',
        # Too few for the classifier of realism, which takes long.
        'data.synthetic.limit=24',
        'data.real.limit=24',
        'data.test.limit=40',
        'evaluation.base_images=24',
        'evaluation.num_steps=3',
        'evaluation.batch_size=8',
    )
]


@pytest.fixture(scope='module')
def start(data_dir, environment, tmp_path_factory):
  folder = tmp_path_factory.mktemp('ablation')

  def start(*flags):
    return Process(
        [
            *('simgan_jax.studies.ablation', f'--workdir={folder}/runs'),
            *(f'--data_dir={data_dir}', f'--output={folder}/docs/ablations.md'),
            *flags,
        ],
        cwd=ROOT,
        env=environment,
    )

  start.folder = folder
  return start


@pytest.fixture
def run(start):
  def run(*flags):
    process = start(*flags)
    output, error = process.communicate(timeout=300)
    return process.returncode, output, error

  return run


@pytest.fixture(scope='module')
def finished(start):
  """Run two variants, stopped once in the second; return the output."""
  command = '--only=history_off', *SHRUNK
  process = start(*command)
  wait_for(start.folder / 'runs/history_off/checkpoints/2', process)
  process.send_signal(signal.SIGTERM)
  process.communicate()
  # Saved while training, or already in the evaluation.
  assert process.returncode in (143, -signal.SIGTERM)
  assert '**base**' in (start.folder / 'docs/ablations.md').read_text()
  assert not (start.folder / 'runs/history_off/ablation.json').exists()
  process = start(*command)
  output, error = process.communicate(timeout=300)
  assert process.returncode == 0, error
  return output


def test_finished_variants_are_skipped_and_others_continue(start, finished):
  assert 'base (1 of 2): finished before' in finished
  assert 'history_off (2 of 2): no history' in finished
  record = json.loads(
      (start.folder / 'runs/history_off/ablation.json').read_text()
  )
  assert record['continued'] and record['seconds_per_round'] > 0
  assert 0 < record['change_percent'] < 100


def test_estimators_of_the_same_images_are_trained_once(start, finished):
  def trained(variant):
    folder = start.folder / 'runs' / variant / 'eval/estimators'
    return {path.name.split('_')[0] for path in folder.iterdir()}

  assert trained('base') == {'synthetic', 'refined', 'real'}
  assert trained('history_off') == {'refined'}
  rows = {
      variant: json.loads(
          (start.folder / 'runs' / variant / 'eval/metrics.json').read_text()
      )['rows']
      for variant in ('base', 'history_off')
  }
  assert [row['seeds'] for row in rows['base']] == [[0]] * 3
  for i, same in ((0, True), (1, False), (2, True)):
    assert (rows['base'][i] == rows['history_off'][i]) == same


def test_the_page_has_all_variants(start, finished):
  text = (start.folder / 'docs/ablations.md').read_text()
  for name in ('base', 'history_off'):
    assert f'| **{name}** |' in text
    with Image.open(start.folder / f'docs/ablations/{name}.png') as sheet:
      assert sheet.width > 600
  assert 'Not run: colour_identity, lambda_x0.1, lambda_x10' in text
  assert str(start.folder) not in text
  found = json.loads((start.folder / 'docs/ablations.json').read_text())
  assert [v['name'] for v in found['variants']] == ['base', 'history_off']


def test_other_settings_are_refused_before_anything_is_trained(
    run, start, finished
):
  only = '--only=lambda_x10,history_off'
  code, _, error = run(only, *SHRUNK, '--config.seed=1')
  assert code == 2 and 'seed (0 there, 1 now)' in error
  assert not (start.folder / 'runs/lambda_x10').exists()


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (['--only=history_off,moon'], "no variant 'moon'"),
        (['--output=docs/ablations.html', '--list'], 'must end in .md'),
        (['--config.num_rounds=0'], 'num_rounds'),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(run, flags, message):
  code, _, error = run(*flags)
  assert code == 2, error
  (line,) = error.splitlines()
  assert line.startswith('error: ') and message in line


def test_the_list_names_every_variant_with_its_settings(run):
  code, output, error = run('--list', '--config=configs/eyes.py:columbia')
  assert code == 0, error
  lines = {line.split()[0]: line for line in output.splitlines()}
  assert list(lines)[:2] == ['base', 'history_off'] and len(lines) == 10
  assert 'history_size=0' in lines['history_off']
