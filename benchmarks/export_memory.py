"""Peak memory of refine.py, with a separate process per number of images.

    python -m benchmarks.export_memory

Refines folders of random images of 55 x 35 pixels with a small, untrained
refiner.
"""

import json
import os
import tempfile

import numpy as np
from absl import app, flags
from PIL import Image

from benchmarks import measure

_NUMBERS = flags.DEFINE_list(
    'num_images', ['1000', '8000'], 'Numbers of images.'
)
_FORMATS = flags.DEFINE_list('formats', ['folder', 'npz'], 'Formats to write.')
_ONE = flags.DEFINE_list('one', [], 'Number and format; measure only these.')


def _make_run(workdir: str) -> None:
  """Write a run of one round with a tiny refiner of random parameters."""
  import jax.numpy as jnp

  from configs import eyes
  from simgan_jax.machine import mesh as mesh_lib
  from simgan_jax.measures import selection
  from simgan_jax.training import build, checkpoint
  from simgan_jax.training import workdir as workdir_lib

  config = eyes.get_config()
  config.batch_size, config.history_size = 4, 8
  config.refiner.num_features, config.refiner.num_blocks = 4, 1
  workdir_lib.claim_workdir(workdir, config)
  state = build.make_state_fn(config, mesh_lib.make_mesh(1))()
  rule = selection.Rule(config.data.width, config.num_rounds)
  checkpoints = checkpoint.Checkpoints(workdir, rule=rule)
  checkpoints.save(1, state._replace(round=jnp.int32(1)))
  checkpoints.close()


def _measure_one(num_images: int, kind: str) -> None:
  """Refine `num_images` images and print the memory as JSON."""
  from simgan_jax.machine import devices

  devices.use_cores(128)
  from simgan_jax.refining import refined_set

  generator = np.random.default_rng(0)
  with tempfile.TemporaryDirectory() as folder:
    workdir, path = os.path.join(folder, 'run'), os.path.join(folder, 'images')
    _make_run(workdir)
    os.mkdir(path)
    for i in range(num_images):
      pixels = generator.integers(0, 256, (35, 55), np.uint8)
      Image.fromarray(pixels).save(os.path.join(path, f'{i:06d}.png'))
    found = refined_set.write(
        workdir=workdir,
        output=os.path.join(folder, 'refined'),
        kind=kind,
        path=path,
    )
  assert found['images'] == num_images
  print(json.dumps(devices.peak_memory_gib()))


def main(_) -> None:
  """Measure each number in its own process; print the table."""
  if _ONE.value:
    _measure_one(int(_ONE.value[0]), _ONE.value[1])
    return
  rows = []
  for kind in _FORMATS.value:
    for num_images in _NUMBERS.value:
      found = measure.run_one('benchmarks.export_memory', num_images, kind)
      rows.append([kind, int(num_images), found['host']])
  measure.show(
      'Peak memory of refine.py, GiB', ('format', 'images', 'resident'), rows
  )


if __name__ == '__main__':
  app.run(main)
