"""What stops a command beyond its flags and files is named in one sentence."""

import importlib.util
import os

import numpy as np
import pytest
from PIL import Image
from processes import run_commands
from runs import ROOT, SHRUNK

from configs import folders
from simgan_jax.training import workdir as workdir_lib

needs_no_gpu = pytest.mark.skipif(
    importlib.util.find_spec('jax_plugins') is not None,
    reason='JAX may find an accelerator here',
)


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
  """Return an untrained run on 40 images, a damaged one, and odd labels."""
  root = tmp_path_factory.mktemp('dead_ends')
  images, config = root / 'images', folders.get_config()
  images.mkdir()
  names = [f'{i:02}.png' for i in range(40)]
  for i, name in enumerate(names):
    pixels = np.full((64, 64), 6 * i, np.uint8)
    Image.fromarray(pixels).save(images / name)
  (images / names[7]).write_bytes(b'no image')
  rows = ''.join(f'{name},cat\n' for name in names)
  (images / 'labels.csv').write_text(f'file,class\n{rows}')
  config.data.synthetic.path = config.data.real.path = str(images)
  workdir_lib.claim_workdir(str(root / 'run'), config)
  return root / 'run'


@pytest.fixture(scope='module')
def refused(workdir, environment, tmp_path_factory):
  """Return what each command says of a platform that nobody has."""
  root = tmp_path_factory.mktemp('new')
  commands = [
      ['train.py', *SHRUNK, f'--workdir={root}/run', f'--data_dir={root}/data'],
      ['prepare.py', *SHRUNK, f'--data_dir={root}/data'],
      ['refine.py', f'--workdir={workdir}', f'--output={root}/out'],
      ['eval.py', f'--workdir={workdir}', f'--data_dir={root}/data'],
      ['simgan_jax.refining.export', f'--workdir={workdir}'],
      ['simgan_jax.studies.turing_test', f'--workdir={workdir}', '--port=0'],
      ['simgan_jax.studies.ablation', *SHRUNK, f'--workdir={root}/run'],
  ]
  env = environment | {'JAX_PLATFORMS': 'quantum'}
  outcomes = run_commands(commands, ROOT, env)
  assert {path.name for path in root.iterdir()} <= {'data'}
  return dict(zip((words[0] for words in commands), outcomes, strict=True))


@pytest.mark.parametrize(
    'name',
    [
        *('train.py', 'prepare.py', 'refine.py', 'eval.py'),
        'simgan_jax.refining.export',
        'simgan_jax.studies.turing_test',
        'simgan_jax.studies.ablation',
    ],
)
def test_devices_that_are_not_here(refused, name):
  code, _, error = refused[name]
  assert code == 2 and error.count('\n') == 1, error
  assert error.startswith('error: JAX cannot start with JAX_PLATFORMS=quantum')


@needs_no_gpu
@pytest.mark.parametrize('platform', ['cuda', 'tpu'])
def test_accelerators_that_are_not_here(environment, workdir, platform):
  env = environment | {'JAX_PLATFORMS': platform}
  command = ['refine.py', f'--workdir={workdir}']
  ((code, _, error),) = run_commands([command], ROOT, env)
  assert code == 2 and error.count('\n') == 1, error
  assert f'JAX_PLATFORMS={platform} (' in error and 'set it to cpu' in error


def test_data_are_prepared_without_a_home(environment, tmp_path):
  (tmp_path / 'file').touch()
  (tmp_path / 'tmp').mkdir()
  env = environment | {
      'HOME': str(tmp_path / 'file' / 'home'),
      'TMPDIR': str(tmp_path / 'tmp'),
  }
  del env['XDG_CACHE_HOME']
  command = ['prepare.py', *SHRUNK]
  given = [*command, f'--data_dir={tmp_path}/data']
  fine, bad = run_commands([given, command], ROOT, env)
  code, output, error = fine
  assert code == 0 and 'synthetic: 64 images' in output, error
  assert error.startswith(f'warning: {env["HOME"]}/.cache/simgan_jax/')
  assert error.count('\n') == 1
  assert not [x for x in os.listdir(env['TMPDIR']) if 'simgan_jax' in x]
  code, _, error = bad
  assert code == 2 and 'give another --data_dir' in error


def test_eval_skips_damage_and_says_which_labels_it_found(run, workdir):
  code, _, error = run('eval.py', workdir)
  assert code == 2 and '07.png: cannot be read' in error
  assert ' with --on_error=skip (' in error and error.count('\n') == 1
  code, output, error = run('eval.py', workdir, '--on_error=skip')
  assert '39 images, 1 left out, the first: 07.png: ' in output
  assert code == 2 and error.count('\n') == 1
  assert ') have class' in error and 'same: gaze_x' in error
  code, _, error = run('eval.py', workdir, '--on_error=ignore')
  assert code == 2 and 'on_error' in error
