"""Refining with a refiner of no effect."""

import os
import types

import numpy as np
import pytest

from configs import eyes
from simgan_jax.machine import files as files_lib
from simgan_jax.refining import refined_set
from simgan_jax.settings import stored
from simgan_jax.training import refiners


@pytest.fixture
def refine(tmp_path, monkeypatch):
  """Return a function that writes originals with a refiner of no effect."""
  chosen = types.SimpleNamespace(round=1, rule='best')
  monkeypatch.setattr(
      refiners, 'load_refiner', lambda *_, **__: (_Refiner, chosen)
  )
  monkeypatch.setattr(
      refined_set.shards,
      'make_refine',
      lambda *_, **__: lambda _, images: images,
  )
  config = eyes.get_config()
  synthetic = config.data.synthetic

  def refine(
      path,
      output=tmp_path / 'out',
      workdir=None,
      kind='folder',
      flag='',
      **data,
  ):
    for name, value in data.items():
      where = config.data if hasattr(config.data, name) else synthetic
      setattr(where, name, value)
    workdir = workdir or str(tmp_path / 'run')
    files_lib.write_text(
        os.path.join(workdir, 'config.json'), stored.to_json(config)
    )
    return refined_set.write(
        workdir=workdir,
        output=str(output),
        kind=kind,
        path=str(path),
        on_error=flag,
    )

  return refine


class _Refiner:
  params = {'kernel': np.zeros(3)}
