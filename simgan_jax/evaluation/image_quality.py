"""What refining did to the images: their realism, and their labels."""

import math
from typing import Any

import numpy as np
from jax.sharding import Mesh
from jaxtyping import UInt8

from simgan_jax.data import inputs
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.evaluation import tasks
from simgan_jax.machine import batching
from simgan_jax.measures import (
    depth_noise,
    estimation_errors,
    label_shift,
    realism,
)
from simgan_jax.settings import config as config_lib

NUM_PAIRS = 1_000  # images and their refinements in which the iris is searched


def _plain(value: Any) -> Any:
  """Return nested tuples as dictionaries of JSON's types, NaN as None."""
  if hasattr(value, '_asdict'):
    return {name: _plain(v) for name, v in value._asdict().items()}
  if isinstance(value, tuple):
    return [_plain(v) for v in value]
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value


def measure_realism(
    synthetic: UInt8[np.ndarray, 'n h w c'],
    refined: UInt8[np.ndarray, 'n h w c'],
    real: LabelledImages,
    *,
    seed: int = 0,
) -> dict[str, Any]:
  """Return how far synthetic and refined images are from real ones.

  Both are told from real images by a classifier of their own, on held-out
  persons and images, and compared with them by a kernel distance on features
  of one classifier, trained on real against synthetic images.

  Args:
    synthetic: [n, h, w, c] uint8.
    refined: [n, h, w, c] uint8, of the same images.
    real: the real images that the refiner learnt from, no labels.
    seed: of what is held out and of the classifiers.

  Raises:
    InputError: when there are too few images.
  """
  subjects = realism.known_subjects(real.subjects)
  found: dict[str, Any] = {}
  params = None
  for name, images in (('synthetic', synthetic), ('refined', refined)):
    result = realism.classify(real.images, subjects, images, seed=seed)
    params = result.params if params is None else params
    distance = realism.distance(
        params,
        real.images[result.held_out_real],
        images[result.held_out_other],
        seed=seed,
    )
    found[name] = {
        'accuracy': result.accuracy,
        'standard_error': result.standard_error,
        'kernel_distance': _plain(distance),
    }
  return found


def load_centres(
    config: config_lib.Config, names: np.ndarray
) -> np.ndarray | None:
  """Return the simulator's iris centres [n, 2] in px, None when unknown."""
  return inputs.open_synthetic(config).iris_centres(names)


def inspect(
    config: config_lib.Config,
    synthetic: LabelledImages,
    refined: UInt8[np.ndarray, 'n h w c'],
    real: LabelledImages,
) -> dict[str, Any]:
  """Return `realism` and `label_preservation` of `eval/metrics.json`.

  Args:
    config: the settings of the run.
    synthetic: the simulator's images.
    refined: [n, h, w, c] uint8, their refinements.
    real: the real images that the refiner learnt from.

  Returns:
    Both, as far as there are images enough: a classifier needs some dozens.
    For hands `depth_noise` in place of the iris, which they lack.
  """
  found: dict[str, Any] = {}
  if min(len(refined), len(real.images)) >= realism.MIN_IMAGES:
    found['realism'] = measure_realism(synthetic.images, refined, real)
  if synthetic.joints is not None:
    noise = {
        name: depth_noise.measure(images[choose_pairs(len(images))])
        for name, images in (
            ('synthetic', synthetic.images),
            ('refined', refined),
            ('real', real.images),
        )
    }
    return found | {'depth_noise': {k: _plain(v) for k, v in noise.items()}}
  pairs = choose_pairs(len(refined))
  shift = label_shift.measure(
      *(synthetic.images[pairs], refined[pairs]),
      known_centres=load_centres(config, synthetic.names[pairs]),
  )
  return found | {'label_preservation': {'iris_shift': _plain(shift)}}


def measure_gaze_shift(
    synthetic: UInt8[np.ndarray, 'n h w c'],
    refined: UInt8[np.ndarray, 'n h w c'],
    *,
    params: Any,
    mesh: Mesh,
) -> dict[str, float]:
  """Return by how much an estimator's predictions turn, in degrees."""
  pairs = choose_pairs(len(refined))
  shift = label_shift.gaze_shift_deg(
      *(params, synthetic[pairs], refined[pairs]),
      mesh=mesh,
      batch_size=batching.BATCH_SIZE,
  )
  return {'mean': shift.mean, 'median': shift.median}


def measure_joint_shift(
    synthetic: LabelledImages,
    refined: UInt8[np.ndarray, 'n h w c'],
    *,
    task: tasks.Task,
    params: Any,
    mesh: Mesh,
) -> dict[str, float]:
  """Return by how far an estimator's joints move, in the task's pixels."""
  pairs = choose_pairs(len(refined))
  before, after = (
      task.predict(
          params, images[pairs], mesh=mesh, batch_size=batching.BATCH_SIZE
      )
      for images in (synthetic.images, refined)
  )
  found = estimation_errors.summarize(
      task.measure_errors(after, synthetic._replace(joints=before)),
      task.measure,
  )
  return {'mean': found.mean, 'median': found.median}


def choose_pairs(num_images: int) -> np.ndarray:
  """Return the numbers of `NUM_PAIRS` images, evenly spread, or all."""
  return batching.spread(num_images, NUM_PAIRS)
