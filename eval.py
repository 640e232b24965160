"""Measure how much refining helped: python eval.py --workdir=runs/eyes."""

import os

from absl import flags

from simgan_jax.machine import devices
from simgan_jax.settings import command_line, stored

_WORKDIR = command_line.define_path(
    'workdir', 'runs/eyes', 'Folder of the run.'
)
_DATA_DIR = command_line.define_data_dir()
_TEST_PATH = command_line.define_path(
    'test_path', '', 'Folder of another test set in the same format.'
)
_TEST_SUBJECTS = flags.DEFINE_string(
    'test_subjects', '', "Other persons to test on, such as '25-32'."
)
_SEEDS = flags.DEFINE_list(
    'seeds', [], 'Seeds of the estimators, such as 0,1,2.'
)
_CHANGES = command_line.define_changes()
_ON_ERROR = command_line.define_on_error()
_REUSE = flags.DEFINE_bool(
    'reuse', False, 'Score the estimators of an earlier call, do not train.'
)
_CHECK_SHAPES = flags.DEFINE_bool(
    'check_shapes',
    False,
    'Ask an estimator of the test images about the synthetic ones, too.',
)


def main() -> None:
  """Train and test the estimators; print and write the tables."""
  workdir = _WORKDIR.value
  seeds = command_line.parse_seeds(_SEEDS.value)
  config = stored.read_run(workdir)
  batch_size = _CHANGES['batch_size'].value or config.evaluation.batch_size
  devices.use_cores(max(1, batch_size))  # a wrong size is refused below
  devices.cache_programs()
  devices.start()
  # Imported after use_cores, because they may start a JAX backend.
  from simgan_jax.evaluation import protocol, run
  from simgan_jax.report import terminal

  trained = run.read(
      workdir=workdir,
      data_dir=_DATA_DIR.value,
      seeds=seeds,
      test_path=_TEST_PATH.value,
      test_subjects=_TEST_SUBJECTS.value,
      on_error=_ON_ERROR.value,
      changes={name: flag.value for name, flag in _CHANGES.items()},
  )
  results = protocol.evaluate(
      trained, reuse=_REUSE.value, check_shapes=_CHECK_SHAPES.value
  )
  print(f'\n{terminal.format_tables(results)}')
  print(f'report: {os.path.join(workdir, "report.html")}')


if __name__ == '__main__':
  command_line.run(main)
