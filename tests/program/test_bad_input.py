"""Bad input gives one sentence on stderr, exit code 2 and nothing written."""

import os

import h5py
import numpy as np
import pytest
from PIL import Image
from processes import run_commands
from runs import ROOT, SHRUNK

from configs import eyes
from simgan_jax.training import workdir

FOLDERS = ['train.py', '--config=configs/folders.py', '--config.num_rounds=2']
SYNTHETIC, REAL = '--config.data.synthetic.path=', '--config.data.real.path='
EYES = ['train.py', *SHRUNK]


def _folders(synthetic, real='good'):
  return [*FOLDERS, f'{SYNTHETIC}FILES/{synthetic}', f'{REAL}FILES/{real}']


def _source(name, path, *options):
  return [
      *(*EYES, '--config.data.match_histograms=false'),
      *(f'--config.data.real.name={name}', f'{REAL}FILES/{path}'),
      '--config.data.real.subjects=',
      *(f'--config.data.real.{option}' for option in options),
  ]


# Command (FILES and RUN are folders of the fixture), and words of the sentence.
CASES = [
    # Flags.
    (['train.py', '--steps=4'], "Unknown command line flag 'steps'"),
    (['train.py', 'configs/eyes.py'], 'is not a flag'),
    (['train.py', '--num_devices=-1'], 'num_devices'),
    (['train.py', '--num_devices=3'], 'num_devices=3'),
    (['eval.py', '--seeds=a'], '--seeds'),
    (['eval.py', '--seeds=1,1'], '--seeds'),
    (['eval.py', f'--seeds={2**70}'], '--seeds'),
    (['refine.py', '--format=zip'], 'format'),
    (['prepare.py', '--num_workers=-1'], 'num_workers'),
    (['simgan_jax.studies.turing_test', '--port=-1'], 'port'),
    (['simgan_jax.studies.ablation', '--output=page.html'], 'must end in .md'),
    (['simgan_jax.studies.ablation', '--only=magic'], 'magic'),
    # Settings.
    (['train.py', '--config=configs/none.py'], 'none.py'),
    (['train.py', '--config=FILES/broken.py'], 'broken.py'),
    (['train.py', '--config=configs/eyes.py:moon'], "preset 'moon'"),
    (['train.py', '--config=configs/hands.py:moon'], "preset 'moon'"),
    (['train.py', '--config=configs/folders.py:moon'], "preset 'moon'"),
    (['train.py', '--config.batchsize=4'], 'batchsize'),
    (['train.py', '--config.batch_size=many'], 'batch_size'),
    (['train.py', '--config.batch_size=5'], 'even'),
    (['train.py', '--config.num_rounds=0'], 'num_rounds'),
    (['train.py', '--config.history_size=3'], 'history_size'),
    (['train.py', '--config.self_regularization_weight=-1'], 'weight'),
    (['train.py', '--config.self_regularization_weight=nan'], 'weight'),
    (['train.py', '--config.optimizer.name=lion'], 'optimizer.name'),
    (['train.py', '--config.optimizer.learning_rate=0'], 'learning_rate'),
    (['train.py', '--config.compute_dtype=int8'], 'compute_dtype'),
    (['train.py', f'--config.seed={2**70}'], 'seed'),
    (['train.py', '--config.name=../../x'], 'name'),
    (['train.py', '--config.data.channels=2'], 'data.channels'),
    (['train.py', '--config.data.height=4'], 'data.height'),
    (['train.py', '--config.data.fit=zoom'], 'data.fit'),
    (['train.py', '--config.data.cache=disk'], 'data.cache'),
    (['train.py', '--config.data.on_error=ignore'], 'data.on_error'),
    (['train.py', '--config.data.real.name=photos'], 'data.real.name'),
    ([*EYES, '--config.data.real.limit=3'], 'batch of 4'),
    ([*EYES, '--config.data.real.subjects=x'], 'x'),
    ([*EYES, '--config.data.real.subjects=900'], '900'),
    (['train.py', '--config=configs/eyes.py:columbia'], 'data.synthetic'),
    # Folders and files.
    (_folders('nowhere'), 'nowhere is not a folder'),
    (_folders('empty'), 'empty holds no'),
    (_folders('truncated'), 'a.png: cannot be read as an image'),
    (_folders('text'), 'a.png: cannot be read as an image'),
    (
        _folders('deep'),
        'pixels are 32-bit float',
    ),
    (_folders('pickle'), 'allow_pickle=False'),
    (_folders('no_column'), "there is no column 'file'"),
    (_folders('twice'), "the column 'yaw' is there twice"),
    (_folders('outside'), '../secret.png lies outside'),
    (_folders('bad_json'), 'a.json: '),
    (_folders('bad_folders/link'), 'a.png: the file is missing'),
    (_folders('bad_folders/name'), '\\xe9.png: the name'),
    (_folders('bad_folders/table'), 'labels.csv cannot be read'),
    (_folders('bad_folders/cell'), 'labels.csv cannot be read'),
    (_folders('good', 'scalar.h5'), "'image' is no group"),
    ([*EYES, '--data_dir=/proc/x'], '/proc/x cannot be written'),
    (_folders('good', 'text.h5'), 'text.h5 cannot be read as HDF5'),
    (_folders('good', 'no_image.h5'), "no group 'image'"),
    (_source('arrays', 'text.npz'), 'text.npz'),
    (_source('arrays', 'pickle.npz'), 'pickle.npz'),
    (_source('arrays', 'part.npz'), 'part.npz'),
    (_source('unity_eyes', 'bad_json'), 'none of the images'),
    (_source('columbia_gaze', 'good'), 'holds no .jpg files'),
    (_source('mpiigaze', 'good'), 'Normalized'),
    (
        [
            *('train.py', '--config=configs/hands.py:paper'),
            *(f'{SYNTHETIC}FILES/good', f'{REAL}FILES/good'),
        ],
        'joint_data.mat',
    ),
    # Runs.
    (['eval.py', '--workdir=FILES/empty'], 'run train.py first'),
    (['refine.py', '--workdir=FILES/empty'], 'run train.py first'),
    (
        ['simgan_jax.refining.export', '--workdir=FILES/empty'],
        'run train.py first',
    ),
    (
        ['simgan_jax.studies.turing_test', '--workdir=FILES/empty'],
        'run train.py first',
    ),
    (['eval.py', '--workdir=FILES/bad_run'], 'config.json'),
    (['refine.py', '--workdir=FILES/untrained'], 'no checkpoint'),
    ([*EYES, '--workdir=FILES/untrained'], 'other settings'),
    ([*EYES, '--workdir=FILES/text.npz'], 'cannot be written'),
    ([*EYES, '--workdir=/proc/run'], 'cannot be written'),
]


