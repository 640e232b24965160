"""Realism and labels of a refiner while it trains, to choose its checkpoint by.

No real label is used, only real images.
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

# Simulators of one eye an image: elsewhere there is no iris to search.
EYE_SIMULATORS = ('builtin_eyes', 'unity_eyes')
_MAX_IMAGES = 4_000  # of each set, for the classifier and what it holds out
# Of what is held out, for the distance; those that are refined each time are
# what a measurement costs.
_MAX_REAL, _MAX_SYNTHETIC = 500, 256
_MAX_PAIRS = 200  # in which the iris is searched
_MIN_HELD_OUT = 8  # for a distance
_BATCH_SIZE = 32  # images a device and call, when nothing is learnt


class _Prepared(NamedTuple):
  """What stays the same over the rounds."""

  params: Any  # of the classifier
  real: Any  # `patches.Patches`
  real_features: Float[np.ndarray, 'n f']
  synthetic: UInt8[np.ndarray, 'm h w c']  # held out from the classifier
  pairs: Int[np.ndarray, '_']  # of those, where the iris is searched
  centres: Float[np.ndarray, '_ 2']  # of the irises there, before refining


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
    """Take the images; the classifier is trained by the first measurement.

    Args:
      synthetic: [n, h, w, c] uint8.
      real: [m, h, w, c] uint8, those that the refiner learns from.
      real_subjects: [m] int; whole subjects are held out.
      mesh: devices that share the refining.
      seed: of the classifier and of what it holds out: equal ones give equal
        measurements, also in a run that was continued.
      of_eyes: whether to search for irises, one an image.
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
    """Remember a refiner, to be measured when there is time."""
    self._kept.append((round_number, jax.device_get(refiner)))

  def take_kept(self) -> list[tuple[int, train_state.TrainState]]:
    """Return the refiners that were kept, with their rounds; once."""
    kept, self._kept = self._kept, []
    return kept

  def measure(self, refiner: train_state.TrainState) -> dict[str, float]:
    """Return how far refined images are from real ones, and irises moved.

    Of several processes the first one measures and tells the others.

    Args:
      refiner: on the host, or replicated over devices.

    Returns:
      `selection.DISTANCE` of held-out real and refined images; their
      `selection.KERNEL_DISTANCE`, on features of one classifier of real against
      synthetic images; and for eyes `selection.SHIFT`, the mean over pairs.
      Empty with too few images.
    """
    with mesh_lib.intentional_copy():
      found = {}
      if processes.is_first():
        found = self._measure(mesh_lib.copy_to(refiner, self._mesh))
      return processes.from_first(found, selection.MEASURES)

  def _measure(self, refiner: train_state.TrainState) -> dict[str, float]:
    # Here and not above: who measures nothing does not pay for it.
    from simgan_jax.measures import kernel_distance, patches, realism

    if self._prepared is None and self._enough:
      self._prepared = self._prepare()
    if self._prepared is None:
      return {}
    params, real, real_features, synthetic, pairs, centres = self._prepared
    refined = refiners.refine_images(
        *(refiner, synthetic),
        mesh=self._mesh,
        batch_size=_BATCH_SIZE * self._mesh.size,
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
      shift = _find_centres(refined[pairs]) - centres
      found[selection.SHIFT] = float(np.linalg.norm(shift, axis=1).mean())
    return found

  def _prepare(self) -> _Prepared | None:
    """Train the classifier; return None with too few images."""
    from simgan_jax.measures import iris, patches, realism

    real, subjects, synthetic = self._images
    self._images = real[:0], subjects[:0], synthetic[:0]  # free the memory
    if min(len(real), len(synthetic)) >= realism.MIN_IMAGES:
      result = realism.classify(
          *(real, realism.known_subjects(subjects), synthetic),
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
            _find_centres(synthetic[pairs]) if len(pairs) else np.zeros((0, 2)),
        )
    self._enough = False
    print(
        f'warning: {len(real):,} real and {len(synthetic):,} synthetic images'
        ' are too few to measure realism while training: eval.py and refine.py'
        ' will take the newest checkpoint.',
        file=sys.stderr,
    )
    return None


def _find_centres(
    images: UInt8[np.ndarray, 'n h w c'],
) -> Float[np.ndarray, 'n 2']:
  from simgan_jax.measures import iris

  return iris.find_iris(images).centre
