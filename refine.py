"""Write the refined data set: python refine.py --output=refined.

Every synthetic image of a run once, with its name and labels. Stopped, it goes
on with the same command.
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
    'Image files with labels.csv, a TensorFlow data set, or arrays.',
)
_INPUT = command_line.define_path(
    'input',
    '',
    "Other images than the run's synthetic ones, of the same source: a folder"
    ' or, packed, a file.',
)
# All commands take it; this one reads images from their source.
command_line.define_data_dir()


def main() -> None:
  """Refine every image, say where they are."""
  workdir, output = _WORKDIR.value, _OUTPUT.value or f'{_WORKDIR.value}/refined'
  devices.use_cores(128)
  devices.cache_programs()
  # After use_cores: these imports may start a JAX backend.
  from simgan_jax.refining import refined_set

  found = refined_set.write(
      workdir=workdir,
      output=output,
      kind=_FORMAT.value,
      path=_INPUT.value,
  )
  left_out = len(found['left_out'])
  print(
      f'{output}: {found["images"]:,} images, refined with round'
      f' {found["checkpoint"]["round"]:,} of {workdir}'
      + f', {left_out:,} left out: see manifest.json' * bool(left_out)
  )


if __name__ == '__main__':
  command_line.run(main)
