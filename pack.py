"""Pack a run's data: python pack.py --config=configs/eyes.py --output=packed.

Writes synthetic.npz, real.npz and test.npz, which train.py and eval.py read
without TensorFlow, for example on a machine with an accelerator.
"""

import os
from collections.abc import Mapping

from simgan_jax.data import arrays, inputs, labelled_images
from simgan_jax.machine import devices, errors, files
from simgan_jax.settings import command_line, validation
from simgan_jax.settings import config as config_lib

_CONFIG = command_line.define_config()
_OUTPUT = command_line.define_path(
    'output', 'packed', 'Folder of the files; made when missing.'
)
_DATA_DIR = command_line.define_data_dir()


def _load(
    config: config_lib.Config, data_dir: str
) -> Mapping[str, labelled_images.LabelledImages]:
  """Return the data sets by name, with the labels that eval.py would read."""
  try:
    return inputs.load_with_targets(config, data_dir=data_dir)[1]
  except errors.InputError as error:
    # Training needs no labels.
    print(
        f'warning: packed without labels for eval.py: {error} Its flags, such'
        ' as --labels, are --config.evaluation.labels here.'
    )
  return {
      'synthetic': inputs.load_synthetic(config, data_dir=data_dir),
      'real': inputs.load_real(config, data_dir=data_dir),
      'test': inputs.load_test(config, data_dir=data_dir),
  }


def main() -> None:
  """Write the three data sets of the settings, print how to train on them."""
  config, data_dir = _CONFIG.value, _DATA_DIR.value
  validation.validate(config)
  devices.use_cores(config.evaluation.batch_size)  # the same as in eval.py
  devices.cache_programs()
  options = []
  for name, data in _load(config, data_dir).items():
    centres = None
    if name == 'synthetic':
      centres = inputs.open_synthetic(config).iris_centres(data.names)
    path = os.path.join(_OUTPUT.value, f'{name}.npz')
    try:
      arrays.write(path, data, iris_centres=centres)
    except OSError as error:
      raise files.cannot_write(path, error, '--output') from error
    size = os.path.getsize(path) / 1e6
    print(f'{path}: {len(data.images):,} images, {size:.1f} MB')
    field = f'--config.data.{name}'
    options += [f'{field}.name=arrays', f'{field}.path={path}']
  print(f'train on them with {" ".join(options)}')


if __name__ == '__main__':
  command_line.run(main)
