"""How much the samples of a refiner with noise differ, and what stays equal."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import UInt8

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.evaluation import image_quality
from simgan_jax.evaluation.run import Run
from simgan_jax.machine import batching
from simgan_jax.measures import label_shift, patches, units
from simgan_jax.training import refiners

NUM_SAMPLES = 4
_NUM_REAL = 1_000
_NUM_IMAGES = 200  # images of which samples are compared
_NUM_COMPARED = 50  # images whose patches are compared, one with another

Samples = UInt8[np.ndarray, 'sample n h w c']


def count(run: Run) -> int:
  """Return how many samples of each image are refined, 1 without noise."""
  return NUM_SAMPLES if run.config.refiner.noise_channels else 1


def refine(
    run: Run,
    refiner: Any,
    prepared: UInt8[np.ndarray, 'n h w c'],
    *,
    on_progress: Callable[[int], object],
) -> Samples:
  """Return `count` refined images of each."""
  found = [
      refiners.refine_images(
          refiner,
          prepared,
          mesh=run.mesh,
          seed=run.config.seed,
          samples=sample,
          on_progress=on_progress,
      )
      for sample in range(count(run))
  ]
  return np.stack(found)


def compare(
    first: UInt8[np.ndarray, 'n h w c'], second: UInt8[np.ndarray, 'n h w c']
) -> tuple[float, float]:
  """Return how far images are apart, pair by pair, in grey levels.

  Returns:
    The mean absolute difference of pixels, and `patches.distance` of a pair.
  """
  pixels = np.abs(first.astype(np.float32) - second).mean()
  chosen = batching.spread(len(first), _NUM_COMPARED)
  apart = [
      patches.distance(patches.describe(a[None]), patches.describe(b[None]))
      for a, b in zip(first[chosen], second[chosen], strict=True)
  ]
  return float(pixels), float(np.mean(apart))


def find_twins(real: LabelledImages) -> tuple[np.ndarray, np.ndarray]:
  """Return the places of pairs of images of one person or group and label."""
  if real.labels is None:
    return np.zeros(0, int), np.zeros(0, int)
  labels = np.round(real.labels.reshape(len(real.images), -1), 3)
  groups = real.subjects if real.groups is None else real.groups
  places: dict[Any, list[int]] = {}
  for i, (group, label) in enumerate(zip(groups, labels, strict=True)):
    if not np.isnan(label.astype(float)).any():
      places.setdefault((group, *label), []).append(i)
  pairs = [found[:2] for found in places.values() if len(found) > 1]
  first, second = np.array(pairs, int).reshape(-1, 2).T
  return first, second


def measure(run: Run, samples: Samples, params: Any) -> dict[str, Any]:
  """Return what `eval/metrics.json` says of the samples.

  Args:
    run: Run with a refiner with noise.
    samples: Result of `refine`, several of each image.
    params: An estimator that knows refined images.

  Returns:
    `pixels` and `patches`, the mean distances of two samples of one image, in
    grey levels; `real_pixels` and `real_patches` of two real images of one
    person and label, if there are such; `patch_distances` of each sample from
    real images, beside `synthetic_patch_distance`; the mean shift of an
    estimator's predictions from sample to sample, in its unit, and of the iris.
  """
  chosen = batching.spread(samples.shape[1], _NUM_IMAGES)
  samples = samples[:, chosen]
  pairs = list(itertools.combinations(samples, 2))
  pixels, apart = np.mean([compare(*pair) for pair in pairs], axis=0)
  real_images = run.real.images
  real = patches.describe(
      real_images[batching.spread(len(real_images), _NUM_REAL)]
  )
  synthetic = run.synthetic.take(chosen)
  found: dict[str, Any] = {
      'images': samples.shape[1],
      'samples': len(samples),
      'pixels': float(pixels),
      'patches': float(apart),
      'patch_distances': [
          patches.distance(real, patches.describe(x)) for x in samples
      ],
      'synthetic_patch_distance': patches.distance(
          real, patches.describe(synthetic.images)
      ),
  }
  first, second = find_twins(run.real)
  if len(first):
    found['real_pixels'], found['real_patches'] = compare(
        real_images[first], real_images[second]
    )
  shifts, irises = [], []
  for a, b in pairs:
    shift = image_quality.measure_label_shift(
        synthetic._replace(images=a),
        b,
        task=run.task,
        params=params,
        mesh=run.mesh,
    )
    shifts.append(next(iter(shift.values()))['mean'])
    if run.task.unit is units.GAZE:
      irises.append(label_shift.measure_iris_shift(a, b).all_pairs.mean_px)
  found[f'shift_{run.task.unit.name}'] = float(np.mean(shifts))
  if irises:
    found['iris_shift_px'] = float(np.mean(irises))
  return found
