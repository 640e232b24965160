"""TensorBoard files, where TensorFlow is installed to write them."""

import sys
from typing import Any


class NoWriter:
  """Takes what a writer of TensorBoard files takes, and writes nothing."""

  def write_scalars(self, step: int, scalars: Any) -> None:
    """Leave out numbers."""

  def write_images(self, step: int, images: Any) -> None:
    """Leave out images."""

  def close(self) -> None:
    """Finish nothing."""


def open_writer(workdir: str) -> Any:
  """Return a writer of TensorBoard files in `workdir`, in the background.

  Without clu and TensorFlow it says so and writes nothing.
  """
  try:
    from clu import metric_writers
  except ImportError as error:
    print(f'no TensorBoard files are written: {error}.', file=sys.stderr)
    return NoWriter()
  return metric_writers.AsyncMultiWriter(
      [metric_writers.SummaryWriter(workdir)]
  )
