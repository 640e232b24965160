"""TensorBoard files, where TensorFlow is installed to write them."""

import sys
from collections.abc import Mapping

import numpy as np


class Writer:
  """Writes TensorBoard files; without TensorFlow, it writes nothing."""

  def __init__(self, workdir: str):
    """Open a file in `workdir`, or say that TensorFlow is missing."""
    try:
      import tensorflow as tf
    except ImportError as error:
      print(f'no TensorBoard files are written: {error}.', file=sys.stderr)
      self._file = None
      return
    self._summary = tf.summary
    # Pages of TensorBoard show new values within 10 s.
    self._file = tf.summary.create_file_writer(workdir, flush_millis=10_000)

  def write_scalars(self, step: int, scalars: Mapping[str, float]) -> None:
    """Write numbers by name."""
    if self._file:
      with self._file.as_default(step):
        for name, value in scalars.items():
          self._summary.scalar(name, value)

  def write_images(self, step: int, images: Mapping[str, np.ndarray]) -> None:
    """Write images by name, [n, height, width, 3] uint8 each."""
    if self._file:
      with self._file.as_default(step):
        for name, image in images.items():
          self._summary.image(name, image)

  def close(self) -> None:
    """Finish the file."""
    if self._file:
      self._file.close()
