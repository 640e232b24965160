"""What the documentation says can be typed, and is what the code has."""

import ast
import dataclasses
import importlib.util
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from processes import run_commands
from runs import ROOT, SHRUNK

from simgan_jax.settings import command_line
from simgan_jax.settings import config as config_lib

GUIDE = ROOT / 'docs' / 'guide.md'
# Written by people; docs/api.md is made by a command, and git ignores it.
PAGES = [
    ROOT / 'README.md',
    ROOT / 'benchmarks' / 'RESULTS.md',
    *sorted(set((ROOT / 'docs').glob('*.md')) - {ROOT / 'docs' / 'api.md'}),
    *sorted((ROOT / 'experiments').glob('*.md')),
]
SHORT = [
    f'--config.{setting}'
    for setting in (
        *('num_rounds=4', 'batch_size=4', 'history_size=8', 'log_every=2'),
        *('pretrain_refiner_steps=2', 'pretrain_discriminator_steps=2'),
        # Images as large as those of `SHRUNK` share its compiled programs.
        *('sample_every=2', 'checkpoint_every=2', 'data.width=40'),
        *('data.height=24', 'refiner.num_features=4', 'refiner.num_blocks=1'),
        *('evaluation.num_steps=4', 'evaluation.batch_size=8'),
    )
]


def _commands(page):
  return re.findall(r'^    (python .*?)(?:  +#.*)?$', page.read_text(), re.M)


@pytest.fixture
def folder(tmp_path, finished):
  """Return a folder like the repository, with data and a run of eyes."""
  for path in ROOT.iterdir():
    if path.suffix == '.py' or path.name in ('configs', 'simgan_jax'):
      (tmp_path / path.name).symlink_to(path)
  generator = np.random.default_rng(0)
  for name, number in (('renders', 40), ('photos', 40), ('more_renders', 5)):
    (tmp_path / name).mkdir()
    for i in range(number):
      pixels = generator.integers(0, 256, (40, 50), np.uint8)
      Image.fromarray(pixels).save(tmp_path / name / f'{i:02d}.png')
  rows = ''.join(f'{i:02d}.png,{i}\n' for i in range(40))
  (tmp_path / 'renders/labels.csv').write_text('file,angle\n' + rows)
  shutil.copytree(tmp_path / 'renders', tmp_path / 'labelled')
  shutil.copytree(finished, tmp_path / 'runs/eyes')
  return tmp_path


def test_the_guide_from_its_first_to_its_last_command(
    folder, data_dir, environment
):
  commands = []
  for line in _commands(GUIDE):
    words = line.removeprefix('python ').removeprefix('-m ').split()
    if words[0] == 'train.py':
      words += SHORT
    elif words[0] == 'pack.py':
      words += SHRUNK[1:]
    elif words[0] == 'eval.py':
      words.append('--seeds=0')
    if words[0] != 'simgan_jax.refining.export':
      words.append(f'--data_dir={data_dir}')
    commands.append(words)
  for words, outcome in zip(
      commands, run_commands(commands, folder, environment), strict=True
  ):
    assert outcome[0] == 0, (words, outcome)
  table = (folder / 'renders/labels.csv').read_bytes()
  assert (folder / 'refined/labels.csv').read_bytes() == table
  assert len(list((folder / 'refined').glob('*.png'))) == 40
  found = json.loads((folder / 'runs/folders/eval/metrics.json').read_text())
  assert found['task'] == 'regression' and found['shapes']['refined']
  assert len(list((folder / 'refined_more').glob('*.png'))) == 5
  (part,) = (folder / 'refined_npz').glob('*.npz')
  with np.load(part) as arrays:
    assert arrays['images'].shape == (40, 24, 40, 1)
  assert json.loads((folder / 'refined_tfds/manifest.json').read_text())
  in_guide = re.search(r'```python\n(.*?)```', GUIDE.read_text(), re.S)
  assert in_guide
  subprocess.run(
      [
          *(sys.executable, '-c'),
          'import numpy as np; images = np.zeros((3, 24, 40, 1), np.uint8)\n'
          + in_guide[1]
          + 'assert refined.shape == images.shape',
      ],
      cwd=folder,
      check=True,
  )


def test_the_flags_of_every_command_exist(environment):
  """Also of those that need data, machines or time which no test has."""
  flags: dict[str, set[str]] = {}
  for page in PAGES:
    text = page.read_text().replace('\\\n', ' ')
    for name, rest in re.findall(
        r'python (?:-m )?(\w+\.py|simgan_jax(?:\.\w+)+)(.*)', text
    ):
      rest = re.split(r'  #|`|\'', rest)[0]
      flags.setdefault(name, set()).update(re.findall(r' --(\w+)', rest))
    for module in re.findall(r'python -m (benchmarks\.\w+)', text):
      assert importlib.util.find_spec(module), f'{page.name}: {module}'
  studies = {'ablation', 'turing_test'}
  assert {'train.py', 'eval.py', 'refine.py'} <= set(flags)
  assert {f'simgan_jax.studies.{name}' for name in studies} <= set(flags)
  commands = [[name, '--help'] for name in flags]
  for words, (_, output, error) in zip(
      commands, run_commands(commands, ROOT, environment), strict=True
  ):
    known = set(re.findall(r'--(?:\[no\])?(\w+)', output)) | {'config'}
    assert flags[words[0]] <= known, (words, error)


