"""Realism and label shift of a refiner while it trains.

The best checkpoint is chosen by them. They use real images, but no real labels.
"""

import sys
from typing import Any, NamedTuple

import jax
import numpy as np
from flax.training import train_state
from jax.sharding import Mesh
from jaxtyping import Float, Int, UInt8

from simgan_jax.machine import batching, processes
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.training import refiners

# Sources whose images show one eye; others have no iris to search for.
EYE_SIMULATORS = ('builtin_eyes', 'unity_eyes')
_MAX_IMAGES = 4_000  # of each set, for training and testing the classifier
# Held-out images that are compared. Refining the synthetic ones takes most of
# the time of a measurement.
_MAX_REAL, _MAX_SYNTHETIC = 500, 256
_MAX_PAIRS = 200  # images in which the iris is searched
_MIN_HELD_OUT = 8  # images without which no distance is measured
_BATCH_SIZE = 32  # images in a call, for each device


class _Prepared(NamedTuple):
  """What every measurement of a run shares."""

  params: Any  # of the classifier
  real: Any  # `patches.Patches`
  real_features: Float[np.ndarray, 'n f']
  synthetic: UInt8[np.ndarray, 'm h w c']  # held out from the classifier
  pairs: Int[np.ndarray, '_']  # numbers of those with an iris to search
  centres: Float[np.ndarray, '_ 2']  # of these irises before refining


class Inspector:
  """Measures refiners of one run, all on the same held-out images."""

  def __init__(
      self,
      synthetic: UInt8[np.ndarray, 'n h w c'],
      real: UInt8[np.ndarray, 'm _ _ _'],
      real_subjects: Int[np.ndarray, 'm'],
      *,
      mesh: Mesh,
      seed: int,
      of_eyes: bool,
  ):
    """Take the images; the first measurement trains the classifier.

    Args:
      synthetic: Input of the refiner, [n, h, w, c] uint8.
      real: Real images that the refiner learns from, [m, h, w, c] uint8.
      real_subjects: Person of each real image, [m] int; whole persons are held
        out.
      mesh: Devices that share the refining.
      seed: Seed of the classifier and of the choice of held-out images. Equal
        seeds give equal measurements, also in a run that was continued.
      of_eyes: Whether each image shows an iris to search for.
    """
    synthetic = synthetic[batching.spread(len(synthetic), _MAX_IMAGES)]
    chosen = batching.spread(len(real), _MAX_IMAGES)
    self._images = real[chosen], real_subjects[chosen], synthetic
    self._mesh = mesh_lib.local_mesh(mesh)
    self._seed, self._of_eyes = seed, of_eyes
    self._prepared: _Prepared | None = None
    self._enough = True
    self._kept: list[tuple[int, train_state.TrainState]] = []

  def keep(self, round_number: int, refiner: train_state.TrainState) -> None:
    """Keep a copy of a refiner, to be measured later."""
    self._kept.append((round_number, jax.device_get(refiner)))

  def take_kept(self) -> list[tuple[int, train_state.TrainState]]:
    """Return the kept refiners with their rounds, and forget them."""
    kept, self._kept = self._kept, []
    return kept

  def measure(self, refiner: train_state.TrainState) -> dict[str, float]:
    """Return the realism of refined images, and the shift of irises.

    The first process measures and sends the result to the others.

    Args:
      refiner: Refiner on the host, or replicated over devices.

    Returns:
      `selection.DISTANCE` between held-out real and refined images; their
      `selection.KERNEL_DISTANCE`, on features of one classifier of real against
      synthetic images; and for eyes `selection.SHIFT`, the mean over images.
      Nothing if there are too few images.
    """
    with mesh_lib.intentional_copy():
      found = {}
      if processes.is_first():
        found = self._measure(mesh_lib.copy_to(refiner, self._mesh))
      return processes.from_first(found, selection.MEASURES)

  def _measure(self, refiner: train_state.TrainState) -> dict[str, float]:
    # Imported here because it takes seconds.
    from simgan_jax.measures import iris, kernel_distance, patches, realism

    if self._prepared is None and self._enough:
      self._prepared = self._prepare()
    if self._prepared is None:
      return {}
    params, real, real_features, synthetic, pairs, centres = self._prepared
    refined = refiners.refine_images(
        refiner,
        synthetic,
        mesh=self._mesh,
        batch_size=_BATCH_SIZE * self._mesh.size,
        seed=self._seed,
    )
    distance = kernel_distance.kernel_distance(
        real_features,
        realism.extract_features(params, refined),
        num_subsets=2,
    )
    found = {
        selection.DISTANCE: patches.distance(real, patches.describe(refined)),
        selection.KERNEL_DISTANCE: distance.value,
    }
    if len(pairs):
      shift = iris.find_iris(refined[pairs]).centre - centres
      found[selection.SHIFT] = float(np.linalg.norm(shift, axis=1).mean())
    return found

  def _prepare(self) -> _Prepared | None:
    """Train the classifier; return None if there are too few images."""
    from simgan_jax.measures import iris, patches, realism

    real, subjects, synthetic = self._images
    self._images = real[:0], subjects[:0], synthetic[:0]  # free the memory
    if min(len(real), len(synthetic)) >= realism.MIN_IMAGES:
      result = realism.classify(
          real,
          realism.known_subjects(subjects),
          synthetic,
          seed=self._seed,
      )
      held_out = min(len(result.held_out_real), len(result.held_out_other))
      if held_out >= _MIN_HELD_OUT:
        numbers = result.held_out_real
        real = real[numbers[batching.spread(len(numbers), _MAX_REAL)]]
        numbers = result.held_out_other
        synthetic = synthetic[
            numbers[batching.spread(len(numbers), _MAX_SYNTHETIC)]
        ]
        pairs = batching.spread(len(synthetic), _MAX_PAIRS)
        if not (self._of_eyes and iris.is_searchable(*real.shape[1:3])):
          pairs = pairs[:0]
        return _Prepared(
            result.params,
            patches.describe(real),
            realism.extract_features(result.params, real),
            synthetic,
            pairs,
            iris.find_iris(synthetic[pairs]).centre
            if len(pairs)
            else np.zeros((0, 2)),
        )
    self._enough = False
    print(
        f'warning: {len(real):,} real and {len(synthetic):,} synthetic images'
        ' are too few to measure realism while training: eval.py and refine.py'
        ' will take the newest checkpoint.',
        file=sys.stderr,
    )
    return None
