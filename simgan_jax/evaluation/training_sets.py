"""The sets of images that estimators are trained on, one set a row."""

import hashlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8

from simgan_jax.data.labelled_images import LabelledImages


class TrainingSet(NamedTuple):
  """What the estimators of a row are trained on."""

  train_on: str  # 'synthetic', 'matched', 'refined', 'samples' or 'real'
  scale: int  # multiple of the base number of images
  images: UInt8[np.ndarray, 'n h w c']
  labels: Shaped[np.ndarray, 'n ...']


def labelled_apart(
    real: LabelledImages, test: LabelledImages, *, of_one_place: bool
) -> LabelledImages | None:
  """Return the real images that have labels and share no group with the tested.

  Groups are persons, tracks or clips. Where a set has none, all images of
  another folder than the tested ones count. An image with the pixels of a
  tested one never does, such as a copy.

  Args:
    real: Images that the refiner learnt from.
    test: Images that are tested.
    of_one_place: Whether both come from the same folder or file.

  Returns:
    The images, or None if there are none.
  """
  known = real.are_labelled()
  if real.groups is not None and test.groups is not None:
    apart = known & ~np.isin(real.groups, [*test.groups, ''])
  else:
    apart = known & (not of_one_place)
  tested = {hashlib.sha256(image.tobytes()).digest() for image in test.images}
  apart &= [
      hashlib.sha256(x.tobytes()).digest() not in tested for x in real.images
  ]
  if left_out := known.sum() - apart.sum():
    print(
        f'{left_out:,} of {known.sum():,} labelled real images are not learnt'
        ' from: they are tested, or of persons or groups that are or may be'
    )
  return real.take(apart) if apart.any() else None


def build(
    synthetic: LabelledImages,
    matched: UInt8[np.ndarray, 'n h w c'] | None,
    samples: UInt8[np.ndarray, 'sample n h w c'],
    real: LabelledImages | None,
    *,
    base_images: int,
    scales: Sequence[int],
) -> list[TrainingSet]:
  """Return the training sets in the order of the paper's tables.

  Args:
    synthetic: Images of the simulator, with labels.
    matched: The same images with the histograms of real ones, if the refiner
      got those. Their only set, at the largest scale, shows what matching alone
      does.
    samples: The same images after refining. Several samples of each, of a
      refiner with noise, are one more set, at the largest scale.
    real: Labelled real images of persons that are not tested, or None.
    base_images: Number of images at scale 1, the first ones; 0 means all.
    scales: Multiples of `base_images`. The smallest takes what there is. Others
      that need more images than there are, damaged ones included, are left out
      with a warning.
  """
  labels = synthetic.labels
  assert labels is not None
  available = len(synthetic.images) + len(synthetic.report.left_out)
  base_images = base_images or available
  usable = []
  for scale in sorted(scales):
    needed = scale * base_images
    if not usable or needed <= available:
      usable.append(scale)
    else:
      print(
          f'warning: no rows of {scale}x: they need {needed:,} synthetic'
          f' images, there are {available:,}.',
          file=sys.stderr,
      )
  kinds = {'synthetic': (synthetic.images, usable)}
  if matched is not None:
    kinds['matched'] = matched, usable[-1:]
  kinds['refined'] = samples[0], usable
  sets = []
  for train_on, (images, chosen) in kinds.items():
    for scale in chosen:
      first = slice(scale * base_images)
      sets.append(TrainingSet(train_on, scale, images[first], labels[first]))
  if len(samples) > 1:
    scale = usable[-1]
    first = slice(scale * base_images)
    images = np.concatenate([images[first] for images in samples])
    repeated = np.concatenate([labels[first]] * len(samples))
    sets.append(TrainingSet('samples', scale, images, repeated))
  if real is not None and real.labels is not None:
    sets.append(TrainingSet('real', 1, real.images, real.labels))
  return sets
