"""A run before its first step: data, devices, checkpoints, and its header."""

import math
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from simgan_jax.data import check, histograms, inputs
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.machine import devices, processes
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.method import state as state_lib
from simgan_jax.settings import config as config_lib
from simgan_jax.training import batches as batches_lib
from simgan_jax.training import build, checkpoint, refiners


class Run(NamedTuple):
  """What stays the same from the start of a run to its end."""

  config: config_lib.Config
  workdir: str
  mesh: jax.sharding.Mesh
  synthetic: LabelledImages
  matched: np.ndarray  # what the refiner gets, [n, h, w, c] uint8
  real: LabelledImages
  batches: batches_lib.Batches
  checkpoints: checkpoint.Checkpoints


def read_data(
    config: config_lib.Config, data_dir: str
) -> tuple[LabelledImages, LabelledImages]:
  """Return synthetic and real images, which the first process prepares."""
  if not processes.is_first():
    processes.wait_for_all('data')
  synthetic = inputs.load_synthetic(config, data_dir=data_dir)
  real = inputs.load_real(config, data_dir=data_dir)
  inputs.check_sizes(config, synthetic, real)
  if processes.is_first():
    processes.wait_for_all('data')
  return synthetic, real


def open_run(
    config: config_lib.Config,
    workdir: str,
    num_devices: int,
    synthetic: LabelledImages,
    real: LabelledImages,
) -> Run:
  """Return the run in a working directory that is held."""
  mesh = mesh_lib.make_mesh(num_devices)
  if config.data.match_histograms and processes.is_first():
    histograms.write(workdir, histograms.quantiles(real.images))
  processes.wait_for_all('workdir')
  matched = refiners.match_histograms(config, synthetic.images, workdir=workdir)
  batches = batches_lib.Batches(
      matched,
      real.images,
      mesh=mesh,
      seed=config.seed,
      on_devices=config.data.cache == 'device',
  )
  checkpoints = checkpoint.Checkpoints(
      workdir, rule=selection.Rule(config.data.width, config.num_rounds)
  )
  return Run(
      config, workdir, mesh, synthetic, matched, real, batches, checkpoints
  )


def describe(
    run: Run, state: state_lib.SimGANState
) -> tuple[dict[str, Any], Mapping[str, str]]:
  """Print what a run is and what is odd about its data; return both."""
  config, first_round = run.config, int(state.round)
  device = devices.describe(run.mesh.size)
  say(
      f'{run.workdir}: {len(run.synthetic.images):,} synthetic and'
      f' {len(run.real.images):,} real images, {device},'
      f' rounds {first_round:,} to {config.num_rounds:,}\n'
      + build.describe_run(config, state)
  )
  found = check.check(
      run.synthetic,
      run.matched,
      run.real,
      num_patches=math.prod(build.count_patches(config, state)),
      weight=config.self_regularization_weight,
  )
  say('\n'.join(found.facts))
  for sentence in found.warnings:
    say(f'warning: {sentence}', file=sys.stderr)
  facts = {
      'started': time.strftime('%Y-%m-%d %H:%M:%S'),
      'first_round': first_round,
      'device': device,
      'synthetic_images': len(run.synthetic.images),
      'real_images': len(run.real.images),
      'left_out': [
          *run.synthetic.report.left_out,
          *run.real.report.left_out,
      ],
      'data': '; '.join(found.facts),
  }
  return facts, {f'data_{i}': s for i, s in enumerate(found.warnings, 1)}


def say(text: str, **options: Any) -> None:
  """Print on the first process only."""
  if processes.is_first():
    print(text, **options)
