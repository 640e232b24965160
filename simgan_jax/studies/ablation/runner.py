"""Running an ablation: every variant is a run of its own.

All run in one process, one after the other. A finished variant is skipped, and
one that was stopped continues from its last checkpoint.
"""

import datetime
import gc
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from simgan_jax.data import inputs
from simgan_jax.evaluation import image_quality, protocol
from simgan_jax.evaluation import run as run_lib
from simgan_jax.machine import batching, errors
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import validation
from simgan_jax.studies.ablation import results
from simgan_jax.studies.ablation.variants import Variant
from simgan_jax.training import loop, refiners
from simgan_jax.training import workdir as workdir_lib

NUM_COLUMNS = 6  # images of each kind on a sheet


def _check(variants: Sequence[Variant], workdir: str) -> None:
  """Check all settings and folders before anything is trained."""
  for variant in variants:
    validation.validate(variant.config)
    source = variant.config.data.synthetic.name
    if source in config_lib.HANDS:
      raise errors.InputError(
          f'--config.data.synthetic.name={source!r} does not work here: the'
          ' ablations and their table are for eyes; give a config of eyes.'
      )
    workdir_lib.check_workdir(
        os.path.join(workdir, variant.name), variant.config
    )


def run(
    variants: Sequence[Variant],
    on_finished: Callable[[], None],
    *,
    workdir: str,
    data_dir: str,
) -> None:
  """Train and evaluate variants, each in `workdir`/NAME after its reference.

  `on_finished` is called after each variant, skipped ones included.

  Raises:
    InputError: If settings do not work, or a folder has a run of other ones.
    NonFiniteError: If a reference diverged.
    Stopped: After SIGTERM or Ctrl-C while training, once the state is saved.
  """
  _check(variants, workdir)
  for number, variant in enumerate(variants, start=1):
    name = f'{variant.name} ({number} of {len(variants)})'
    if results.read(variant, os.path.join(workdir, variant.name)):
      print(f'{name}: finished before', flush=True)
    else:
      print(f'{name}: {variant.title}', flush=True)
      _run_variant(variant, workdir=workdir, data_dir=data_dir)
      # Make room: the next variant needs none of these programs and arrays.
      jax.clear_caches()
      gc.collect()
    on_finished()


def _run_variant(variant: Variant, *, workdir: str, data_dir: str) -> None:
  """Train and evaluate one variant and write its result."""
  start = time.monotonic()
  config = variant.config
  folder = os.path.join(workdir, variant.name)
  is_reference = variant.reference == variant.name
  record: dict[str, Any] = {'rounds': config.num_rounds}
  images: dict[str, np.ndarray] = {}
  try:
    summary = loop.train(config, workdir=folder, data_dir=data_dir)
  except errors.NonFiniteError as error:
    if is_reference:
      raise  # there is nothing to compare the others with
    print(f'{variant.name} diverged, {error}', flush=True)
    record |= {'diverged': str(error).partition(';')[0]}
  else:
    reference = os.path.join(workdir, variant.reference)
    estimators = '' if is_reference else reference
    protocol.evaluate(
        run_lib.read(workdir=folder, data_dir=data_dir),
        estimators_from=estimators,
    )
    change, images = _compare_images(config, workdir=folder, data_dir=data_dir)
    record |= {
        'change_percent': change,
        'seconds_per_round': results.seconds_per_round(folder),
        'training_seconds': summary['wall_seconds'],
        # The times of a continued run are those of its last part.
        'continued': summary['first_round'] > 0,
        'device': summary['device'],
    }
  record['wall_seconds'] = round(time.monotonic() - start, 1)
  record['date'] = datetime.date.today().isoformat()
  results.write(folder, record, images)


def _compare_images(
    config: config_lib.Config, *, workdir: str, data_dir: str
) -> tuple[float, dict[str, np.ndarray]]:
  """Return the mean change in percent of the range, and a sheet's images."""
  synthetic = inputs.load_synthetic(config, data_dir=data_dir).images
  pairs = batching.spread(len(synthetic), image_quality.NUM_PAIRS)
  synthetic = synthetic[pairs]
  mesh = run_lib.make_mesh(config)
  refiner, _ = refiners.load_refiner(config, workdir=workdir, mesh=mesh)
  prepared = refiners.match_histograms(config, synthetic, workdir=workdir)
  refined = refiners.refine_images(refiner, prepared, mesh=mesh)
  real = inputs.load_real(config, data_dir=data_dir).images
  difference = synthetic.astype(np.float32) - refined
  shown = {'synthetic': synthetic, 'refined': refined, 'real': real}
  for kind, images in shown.items():
    columns = np.linspace(0, len(images) - 1, NUM_COLUMNS).astype(int)
    shown[kind] = images[columns]
  return 100 * float(np.abs(difference).mean()) / 255, shown
