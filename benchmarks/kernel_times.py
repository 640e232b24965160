"""Times of the kernels of a round on an accelerator, longest first.

    python -m benchmarks.kernel_times --batch_size=512 --dtype=bfloat16

Profiles rounds of the eyes networks and adds up the time of each kernel, by the
compiler's name for it.
"""

import collections
import glob
import os
import re
import tempfile

import jax
from absl import app, flags

from benchmarks import measure, workload

_BATCH = flags.DEFINE_integer('batch_size', 512, 'Images per step.')
_DTYPE = flags.DEFINE_string('dtype', 'bfloat16', 'Type of the activations.')
_ROUNDS = flags.DEFINE_integer('rounds', 10, 'Rounds to profile.')
_TOP = flags.DEFINE_integer('top', 40, 'Kernels in the table.')
_PROGRAM = flags.DEFINE_string('program', '', 'File for the HLO text.')


def kernel_times(folder: str) -> dict[str, tuple[float, int]]:
  """Return seconds and number of runs of each kernel of a profile."""
  (path,) = glob.glob(os.path.join(folder, '**', '*.xplane.pb'), recursive=True)
  found = collections.defaultdict(lambda: (0.0, 0))
  for plane in jax.profiler.ProfileData.from_file(path).planes:
    if not re.match(r'/device:(GPU|TPU):0', plane.name):
      continue
    for line in plane.lines:
      if not (line.name.startswith('Stream') or line.name == 'XLA Ops'):
        continue
      for event in line.events:
        operation = dict(event.stats).get('hlo_op', '')
        name = f'{operation} {event.name}'[:100]
        seconds, number = found[name]
        found[name] = (seconds + event.duration_ns / 1e9, number + 1)
  return dict(found)


def main(_) -> None:
  """Profile rounds and print the table."""
  if jax.default_backend() == 'cpu':
    raise app.UsageError('a profile of a CPU has no kernels; use a GPU.')
  num_devices = measure.use_devices(_BATCH.value)
  config = workload.make_config(_BATCH.value, _DTYPE.value)
  ours = workload.Ours(config, num_devices=num_devices)
  batch = ours.place(*workload.make_images(config))
  if _PROGRAM.value:
    with open(_PROGRAM.value, 'w', encoding='utf-8') as file:
      file.write(ours.compiled(batch).as_text() or '')
  ours.run([batch] * 3)
  with tempfile.TemporaryDirectory() as folder:
    with jax.profiler.trace(folder):
      ours.run([batch] * _ROUNDS.value)
    found = kernel_times(folder)
  total = sum(seconds for seconds, _ in found.values())
  longest = sorted(found.items(), key=lambda item: -item[1][0])
  rows = [
      [name, number / _ROUNDS.value, 1e3 * seconds / _ROUNDS.value]
      for name, (seconds, number) in longest[: _TOP.value]
  ]
  measure.show(
      f'Kernels of a round at batch {_BATCH.value}, {_DTYPE.value}',
      ('kernel', 'a round', 'ms a round'),
      [*rows, ['all', '', 1e3 * total / _ROUNDS.value]],
  )


if __name__ == '__main__':
  app.run(main)