@pytest.fixture(scope='module')
def files(tmp_path_factory):
  """Return a folder of folders and files, each wrong in one way."""
  root = tmp_path_factory.mktemp('files')
  image = Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64))

  def make(name, content=None, files=('a.png',)):
    (root / name).mkdir()
    for file in files:
      image.save(root / name / file)
    for file, text in (content or {}).items():
      (root / name / file).write_text(text)
    return root / name

  make('good', files=[f'{i}.png' for i in range(40)])
  make('empty', files=[])
  whole = (root / 'good' / '0.png').read_bytes()
  (make('truncated') / 'a.png').write_bytes(whole[: len(whole) // 2])
  make('text', {'a.png': 'no image'})
  Image.new('F', (64, 64)).save(make('deep', files=[]) / 'a.tiff')
  objects = np.array([{}], object)
  np.save(make('pickle', files=[]) / 'a.npy', objects, allow_pickle=True)
  make('no_column', {'labels.csv': 'name\na.png\n'})
  make('twice', {'labels.csv': 'file,yaw,yaw\na.png,0,1\n'})
  make('outside', {'labels.csv': 'file\n../secret.png\n'})
  make('bad_json', {'a.json': '{"yaw": '}, files=['a.png', 'a.jpg'])
  (root / 'bad_folders').mkdir()
  (make('bad_folders/link', files=[]) / 'a.png').symlink_to('nowhere')
  name = make('bad_folders/name')
  os.rename(name / 'a.png', os.fsencode(name) + b'/\xe9.png')
  (make('bad_folders/table') / 'labels.csv').mkdir()
  make('bad_folders/cell', {'labels.csv': f'file\n{"a" * 200_000}\n'})
  make('bad_run', {'config.json': '{'}, files=[])
  (root / 'broken.py').write_text('def get_config(:\n')
  for name in ('text.h5', 'text.npz'):
    (root / name).write_text('no arrays')
  with h5py.File(root / 'no_image.h5', 'w') as file:
    file['eye'] = np.zeros(3)
  with h5py.File(root / 'scalar.h5', 'w') as file:
    file['image'] = 1.0
  np.savez(root / 'pickle.npz', images=objects, allow_pickle=True)
  np.savez(root / 'part.npz', images=np.zeros((3, 35, 55, 1), np.uint8))
  workdir.claim_workdir(str(root / 'untrained'), eyes.get_config())
  return root


@pytest.fixture(scope='module')
def outcomes(files, data_dir, environment):
  """Return exit code, stdout and stderr of each of `CASES`."""
  commands = [
      [word.replace('FILES', str(files)) for word in command]
      for command, _ in CASES
  ]
  for command in commands:
    if not any(word.startswith('--workdir') for word in command):
      command.append(f'--workdir={files / "new"}')
    if (
        command[0] != 'simgan_jax.refining.export'
        and '--data_dir=/proc/x' not in command
    ):
      command.append(f'--data_dir={data_dir}')
  return run_commands(commands, ROOT, environment)


@pytest.mark.parametrize('number', range(len(CASES)))
def test_one_sentence_and_exit_code_2(outcomes, number):
  command, message = CASES[number]
  code, _, error = outcomes[number]
  assert code == 2, (command, error)
  assert message in error, (command, error)
  assert error.startswith('error: ') and error.count('\n') == 1, error


def test_nothing_is_written(outcomes, files):
  assert outcomes
  assert not (files / 'new').exists()
