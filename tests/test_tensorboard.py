"""TensorBoard files are left out, in one line, where they cannot be written."""

import sys

import numpy as np

from simgan_jax import tensorboard


def _write(workdir):
  writer = tensorboard.open_writer(str(workdir))
  writer.write_scalars(1, {'loss': 0.5})
  writer.write_images(1, {'sheet': np.zeros((1, 2, 2, 3), np.uint8)})
  writer.close()


def test_with_tensorflow(tmp_path, capsys):
  _write(tmp_path)
  assert list(tmp_path.glob('events.out.tfevents.*'))
  assert not capsys.readouterr().err


def test_without_tensorflow(tmp_path, capsys, monkeypatch):
  monkeypatch.setitem(sys.modules, 'clu', None)
  _write(tmp_path)
  assert not list(tmp_path.iterdir())
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith('no TensorBoard files are written')
