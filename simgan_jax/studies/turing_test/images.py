"""The images of a test: real ones of a run, and those of its refiner."""

import os

import numpy as np
from jaxtyping import UInt8

from simgan_jax.data import inputs
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.machine import batching, devices, errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.settings import stored
from simgan_jax.studies.turing_test.trials import NUM_IMAGES, Study
from simgan_jax.training import refiners

POOL_SIZE = 500  # images of each kind to draw a participant's trials from


def _choose(
    source: LabelledImages, domain: str, at_least: int
) -> tuple[list[str], UInt8[np.ndarray, 'n h w c']]:
  """Return names and images, spread over the set and so over persons."""
  size = len(source.images)
  if size < at_least:
    raise errors.InputError(
        f'the {domain} data set has {size} images, fewer than the {at_least}'
        ' that each participant sees; use a run with more.'
    )
  indices = batching.spread(size, POOL_SIZE)
  return source.names[indices].astype(str).tolist(), source.images[indices]


def load_study(workdir: str, *, data_dir: str, kind: str) -> tuple[Study, str]:
  """Return the images of a test, and the path of the file for its answers.

  The real images are the run's test images, which the refiner has never seen.
  Each refiner has an answers file of its own, named by its round. `kind` is
  'refined', or 'synthetic' for the control.

  Raises:
    InputError: If the run or its checkpoint is missing, or has too few images.
  """
  config = stored.read_run(workdir)
  num_images = NUM_IMAGES[kind]
  test = inputs.load_test(config, data_dir=data_dir)
  real_names, real = _choose(test, 'test', num_images)
  synthetic = inputs.load_synthetic(config, data_dir=data_dir)
  names, other = _choose(synthetic, 'synthetic', num_images)
  label = kind
  if kind == 'refined':
    mesh = mesh_lib.make_mesh(devices.choose_number(batching.BATCH_SIZE))
    refiner, chosen = refiners.load_refiner(config, workdir=workdir, mesh=mesh)
    other = refiners.match_histograms(config, other, workdir=workdir)
    other = refiners.refine_images(refiner, other, mesh=mesh)
    label = f'refined_{chosen.round:06d}'
  images = {
      'real': dict(zip(real_names, real, strict=True)),
      kind: dict(zip(names, other, strict=True)),
  }
  path = os.path.join(workdir, 'turing_test', f'answers_{label}.jsonl')
  return Study(kind, images, num_images), path
