"""The style of the code itself: imports, docstrings, signatures."""

import ast
import importlib
import inspect
import pathlib
import pkgutil
import subprocess
import sys

import pytest

import simgan_jax

ROOT = pathlib.Path(__file__).parent.parent
FILES = sorted((ROOT / 'simgan_jax').rglob('*.py'))
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(simgan_jax.__path__, 'simgan_jax.')
)
# What the pure modules may import of this package.
LAYERS = {
    'losses': set(),
    'history': set(),
    'activation': set(),
    'native': {'devices'},
    'convolution': {'native'},
    'mesh': set(),
    'processes': set(),
    'pooling': set(),
    'networks': {'activation', 'convolution', 'pooling'},
    'state': {'history', 'networks'},
    'steps': {'history', 'losses', 'state'},
    'rounds': {'losses', 'mesh', 'state', 'steps'},
}


def _imports(path):
  """Return the modules a file imports anywhere, as dotted names."""
  names = set()
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      names |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module:
      names |= {f'{node.module}.{alias.name}' for alias in node.names}
  return names


@pytest.mark.parametrize(('name', 'allowed'), LAYERS.items())
def test_the_method_imports_only_what_is_below_it(name, allowed):
  imports = _imports(ROOT / 'simgan_jax' / f'{name}.py')
  ours = {i.split('.')[1] for i in imports if i.startswith('simgan_jax.')}
  assert ours <= allowed
  others = {i.split('.')[0] for i in imports} - {'simgan_jax'}
  libraries = others - set(sys.stdlib_module_names)
  assert libraries <= {'jax', 'flax', 'numpy', 'optax', 'jaxtyping'}


def test_only_data_and_tensorboard_import_tensorflow_only_checkpoint_orbax():
  for path in FILES:
    top = {name.split('.')[0] for name in _imports(path)}
    if path.parent.name != 'data' and path.name != 'tensorboard.py':
      assert not top & {'tensorflow', 'tensorflow_datasets'}, path
    if path.name != 'checkpoint.py':
      assert 'orbax' not in top, path


def test_training_steps_run_without_tensorflow():
  code = (
      'import sys; import benchmarks.workload, simgan_jax.create;'
      ' import simgan_jax.rounds, simgan_jax.estimators.gaze;'
      " assert 'tensorflow' not in sys.modules"
  )
  subprocess.run([sys.executable, '-c', code], cwd=ROOT, check=True)


@pytest.mark.parametrize('name', MODULES)
def test_public_functions_have_docstrings_and_names_of_the_house(name):
  if name.endswith('.beam'):
    pytest.importorskip('apache_beam', reason='pip install apache-beam')
  module = importlib.import_module(name)
  assert module.__doc__
  for label, member in vars(module).items():
    public = not label.startswith('_')
    if not public or getattr(member, '__module__', None) != name:
      continue
    if inspect.isfunction(member) or inspect.isclass(member):
      assert inspect.getdoc(member), f'{name}.{label}'
    if inspect.isfunction(member):
      parameters = inspect.signature(member).parameters
      assert not {'rng', 'prng', 'rng_key', 'G', 'D'} & set(parameters), label


def test_entry_points_are_short_and_the_readme_too():
  for script in ('train.py', 'eval.py', 'refine.py', 'pack.py', 'prepare.py'):
    assert len((ROOT / script).read_text().splitlines()) <= 70
  assert len((ROOT / 'README.md').read_text().splitlines()) <= 250
