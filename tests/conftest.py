"""Strict JAX for every test: several devices, no silent broadcasting."""

import json
import os
import shutil
import subprocess
import sys

import jax
import pytest
from runs import ROOT, SHRUNK

# Before the first array: a backend cannot grow devices later.
jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_platforms', 'cpu')
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


def check_types(function):
  """Check arguments at run time, where an int may stand for a float."""
  import beartype

  conf = beartype.BeartypeConf(is_pep484_tower=True)
  return beartype.beartype(function, conf=conf)


@pytest.fixture
def load(request, tmp_path):
  """Return a function that loads a folder of the test module's `SOURCE`."""
  from simgan_jax.data import sources

  def load(path, **options):
    size = {'height': 35, 'width': 55}
    return sources.load(
        request.module.SOURCE,
        path=path,
        data_dir=tmp_path / 'cache',
        **size | options,
    )

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
  process = subprocess.run(
      [
          *(sys.executable, 'train.py', f'--workdir={workdir}'),
          *(f'--data_dir={data_dir}', *SHRUNK),
      ],
      cwd=ROOT,
      env=environment,
      check=True,
      capture_output=True,
  )
  workdir.with_name('stderr').write_bytes(process.stderr)
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
