"""What a user sees in the terminal, and how paths may be typed."""

import os
import re
import shutil
import sys

import pytest
from absl import flags
from ml_collections import config_flags  # keeps the flags it is imported with
from processes import run_commands
from runs import NUM_ROUNDS, ROOT, SHRUNK

from simgan_jax.settings import command_line as command_lib

# Of stderr, when all is well.
KNOWN = re.compile(
    r'(pre-train refiner|pre-train discriminator|train): \d+ of \d+ \w+, .*'
    r'|warning: (synthetic|real|the difference of grey values|.* images are) .*'
)


def test_stderr_of_a_run_has_no_chatter_of_libraries(finished):
  lines = finished.with_name('stderr').read_text().splitlines()
  assert lines and not [line for line in lines if not KNOWN.fullmatch(line)]


def test_no_progress_with_verbosity_minus_2(run, finished, tmp_path):
  workdir = tmp_path / 'run'
  shutil.copytree(finished, workdir)
  code, output, error = run(
      'train.py',
      workdir,
      *SHRUNK,
      '--verbosity=-2',
      f'--config.num_rounds={NUM_ROUNDS + 2}',
  )
  assert code == 0 and f'round {NUM_ROUNDS + 2} after' in output
  assert ' of ' not in re.sub('(?m)^warning: .*$', '', error), error


def test_help_names_the_presets(environment):
  ((_, output, error),) = run_commands(
      [['train.py', '--help']], ROOT, environment
  )
  assert not error
  text = ' '.join(output.split())
  for name in command_lib.CONFIGS.split(', '):
    assert name in text
  assert '-2 hides the progress' in text and '--data_dir' in text


@pytest.fixture
def parse(monkeypatch):
  """Return a function that parses flags as a script does."""

  def parse(*arguments):
    values = flags.FlagValues()
    monkeypatch.setattr(command_lib.flags, 'FLAGS', values)
    monkeypatch.setattr(sys, 'argv', ['train.py', *arguments])
    flags.DEFINE(
        command_lib._PathParser(), 'workdir', '', 'A path.', flag_values=values
    )
    config_flags.DEFINE_config_file(
        'config', None, '', lock_config=False, flag_values=values
    )
    command_lib._parse_flags(sys.argv)
    return values

  return parse


@pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')
def test_paths_lose_the_slash_of_completion(parse):
  values = parse(
      '--config=configs/folders.py',
      '--workdir=~/runs//new/',
      '--config.data.synthetic.path=renders/',
      '--config.data.real.path=../photos/./eyes/',
  )
  assert values['workdir'].value == os.path.expanduser('~/runs/new')
  data = values['config'].value.data
  assert data.synthetic.path == 'renders'
  assert data.real.path == '../photos/eyes' and data.test.path == ''
  assert parse('--config=configs/eyes.py')['workdir'].value == ''


@pytest.mark.parametrize('text', ['one\n two', ' one two\n'])
def test_an_error_is_one_line(text, capsys):
  with pytest.raises(SystemExit, match='2'):
    command_lib._fail(text, 2)
  assert capsys.readouterr().err == 'error: one two\n'
