"""Export the refiner: python -m simgan_jax.refining.export --workdir=DIR."""

import os

import jax
import numpy as np

from simgan_jax.machine import devices, errors, files
from simgan_jax.settings import command_line, stored

_WORKDIR = command_line.define_path(
    'workdir', 'runs/eyes', 'Folder of the run.'
)
_OUTPUT = command_line.define_path(
    'output', 'refiner.stablehlo', 'File to write.'
)


def main() -> None:
  """Write the refiner of the run's best checkpoint as one program."""
  workdir, output = _WORKDIR.value, os.path.abspath(_OUTPUT.value)
  config = stored.read_run(workdir)
  devices.start()
  from simgan_jax.machine import mesh as mesh_lib
  from simgan_jax.refining import program
  from simgan_jax.training import refiners

  refiner, chosen = refiners.load_refiner(
      config, workdir=workdir, mesh=mesh_lib.make_mesh(1)
  )
  if not all(np.isfinite(x).all() for x in jax.tree.leaves(refiner.params)):
    raise errors.InputError(
        f'the refiner of round {chosen.round} in {workdir} has parameters that'
        ' are not numbers; train again with a smaller learning rate.'
    )
  shape = config.data.height, config.data.width, config.data.channels
  has_noise = config.refiner.noise_channels > 0
  exported = program.make_program(refiner, shape, has_noise=has_noise)
  content = bytes(exported.serialize())
  try:
    files.write_bytes(output, content)
  except OSError as error:
    raise errors.InputError(
        f'{output} cannot be written ({error}); give another --output.'
    ) from error
  print(
      f'{_OUTPUT.value}: refiner of round {chosen.round:,} of {workdir} on'
      f' {", ".join(program.PLATFORMS)}, for uint8 images [any number,'
      f' {", ".join(map(str, shape))}], {len(content) / 1e6:.1f} MB'
  )
  if has_noise:
    print('Give it a seed for each image, too, uint32 [any number].')
  if config.data.match_histograms:
    print(
        'This run refines images with the histograms of real ones: give the'
        ' program such images, or use refine.py.'
    )


if __name__ == '__main__':
  command_line.run(main)
