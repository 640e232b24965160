"""TensorBoard files are left out, in one line, where they cannot be written."""

import sys

import numpy as np
import tensorflow as tf

from simgan_jax.report import tensorboard


def _write(workdir):
  writer = tensorboard.Writer(str(workdir))
  writer.write_scalars(1, {'loss': 0.5})
  writer.write_images(1, {'sheet': np.zeros((1, 2, 2, 3), np.uint8)})
  writer.close()


def test_with_tensorflow(tmp_path, capsys):
  _write(tmp_path)
  (file,) = tmp_path.glob('events.out.tfevents.*')
  events = tf.compat.v1.train.summary_iterator(str(file))
  values = {
      value.tag: (event.step, tf.make_ndarray(value.tensor))
      for event in events
      for value in event.summary.value
  }
  assert values['loss'] == (1, 0.5)
  step, (width, height, _) = values['sheet']
  assert (step, width, height) == (1, b'2', b'2')
  assert not capsys.readouterr().err


def test_without_tensorflow(tmp_path, capsys, monkeypatch):
  monkeypatch.setitem(sys.modules, 'tensorflow', None)
  _write(tmp_path)
  assert not list(tmp_path.iterdir())
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith('no TensorBoard files are written')
