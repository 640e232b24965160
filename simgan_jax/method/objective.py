"""What the two networks minimise, and how often each takes a step."""

import dataclasses
from collections.abc import Callable

import jax

from simgan_jax.method import losses


@dataclasses.dataclass(frozen=True)
class Objective:
  """The choices of Algorithm 1 that are not sizes of networks or batches.

  Attributes:
    refiner_steps: K_g, refiner steps in a round. K_d, the discriminator steps,
      is the number of real batches that a round gets.
    self_regularization_weight: Lambda of eq. 4, against sums over patches and
      pixels.
    features_fn: Psi of eq. 4, one of `losses.FEATURES` or any function of a
      batch of images.
    gradient_penalty: Weight of `losses.gradient_penalty` in the discriminator's
      loss; 0 as in the paper.
    num_samples: Refined images for each synthetic one in a refiner step.
    self_regularization_limit: See `losses.self_regularization_loss`.
    mode_seeking_weight: Weight of `losses.mode_seeking_loss`.
  """

  refiner_steps: int = 2
  self_regularization_weight: float = 0.25
  features_fn: Callable[[jax.Array], jax.Array] = losses.channel_mean
  gradient_penalty: float = 0.0
  num_samples: int = 1
  self_regularization_limit: float = 0.0
  mode_seeking_weight: float = 0.0