def test_the_command_for_a_tpu_slice_is_one_command_on_each_host(tmp_path):
  """With a gcloud that runs it here, and a python that writes it down."""
  found = re.search(r'^ {4}gcloud .*\n(?: {8}.*\n)+', GUIDE.read_text(), re.M)
  assert found
  scripts = {
      'bin/gcloud': 'for a; do case $a in --command=*)'
      ' exec sh -c "${a#--command=}";; esac; done',
      '.venv/bin/python': f'printf "%s\\n" "$@" >> {tmp_path}/arguments',
  }
  for name, script in scripts.items():
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\n{script}\n')
    path.chmod(0o755)
  subprocess.run(
      ['bash', '-ec', found[0].replace('/shared/simgan_jax', str(tmp_path))],
      env={'PATH': f'{tmp_path}/bin:/usr/bin:/bin'},
      check=True,
  )
  arguments = (tmp_path / 'arguments').read_text().split()
  assert arguments.count('train.py') == 1 and arguments[0] == 'train.py'
  assert {'--distributed', '--data_dir=/shared/data'} <= set(arguments)
  assert all(word.startswith('--') for word in arguments[1:])


def _fields(settings, prefix=''):
  for field in dataclasses.fields(settings):
    value = getattr(settings, field.name)
    yield prefix + field.name
    if dataclasses.is_dataclass(value):
      yield from _fields(value, f'{prefix}{field.name}.')


def test_every_setting_that_is_named_exists():
  known = set(_fields(config_lib.Config()))
  for page in PAGES:
    for name in re.findall(r'--config\.([a-z_.]+)', page.read_text()):
      assert name.rstrip('.') in known, f'{page.name}: {name}'


def _anchors(page):
  """Return what GitHub makes of the headings of a page."""
  headings = re.findall(r'^#+ (.*)', page.read_text(), re.M)
  return {re.sub(r'[^\w -]', '', h).lower().replace(' ', '-') for h in headings}


def test_every_link_leads_to_a_file_and_a_heading():
  for page in PAGES:
    for link in re.findall(r'\]\(([^)]+)\)', page.read_text()):
      name, _, anchor = link.partition('#')
      target = page.parent / name if name else page
      if '://' not in link:
        assert target.exists(), f'{page.name}: {link}'
        assert not anchor or anchor in _anchors(target), f'{page.name}: {link}'


def test_every_file_of_the_repository_that_is_named_exists():
  folders = 'simgan_jax|configs|benchmarks|docs|experiments|tests'
  for page in PAGES:
    text = re.sub(r'\]\([^)]*\)', ']', page.read_text())  # links: see above
    for name in re.findall(rf'(?<![\w/.])(?:{folders})/[\w./-]*\w', text):
      made = name == 'docs/api.md'
      assert made or (ROOT / name).exists(), f'{page.name}: {name}'


def _names_in(path):
  """Return the classes and functions at the top of a module."""
  kinds = (ast.ClassDef, ast.FunctionDef)
  nodes = ast.parse(path.read_text()).body
  return {node.name for node in nodes if isinstance(node, kinds)}


def test_the_paper_stands_beside_code_that_exists():
  page = (ROOT / 'docs' / 'algorithm.md').read_text()
  named = re.findall(r'`([\w/]+\.py)(?:: (\w+))?`', page)
  for file, name in named:
    path = ROOT / 'simgan_jax' / file
    assert path.exists(), file
    assert not name or name in _names_in(path), f'{file}: {name}'
  method = {path.name for path in (ROOT / 'simgan_jax/method').glob('[a-z]*')}
  assert {f'method/{name}' for name in method} <= {file for file, _ in named}


def test_the_presets_in_the_help_are_those_of_the_files():
  named = {
      path: set(presets.strip('[]').replace(':', '').split('|')) - {''}
      for path, presets in re.findall(
          r'configs/(\w+)\.py(\[[^]]*\])?', command_line.CONFIGS
      )
  }
  files = {path.stem for path in (ROOT / 'configs').glob('[a-z]*.py')}
  assert set(named) == files
  for name, presets in named.items():
    module = importlib.import_module(f'configs.{name}')
    assert presets == set(getattr(module, 'PRESETS', {'': None})) - {''}


def test_the_api_page_names_every_public_function(tmp_path):
  page = tmp_path / 'api.md'
  subprocess.run([sys.executable, ROOT / 'docs/make_api.py', page], check=True)
  rooms = re.split(r'^## ', page.read_text(), flags=re.M)
  sections = dict(room.split('\n', 1) for room in rooms[1:])
  for path in (ROOT / 'simgan_jax').rglob('*.py'):
    module = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
    section = sections[module.removesuffix('.__init__')]
    for name in _names_in(path):
      listed = re.search(rf'^### `{name}\b', section, re.M)
      assert name.startswith('_') or listed, f'{module}.{name}'
  # The entries of a docstring are a list, continued lines and all.
  mix = sections['simgan_jax.method.history'].split('### `mix(')[1]
  assert '**Args**\n\n- `history`: ' in mix and '\n- `first_pair`: ' in mix
