"""Strict JAX for every test: several devices, no silent broadcasting."""

import os
import shutil

import jax
import pytest

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
