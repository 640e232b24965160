"""What the documentation says can be typed, and is what the code has."""

import dataclasses
import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from PIL import Image
from runs import ROOT, SHRUNK, run_commands

from simgan_jax import command
from simgan_jax import config as config_lib

PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
GUIDE = ROOT / 'docs' / 'guide.md'
SHORT = [
    f'--config.{setting}'
    for setting in (
        *('num_rounds=4', 'batch_size=4', 'history_size=8', 'log_every=2'),
        *('pretrain_refiner_steps=2', 'pretrain_discriminator_steps=2'),
        *('sample_every=2', 'checkpoint_every=2', 'data.width=32'),
        *('data.height=32', 'refiner.num_features=4', 'refiner.num_blocks=1'),
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
    if words[0] != 'simgan_jax.export':
      words.append(f'--data_dir={data_dir}')
    commands.append(words)
  for words, outcome in zip(
      commands, run_commands(commands, folder, environment), strict=True
  ):
    assert outcome[0] == 0, (words, outcome)
  table = (folder / 'renders/labels.csv').read_bytes()
  assert (folder / 'refined/labels.csv').read_bytes() == table
  assert len(list((folder / 'refined').glob('*.png'))) == 40
  assert len(list((folder / 'refined_more').glob('*.png'))) == 5
  (part,) = (folder / 'refined_npz').glob('*.npz')
  with np.load(part) as arrays:
    assert arrays['images'].shape == (40, 32, 32, 1)
  assert json.loads((folder / 'refined_tfds/manifest.json').read_text())
  in_guide = re.search(r'```python\n(.*?)```', GUIDE.read_text(), re.S)
  in_readme = re.search(
      r'( {4}from jax import export\n.*?)\n\n',
      PAGES[0].read_text(),
      re.S,
  )
  assert in_guide and in_readme
  subprocess.run(
      [
          *(sys.executable, '-c'),
          'import numpy as np; images = np.zeros((3, 32, 32, 1), np.uint8)\n'
          + in_guide[1]
          + 'expected = refined\n'
          + textwrap.dedent(in_readme[1])
          + '\nassert refined.shape == images.shape'
          + '\nassert (refined == expected).all()',
      ],
      cwd=folder,
      check=True,
  )


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


def test_every_link_leads_to_a_file():
  for page in PAGES:
    for link in re.findall(r'\]\(([^)#]+)', page.read_text()):
      if '://' not in link:
        assert (page.parent / link).exists(), f'{page.name}: {link}'


def test_the_presets_in_the_help_are_those_of_the_files():
  named = {
      path: set(presets.strip('[]').replace(':', '').split('|')) - {''}
      for path, presets in re.findall(
          r'configs/(\w+)\.py(\[[^]]*\])?', command.CONFIGS
      )
  }
  files = {path.stem for path in (ROOT / 'configs').glob('[a-z]*.py')}
  assert set(named) == files
  for name, presets in named.items():
    module = importlib.import_module(f'configs.{name}')
    assert presets == set(getattr(module, 'PRESETS', {'': None})) - {''}


def test_the_api_page_is_that_of_the_docstrings():
  path = ROOT / 'docs' / 'make_api.py'
  spec = importlib.util.spec_from_file_location('make_api', path)
  assert spec and spec.loader
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  page = pathlib.Path(ROOT / 'docs' / 'api.md').read_text()
  assert module.make() == page, 'run python docs/make_api.py'
