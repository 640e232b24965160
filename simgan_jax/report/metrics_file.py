"""The metrics of a run: lines of JSON, one object for each logged round."""

import json
import os

from simgan_jax.machine import files

METRICS = 'metrics.jsonl'  # of the training steps, every `log_every` rounds
INSPECTION = 'inspection.jsonl'  # of the refiner, with every checkpoint


class MetricsFile:
  """A file such as `metrics.jsonl`, to which rows are appended."""

  def __init__(self, workdir: str, *, last_round: int, name: str = METRICS):
    """Open the file and drop the rows after `last_round`.

    A run that was stopped after its last checkpoint wrote those rows; the
    continued run writes them again.
    """
    self._path = os.path.join(workdir, name)
    self.rows = [
        row for row in read_metrics(workdir, name) if row['round'] <= last_round
    ]
    lines = ''.join(json.dumps(row) + '\n' for row in self.rows)
    files.write_text(self._path, lines)

  def append(self, row: dict[str, int | float]) -> None:
    """Add a row; it is on disk when this returns."""
    self.rows.append(row)
    with open(self._path, 'a', encoding='utf-8') as file:
      file.write(json.dumps(row) + '\n')


def read_metrics(
    workdir: str, name: str = METRICS
) -> list[dict[str, int | float]]:
  """Return the rows of such a file, without an incomplete last line."""
  path = os.path.join(workdir, name)
  if not os.path.exists(path):
    return []
  rows = []
  with open(path, encoding='utf-8') as file:
    for line in file:
      try:
        rows.append(json.loads(line))
      except ValueError:
        break
  return rows
