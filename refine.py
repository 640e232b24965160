"""Write the refined data set: python refine.py --output=refined.

It holds every synthetic image of a run once, with its name and labels. The same
command continues after an interruption.
"""

from absl import flags

from simgan_jax.machine import devices
from simgan_jax.settings import command_line

_WORKDIR = command_line.define_path(
    'workdir', 'runs/eyes', 'Folder of the run.'
)
_OUTPUT = command_line.define_path(
    'output', '', 'Folder of the refined images, empty or new.'
)
_FORMAT = flags.DEFINE_enum(
    'format',
    'folder',
    ['folder', 'tfds', 'npz'],
    'Image files with labels.csv, a TensorFlow data set or NumPy arrays.',
)
_INPUT = command_line.define_path(
    'input',
    '',
    "Folder or packed file to refine instead of the run's synthetic images; it"
    ' must be of the same source.',
)
_SAMPLES = flags.DEFINE_integer(
    'samples',
    1,
    'Refined images of each one, of a refiner with noise_channels; their files'
    ' are NAME.sample0.png and so on.',
)
_ON_ERROR = command_line.define_on_error()
# All commands take it; this one reads images from their source.
command_line.define_data_dir()


def main() -> None:
  """Refine every image and print where the results are."""
  workdir, output = _WORKDIR.value, _OUTPUT.value or f'{_WORKDIR.value}/refined'
  devices.use_cores(128)
  devices.cache_programs()
  devices.start()
  # After use_cores: these imports may start a JAX backend.
  from simgan_jax.refining import refined_set

  found = refined_set.write(
      workdir=workdir,
      output=output,
      kind=_FORMAT.value,
      path=_INPUT.value,
      on_error=_ON_ERROR.value,
      num_samples=_SAMPLES.value,
  )
  message = (
      f'{output}: {found["images"]:,} images, refined with round'
      f' {found["checkpoint"]["round"]:,} of {workdir}'
  )
  if left_out := len(found['left_out']):
    message += f', {left_out:,} left out: see manifest.json'
  for note in found['notes']:
    print(note)
  print(message)


if __name__ == '__main__':
  command_line.run(main)
