"""Strict JAX for every test: several devices, no silent broadcasting."""

import fcntl
import json
import os
import shutil

# Half of the time of a test goes into compiling; what is compiled need not be
# fast here. Before JAX is imported, and for the processes that tests start.
os.environ.setdefault(
    'XLA_FLAGS',
    '--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=1'
    ' --xla_llvm_disable_expensive_passes=true',
)
os.environ.setdefault('JAX_PLATFORMS', 'cpu')

import jax
import pytest
from processes import Process, run_alone
from runs import ROOT, SHRUNK

# Before the first array: a backend cannot grow devices later.
jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_disable_most_optimizations', True)
jax.config.update('jax_numpy_rank_promotion', 'raise')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')


def pytest_addoption(parser):
  parser.addoption(
      '--check-shapes',
      action='store_true',
      help='check the jaxtyping annotations at run time',
  )


def pytest_configure(config):
  if config.getoption('--check-shapes'):
    from jaxtyping import install_import_hook

    install_import_hook('simgan_jax', 'conftest.check_types')


def pytest_collection_modifyitems(items):
  """Begin with the files that start processes: they take longest."""
  slow = {item.path for item in items if 'environment' in item.fixturenames}
  items.sort(key=lambda item: item.path not in slow)


def check_types(function):
  """Check arguments at run time, where an int may stand for a float."""
  import beartype

  conf = beartype.BeartypeConf(is_pep484_tower=True)
  return beartype.beartype(function, conf=conf)


@pytest.fixture(scope='module')
def optimized():
  """Compile better: for tests that compute more than they compile."""
  jax.config.update('jax_disable_most_optimizations', False)
  yield
  jax.config.update('jax_disable_most_optimizations', True)


@pytest.fixture
def load(request, tmp_path):
  """Return a function that loads a folder of the test module's `SOURCE`."""
  from simgan_jax.data import cache, inputs

  def load(path, **options):
    options = {'height': 35, 'width': 55} | options
    source = inputs.make_source(request.module.SOURCE, path=path, **options)
    return cache.load(source, tmp_path / 'cache')

  return load


@pytest.fixture(scope='session')
def browser():
  """Return a real browser without a window, or skip."""
  from playwright import sync_api

  with sync_api.sync_playwright() as playwright:
    paths = [
        playwright.chromium.executable_path,
        *map(shutil.which, BROWSERS),
    ]
    path = next((p for p in paths if p and os.path.exists(p)), None)
    if not path:
      pytest.skip('no browser: run python -m playwright install chromium')
    browser = playwright.chromium.launch(executable_path=path)
    yield browser
    browser.close()


@pytest.fixture(scope='session')
def shared(tmp_path_factory):
  """Return a folder that pytest-xdist's workers share, empty at the start."""
  folder = tmp_path_factory.getbasetemp()
  if 'PYTEST_XDIST_WORKER' in os.environ:
    folder = folder.parent
  (folder / 'shared').mkdir(exist_ok=True)
  return folder / 'shared'


@pytest.fixture(scope='session')
def data_dir(shared):
  return str(shared / 'data')


@pytest.fixture(scope='session')
def environment(shared):
  cache = {'XDG_CACHE_HOME': str(shared / 'cache')}
  return os.environ | cache | {'PYTHONWARNINGS': ''}


@pytest.fixture(scope='session')
def command(data_dir, environment):
  """Return a function that starts a script of ours in its own process."""

  def start(script, workdir, *flags, variables=()):
    options = f'--workdir={workdir}', f'--data_dir={data_dir}', *flags
    env = environment | dict(variables)
    return Process([script, *options], cwd=ROOT, env=env)

  return start


@pytest.fixture(scope='session')
def run(command):
  def wait(script, workdir, *flags):
    process = command(script, workdir, *flags)
    output, error = process.communicate()
    return process.returncode, output, error

  return wait


@pytest.fixture(scope='session')
def run_as_user(data_dir, environment):
  """Return a function that runs a script without what hides chatter."""
  plain = environment.copy()
  for name in ('TF_CPP_MIN_LOG_LEVEL', 'PYTHONWARNINGS'):
    del plain[name]

  def run_as_user(script, workdir, *flags):
    options = f'--workdir={workdir}', f'--data_dir={data_dir}', *flags
    return run_alone([script, *options], cwd=ROOT, env=plain)

  return run_as_user


@pytest.fixture(scope='session')
def finished(run_as_user, shared, tmp_path_factory):
  """Return the workdir of an uninterrupted run, a copy for each worker."""
  made = shared / 'runs'
  with (shared / 'runs.lock').open('w') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not (made / 'stderr').exists():
      _, error = run_as_user('train.py', made / 'finished', *SHRUNK)
      (made / 'stderr').write_text(error)
  copy = tmp_path_factory.mktemp('runs')
  shutil.copytree(made, copy, dirs_exist_ok=True)
  return copy / 'finished'


@pytest.fixture(scope='session')
def evaluated(finished, run_as_user):
  """Return what eval.py printed and wrote about the uninterrupted run."""
  output, error = run_as_user('eval.py', finished)
  finished.with_name('stderr_of_eval').write_text(error)
  return output, json.loads((finished / 'eval/metrics.json').read_text())
