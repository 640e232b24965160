"""Draw docs/refined.png: python docs/make_picture.py runs/eyes runs/hands.

It shows sheets synthetic | refined | real of finished runs, one above another.
"""

import os
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).parent.parent
NUM_IMAGES = 4  # of each kind and run


def draw_run(workdir: str, data_dir: str) -> np.ndarray:
  """Return a sheet synthetic | refined | real of a run."""
  from simgan_jax.data import inputs
  from simgan_jax.machine import batching
  from simgan_jax.machine import mesh as mesh_lib
  from simgan_jax.report import sheets
  from simgan_jax.settings import stored
  from simgan_jax.training import refiners

  config = stored.read_run(workdir)
  mesh = mesh_lib.make_mesh(1)
  refiner, _ = refiners.load_refiner(config, workdir=workdir, mesh=mesh)
  synthetic = inputs.load_synthetic(config, data_dir=data_dir).images
  real = inputs.load_real(config, data_dir=data_dir).images
  chosen = batching.spread(len(synthetic), NUM_IMAGES)
  matched = refiners.match_histograms(
      config, synthetic[chosen], workdir=workdir, numbers=chosen
  )
  refined = refiners.refine_images(refiner, matched, mesh=mesh, batch_size=8)
  return sheets.draw_sheet(
      synthetic[chosen],
      refined,
      real[batching.spread(len(real), NUM_IMAGES)],
  )


def main() -> None:
  """Draw the runs that the command line names."""
  from simgan_jax.report import sheets

  data_dir = os.path.expanduser('~/tensorflow_datasets')
  panels = [draw_run(workdir, data_dir) for workdir in sys.argv[1:]]
  width = max(panel.shape[1] for panel in panels)
  picture = np.concatenate(
      [
          np.pad(
              panel,
              ((0, 12), (0, width - panel.shape[1]), (0, 0)),
              constant_values=255,
          )
          for panel in panels
      ]
  )
  sheets.write_png(str(ROOT / 'docs/refined.png'), picture)


if __name__ == '__main__':
  sys.path.insert(0, str(ROOT))
  main()
