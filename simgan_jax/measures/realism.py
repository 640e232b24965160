"""An automatic visual Turing test: can a network tell refined from real?

The paper asks people to tell real from refined images (Table 1). Here a small
network learns it on some subjects and is asked about others, 50 % being
chance; and a kernel distance compares the two sets of images by what the
network has learnt to look at.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from simgan_jax.machine import errors
from simgan_jax.measures import realism_classifier
from simgan_jax.measures.kernel_distance import Distance, kernel_distance

MIN_IMAGES = 32  # of a set, for a classifier and a distance


class Classification(NamedTuple):
  """How well the classifier tells held-out images apart, percent."""

  accuracy: float  # mean of the next two; 50 is chance
  standard_error: float  # of it: images of a held-out subject err together
  real_accuracy: float  # of the held-out real images, taken for real
  other_accuracy: float  # of the held-out others, taken for others
  held_out_real: Int[np.ndarray, 'k']  # indices of the held-out images
  held_out_other: Int[np.ndarray, 'l']
  params: Any  # of the classifier


def known_subjects(subjects: Int[np.ndarray, 'n']) -> Int[np.ndarray, 'n']:
  """Return the subjects or, where all are one, each image for itself."""
  if len(np.unique(subjects)) < 2:
    return np.arange(len(subjects))
  return subjects


def classify(
    real: UInt8[np.ndarray, 'n h w c'],
    real_subjects: Int[np.ndarray, '_'],
    other: UInt8[np.ndarray, 'm _ _ _'],
    *,
    seed: int,
    num_steps: int | None = None,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    held_out: float = 0.25,
) -> Classification:
  """Train a classifier on some subjects, ask it about the others.

  Call it with the synthetic images and with their refinements, in the same
  order and with the same seed: then both hold out the same subjects and the
  same images, and the difference is the refiner's.

  Args:
    real: [n, h, w, c] uint8.
    real_subjects: [n] int; whole subjects are held out.
    other: [m, h, w, c] uint8, synthetic or refined; single images of it are
      held out, since subjects of a simulator are often unknown.
    seed: of what is held out, the initial parameters and the batches; equal
      arguments give equal results.
    num_steps: optimiser steps; None means 400, or fewer for few images.
    batch_size: images a step, half of them real.
    learning_rate: of Adam, at the start; it decays to 0 along a cosine.
    held_out: share of the subjects, and of the other images; at least one.

  Returns:
    The accuracy on what was held out, and the classifier's parameters.

  Raises:
    InputError: when the arrays do not belong together, there are too few
      subjects or images to hold some out, or an option is out of range.
    FloatingPointError: when the loss is not finite, naming the step.
  """
  if real.shape[1:] != other.shape[1:] or real_subjects.shape != (len(real),):
    raise errors.InputError(
        f'real images {real.shape}, their subjects {real_subjects.shape} and'
        f' other images {other.shape} do not belong together: give images of'
        ' one size, and one subject for each real image.'
    )
  subjects = np.unique(real_subjects)
  if min(len(subjects), len(other)) < 2:
    raise errors.InputError(
        f'{len(subjects)} subjects of real images and {len(other)} other images'
        ' leave none to hold out: give 2 or more of each (numbers of images as'
        ' subjects, if those are unknown).'
    )
  if num_steps is None:
    num_steps = _choose_num_steps(min(len(real), len(other)))
  if not 0 < held_out < 1 or batch_size < 2 or num_steps < 1:
    raise errors.InputError(
        f'held_out={held_out} must lie between 0 and 1, batch_size={batch_size}'
        f' be at least 2, num_steps={num_steps} at least 1.'
    )
  generator = np.random.default_rng((seed, 0))
  test_real = np.isin(real_subjects, _draw(generator, subjects, held_out))
  images = np.arange(len(other))
  test_other = np.isin(images, _draw(generator, images, held_out))
  params = realism_classifier.train(
      *(real[~test_real], other[~test_other]),
      seed=seed,
      num_steps=num_steps,
      batch_size=batch_size,
      learning_rate=learning_rate,
  )
  real_right = realism_classifier.predict(params, real[test_real])[0] > 0
  other_right = realism_classifier.predict(params, other[test_other])[0] <= 0
  variance = _variance_of_mean(
      real_right, real_subjects[test_real]
  ) + _variance_of_mean(other_right, images[test_other])
  return Classification(
      accuracy=float(real_right.mean() + other_right.mean()) * 50,
      standard_error=float(np.sqrt(variance)) * 50,
      real_accuracy=float(real_right.mean()) * 100,
      other_accuracy=float(other_right.mean()) * 100,
      held_out_real=np.flatnonzero(test_real),
      held_out_other=np.flatnonzero(test_other),
      params=params,
  )


def _choose_num_steps(num_images: int) -> int:
  # More than 50 times the same few images would teach it nothing.
  return min(400, 50 * num_images // 32)


def _draw(generator: np.random.Generator, values: np.ndarray, share: float):
  """Draw a share of the values, at least one and not all."""
  num = int(np.clip(round(len(values) * share), 1, len(values) - 1))
  return generator.permutation(values)[:num]


def _variance_of_mean(right: np.ndarray, groups: np.ndarray) -> float:
  """Return the variance of a mean when whole groups were drawn.

  With a single group its members count as drawn, for want of another measure.
  """
  names, group = np.unique(groups, return_inverse=True)
  if len(names) == 1:
    names = group = np.arange(len(right))
  sums = np.bincount(group, weights=right - right.mean())
  correction = len(names) / max(len(names) - 1, 1)
  return float(np.sum(sums**2) / len(right) ** 2 * correction)


def extract_features(
    params: Any, images: UInt8[np.ndarray, 'n h w c']
) -> Float[np.ndarray, 'n f']:
  """Return the classifier's hidden features, [n, 64] float32.

  Only features of one and the same classifier can be compared. Over the rounds
  of a run, take the one trained on real against *synthetic* images, before the
  refiner: it looks at what refining has to change, and does not change itself.

  Args:
    params: of `classify`.
    images: [n, h, w, c] uint8, at least one.

  Returns:
    Mean 0 and variance 1 within each image.
  """
  return realism_classifier.predict(params, images)[1]


def distance(
    params: Any,
    real: UInt8[np.ndarray, 'n h w c'],
    other: UInt8[np.ndarray, 'm h w c'],
    *,
    seed: int = 0,
) -> Distance:
  """Return the kernel distance of two sets of images on these features.

  Give images which the classifier was not trained on, since it has pushed the
  features of the others apart: those of `held_out_real` and `held_out_other`.

  Args:
    params: of `classify`, see `extract_features`.
    real: [n, h, w, c] uint8.
    other: [m, h, w, c] uint8, synthetic or refined.
    seed: of the subsets for the standard error.

  Raises:
    InputError: when there are too few images.
  """
  features = [extract_features(params, images) for images in (real, other)]
  num_subsets = min(10, len(real) // 2, len(other) // 2)
  return kernel_distance(*features, num_subsets=num_subsets, seed=seed)
