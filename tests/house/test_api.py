"""The style of the code itself: imports, docstrings, signatures."""

import ast
import graphlib
import importlib
import inspect
import pathlib
import pkgutil
import subprocess
import sys

import pytest

import simgan_jax

ROOT = pathlib.Path(__file__).parents[2]
FILES = sorted((ROOT / 'simgan_jax').rglob('*.py'))
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(simgan_jax.__path__, 'simgan_jax.')
)
# From the lowest to the highest room; each may import itself and lower ones.
ROOMS = (
    *('machine', 'settings', 'kernels', 'method', 'simulators', 'data'),
    *('estimators', 'measures', 'report', 'training', 'refining'),
    *('evaluation', 'studies', 'api'),
)
# These know less than they could.
STRICTER = {
    'settings': {'machine'},
    'kernels': {'machine'},
    'method': {'kernels', 'machine'},
    'simulators': {'machine'},
    'estimators': {'data', 'kernels', 'machine', 'simulators'},
}
LIBRARIES = {'jax', 'flax', 'numpy', 'optax', 'jaxtyping'}  # of the method


def _imports(path):
  """Return the modules a file imports anywhere, as dotted names."""
  names = set()
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      names |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module:
      names |= {f'{node.module}.{alias.name}' for alias in node.names}
  return names


def _modules_imported(path):
  """Return the modules of this package that a file imports anywhere."""
  return {
      module
      for name in _imports(path)
      for module in (name, name.rpartition('.')[0])
      if module in MODULES and '.' in module.removeprefix('simgan_jax.')
  }


def test_the_package_holds_folders_only():
  found = {path.name for path in (ROOT / 'simgan_jax').iterdir()}
  assert found - {'__pycache__'} == {*ROOMS, '__init__.py'}


@pytest.mark.parametrize('room', ROOMS)
def test_a_room_imports_itself_and_lower_ones(room):
  lower = STRICTER.get(room, set(ROOMS[: ROOMS.index(room)]))
  for path in (ROOT / 'simgan_jax' / room).rglob('*.py'):
    found = {name.split('.')[1] for name in _modules_imported(path)}
    assert found <= lower | {room}, path


def test_no_modules_import_each_other_in_a_circle():
  graph = {
      '.'.join(path.relative_to(ROOT).with_suffix('').parts): _modules_imported(
          path
      )
      for path in FILES
      if path.name != '__init__.py'
  }
  list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize('room', ['kernels', 'method'])
def test_the_method_needs_no_other_libraries(room):
  for path in (ROOT / 'simgan_jax' / room).glob('*.py'):
    others = {name.split('.')[0] for name in _imports(path)} - {'simgan_jax'}
    assert others - set(sys.stdlib_module_names) <= LIBRARIES, path


def test_only_data_and_tensorboard_import_tensorflow_only_checkpoint_orbax():
  for path in FILES:
    top = {name.split('.')[0] for name in _imports(path)}
    if path.parent.name != 'data' and path.name != 'tensorboard.py':
      assert not top & {'tensorflow', 'tensorflow_datasets'}, path
    if path.name != 'checkpoint.py':
      assert 'orbax' not in top, path


def test_training_steps_run_without_tensorflow():
  code = (
      'import sys; import benchmarks.workload, simgan_jax.training.build;'
      ' import simgan_jax.method.algorithm, simgan_jax.estimators.gaze;'
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
  assert len((ROOT / 'README.md').read_text().splitlines()) <= 150
