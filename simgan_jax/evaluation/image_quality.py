"""What refining did to the images: their realism, and their labels."""

import math
from typing import Any

import numpy as np
from jax.sharding import Mesh
from jaxtyping import UInt8

from simgan_jax.data import inputs
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.evaluation import tasks
from simgan_jax.evaluation.run import Run
from simgan_jax.machine import batching
from simgan_jax.measures import (
    depth_noise,
    estimation_errors,
    label_shift,
    realism,
    units,
)

NUM_PAIRS = 1_000  # images and refinements that shifts are measured on


def _plain(value: Any) -> Any:
  """Return nested tuples as JSON's dictionaries and lists, NaN as None."""
  if hasattr(value, '_asdict'):
    return {name: _plain(v) for name, v in value._asdict().items()}
  if isinstance(value, tuple):
    return [_plain(v) for v in value]
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value


def _measure_realism(
    synthetic: UInt8[np.ndarray, 'n h w c'],
    refined: UInt8[np.ndarray, 'n h w c'],
    real: LabelledImages,
) -> dict[str, Any]:
  """Return how far synthetic and refined images are from real ones.

  Each set has a classifier of its own, tested on held-out persons and images.
  Both kernel distances use features of the classifier of synthetic images.
  """
  subjects = realism.known_subjects(real.subjects)
  found, params = {}, None
  for name, images in (('synthetic', synthetic), ('refined', refined)):
    result = realism.classify(real.images, subjects, images, seed=0)
    params = params or result.params
    distance = realism.distance(
        params,
        real.images[result.held_out_real],
        images[result.held_out_other],
    )
    found[name] = {
        'accuracy': result.accuracy,
        'standard_error': result.standard_error,
        'kernel_distance': _plain(distance),
    }
  return found


def assess(run: Run, refined: UInt8[np.ndarray, 'n h w c']) -> dict[str, Any]:
  """Return what `eval/metrics.json` says of the images.

  This is `realism`, if there are enough images for a classifier, for gaze
  `label_preservation` and for hands `depth_noise`.
  """
  synthetic, real, found = run.synthetic, run.real, {}
  before = synthetic.images
  if min(len(refined), len(real.images)) >= realism.MIN_IMAGES:
    found['realism'] = _measure_realism(before, refined, real)
  if run.task.unit is units.HANDS:
    sets = {'synthetic': before, 'refined': refined, 'real': real.images}
    noise = {}
    for name, images in sets.items():
      chosen = images[batching.spread(len(images), NUM_PAIRS)]
      noise[name] = _plain(depth_noise.measure_noise(chosen))
    found['depth_noise'] = noise
  if run.task.unit is units.GAZE:
    pairs = batching.spread(len(refined), NUM_PAIRS)
    source = inputs.open_synthetic(run.config)
    shift = label_shift.measure_iris_shift(
        before[pairs],
        refined[pairs],
        known_centres=source.iris_centres(synthetic.names[pairs]),
    )
    found['label_preservation'] = {'iris_shift': _plain(shift)}
  return found


def measure_label_shift(
    synthetic: LabelledImages,
    refined: UInt8[np.ndarray, 'n h w c'],
    *,
    task: tasks.Task,
    params: Any,
    mesh: Mesh,
) -> dict[str, dict[str, float]]:
  """Return how far an estimator's predictions move when images are refined.

  The estimator should know refined images too: one trained on synthetic images
  only may move because refined ones look unfamiliar.

  Returns:
    Mean and median over `NUM_PAIRS` images: degrees as 'gaze_shift_deg', the
    pixels of hands as 'joint_shift_px', other tasks in their unit of errors.
  """
  pairs = batching.spread(len(refined), NUM_PAIRS)
  before, after = (
      task.estimator.predict(params, images[pairs], mesh=mesh)
      for images in (synthetic.images, refined)
  )
  unmoved = synthetic.take(pairs).with_labels(task.to_labels(before))
  found = estimation_errors.summarize(task.errors(after, unmoved), task.unit)
  names = {'gaze': 'gaze_shift_deg', 'hands': 'joint_shift_px'}
  name = names.get(task.unit.task, f'shift_{task.unit.name}')
  return {name: {'mean': found.mean, 'median': found.median}}
