"""Strict JAX for every test: several devices, no silent broadcasting."""

import os

import jax

# Before the first array: a backend cannot grow devices later.
jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_platforms', 'cpu')
jax.config.update('jax_numpy_rank_promotion', 'raise')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')


def pytest_addoption(parser):
  parser.addoption(
      '--check-shapes',
      action='store_true',
      help='check the jaxtyping annotations at run time',
  )


def pytest_configure(config):
  if config.getoption('--check-shapes'):
    from jaxtyping import install_import_hook

    install_import_hook('simgan_jax', 'beartype.beartype')
