"""Prepare a run's data: python prepare.py --config=configs/eyes.py.

train.py and eval.py prepare data when they first need it, with a thread a core.
This command is for data that take long; --beam_options uses several machines.
With --check it says what would be read, draws some of it, and prepares nothing.
"""

from absl import flags

from simgan_jax.data import inputs
from simgan_jax.machine import devices
from simgan_jax.report import data_check
from simgan_jax.settings import command_line, validation

_CONFIG = command_line.define_config()
_DATA_DIR = command_line.define_data_dir()
_CHECK = flags.DEFINE_bool(
    'check', False, 'Say what would be read; no path need be given.'
)
_NUM_WORKERS = flags.DEFINE_integer(
    'num_workers', 0, 'Threads that read files; 0 = one for each core.', 0
)
_BEAM_OPTIONS = flags.DEFINE_list(
    'beam_options',
    [],
    'Flags of Apache Beam without dashes, such as runner=DirectRunner,'
    'direct_num_workers=4: a pipeline reads the files instead.',
)


def main() -> None:
  """Prepare the data sets of the settings and print their numbers of images."""
  devices.cache_programs()  # of the built-in simulators
  config, data_dir = _CONFIG.value, _DATA_DIR.value
  if _CHECK.value:
    data_check.run(config)
    return
  validation.validate(config)
  found = inputs.prepare(
      config,
      data_dir=data_dir,
      num_workers=_NUM_WORKERS.value,
      beam_options=[f'--{option}' for option in _BEAM_OPTIONS.value],
  )
  for name, number in found.items():
    print(f'{name}: {number:,} images, prepared in {data_dir}')


if __name__ == '__main__':
  command_line.run(main)
