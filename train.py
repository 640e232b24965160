"""Train a SimGAN: python train.py --config=configs/eyes.py."""

from absl import flags

from simgan_jax.machine import devices
from simgan_jax.settings import command_line, validation
from simgan_jax.settings import config as config_lib

_CONFIG = command_line.define_config()
_WORKDIR = command_line.define_path(
    'workdir', None, 'Folder of the run; the default is runs/<name>.'
)
_DATA_DIR = command_line.define_data_dir()
_NUM_DEVICES = flags.DEFINE_integer(
    'num_devices',
    0,
    'Number of devices that share a batch; 0 = as many as possible.',
    0,
)
_DISTRIBUTED = flags.DEFINE_bool(
    'distributed', False, 'Join the other processes that run this command.'
)


def main() -> None:
  """Train or continue a run."""
  config = _CONFIG.value
  validation.validate(config)
  if _DISTRIBUTED.value:
    devices.connect()
  else:
    devices.use_cores(
        config_lib.divisible_size(config), num_devices=_NUM_DEVICES.value
    )
  devices.cache_programs()
  devices.start()
  # Imported after use_cores, because the loop may start a JAX backend.
  from simgan_jax.machine import processes
  from simgan_jax.training import loop

  workdir = _WORKDIR.value or f'runs/{config.name}'
  summary = loop.train(
      config,
      workdir=workdir,
      data_dir=_DATA_DIR.value,
      num_devices=_NUM_DEVICES.value,
  )
  if not processes.is_first():
    return
  memory = devices.describe_memory(summary['peak_memory_gib'])
  print(
      f'round {summary["rounds"]:,} after {summary["wall_seconds"]:,} s on'
      f' {summary["device"]}, peak memory {memory}; sample images are in'
      f' {workdir}/samples; next: python refine.py --workdir={workdir} or, with'
      ' labelled real images, eval.py'
  )


if __name__ == '__main__':
  command_line.run(main)
