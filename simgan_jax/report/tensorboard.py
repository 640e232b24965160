"""TensorBoard files, where TensorFlow is installed to write them."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np


class NoWriter:
  """Takes what a writer of TensorBoard files takes, and writes nothing."""

  def write_scalars(self, step: int, scalars: Any) -> None:
    """Leave out numbers."""

  def write_images(self, step: int, images: Any) -> None:
    """Leave out images."""

  def close(self) -> None:
    """Finish nothing."""


class _Writer:
  """Writes with TensorFlow, which does the writing in the background."""

  def __init__(self, workdir: str):
    import tensorflow as tf

    self._summary = tf.summary
    # Seconds later a page of TensorBoard shows it.
    self._writer = tf.summary.create_file_writer(workdir, flush_millis=10_000)

  def write_scalars(self, step: int, scalars: Mapping[str, float]) -> None:
    with self._writer.as_default(step):
      for name, value in scalars.items():
        self._summary.scalar(name, value)

  def write_images(self, step: int, images: Mapping[str, np.ndarray]) -> None:
    with self._writer.as_default(step):
      for name, image in images.items():
        self._summary.image(name, image)

  def close(self) -> None:
    self._writer.close()


def open_writer(workdir: str) -> Any:
  """Return a writer of TensorBoard files in `workdir`.

  Without TensorFlow it says so and writes nothing.
  """
  try:
    return _Writer(workdir)
  except ImportError as error:
    print(f'no TensorBoard files are written: {error}.', file=sys.stderr)
    return NoWriter()
