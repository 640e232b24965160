"""An automatic visual Turing test: can a network tell refined from real?

The paper asks people to tell real from refined images (Table 1). Here a small
network learns it on some subjects and is tested on others, where chance is
50 %. A kernel distance compares the two sets of images by the features that the
network has learnt.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from simgan_jax.machine import errors
from simgan_jax.measures import realism_classifier
from simgan_jax.measures.kernel_distance import Distance, kernel_distance

MIN_IMAGES = 32  # that a set needs for a classifier and a distance
_HELD_OUT = 0.25  # share of the subjects, and of the other images


class Classification(NamedTuple):
  """How well the classifier tells held-out images apart, percent."""

  accuracy: float  # mean of `real_accuracy` and `other_accuracy`
  standard_error: float  # of `accuracy`, when whole subjects are drawn
  real_accuracy: float  # held-out real images that are taken for real
  other_accuracy: float  # held-out other images that are taken for others
  held_out_real: Int[np.ndarray, 'k']  # indices of the held-out images
  held_out_other: Int[np.ndarray, 'l']
  params: Any  # of the classifier


def known_subjects(subjects: Int[np.ndarray, 'n']) -> Int[np.ndarray, 'n']:
  """Return the subjects or, if there is only one, a number for each image."""
  several = len(np.unique(subjects)) > 1
  return subjects if several else np.arange(len(subjects))


def classify(
    real: UInt8[np.ndarray, 'n h w c'],
    real_subjects: Int[np.ndarray, '_'],
    other: UInt8[np.ndarray, 'm _ _ _'],
    *,
    seed: int,
    num_steps: int | None = None,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
) -> Classification:
  """Train a classifier on some subjects and test it on the others.

  To compare synthetic images with their refinements, call it with each of them
  in the same order and with the same seed: the same subjects and images are
  held out. Equal arguments give equal results.

  Args:
    real: Real images, [n, h, w, c] uint8.
    real_subjects: Their subjects, [n] int; whole subjects are held out.
    other: Synthetic or refined images, [m, h, w, c] uint8. Single images are
      held out, since subjects of a simulator are often unknown.
    seed: Seed of what is held out, the initial parameters and the batches.
    num_steps: Optimiser steps; None means 400, or fewer for few images.
    batch_size: Images a step, half of them real.
    learning_rate: Learning rate at the start; it decays to 0 along a cosine.

  Raises:
    InputError: If the arrays do not belong together, there are too few subjects
      or images to hold some out, or an option is out of range.
    NonFiniteError: If the loss is not finite.
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
    # The same few images more than 50 times would teach it nothing.
    num_steps = min(400, 50 * min(len(real), len(other)) // 32)
  if batch_size < 2 or num_steps < 1:
    raise errors.InputError(
        f'batch_size={batch_size} must be at least 2 and'
        f' num_steps={num_steps} at least 1.'
    )
  generator = np.random.default_rng((seed, 0))
  test_real = np.isin(real_subjects, _draw(generator, subjects))
  images = np.arange(len(other))
  test_other = np.isin(images, _draw(generator, images))
  params = realism_classifier.train(
      real[~test_real],
      other[~test_other],
      seed=seed,
      num_steps=num_steps,
      batch_size=batch_size,
      learning_rate=learning_rate,
  )
  real_right = realism_classifier.predict(params, real[test_real])[0] > 0
  other_right = realism_classifier.predict(params, other[test_other])[0] <= 0
  variance = _variance_of_mean(real_right, real_subjects[test_real])
  variance += _variance_of_mean(other_right, images[test_other])
  of_real, of_other = float(real_right.mean()), float(other_right.mean())
  return Classification(
      (of_real + of_other) * 50,
      float(np.sqrt(variance)) * 50,
      of_real * 100,
      of_other * 100,
      np.flatnonzero(test_real),
      np.flatnonzero(test_other),
      params,
  )


def _draw(generator: np.random.Generator, values: np.ndarray) -> np.ndarray:
  """Return a random share of the values, at least one and not all."""
  num = int(np.clip(round(len(values) * _HELD_OUT), 1, len(values) - 1))
  return generator.permutation(values)[:num]


def _variance_of_mean(right: np.ndarray, groups: np.ndarray) -> float:
  """Return the variance of a mean over drawn groups, or members of one."""
  names, group = np.unique(groups, return_inverse=True)
  if len(names) == 1:
    names = group = np.arange(len(right))
  sums = np.bincount(group, weights=right - right.mean())
  correction = len(names) / max(len(names) - 1, 1)
  return float(np.sum(sums**2) / len(right) ** 2 * correction)


def extract_features(
    params: Any, images: UInt8[np.ndarray, 'n h w c']
) -> Float[np.ndarray, 'n f']:
  """Return the classifier's features, [n, 64] float32.

  Only features of the same classifier can be compared. Over the rounds of a run
  use the one trained on real and *synthetic* images: it has learnt what
  refining has to change, and stays the same.
  """
  return realism_classifier.predict(params, images)[1]


def distance(
    params: Any,
    real: UInt8[np.ndarray, 'n h w c'],
    other: UInt8[np.ndarray, 'm h w c'],
) -> Distance:
  """Return the kernel distance of two sets of images on these features.

  Give the held-out images: training has pushed the features of the others
  apart. Too few images are an InputError.
  """
  features = [extract_features(params, images) for images in (real, other)]
  num_subsets = min(10, len(real) // 2, len(other) // 2)
  return kernel_distance(*features, num_subsets=num_subsets)
