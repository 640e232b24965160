"""The sets of images that estimators are trained on, one set a row."""

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.subjects import parse as parse_subjects
from simgan_jax.settings import config as config_lib


class TrainingSet(NamedTuple):
  """What the estimators of a row are trained on."""

  train_on: str  # 'synthetic', 'matched', 'refined' or 'real'
  scale: int  # multiple of the base number of images
  images: UInt8[np.ndarray, 'n h w c']
  labels: Float[np.ndarray, 'n ...']


def is_labelled_apart(
    real: LabelledImages,
    config: config_lib.Config,
    *,
    test_subjects: str,
    test_path: str = '',
) -> bool:
  """Return whether there are real labels of persons that are not tested.

  Persons are told apart by their numbers. NYU's persons have none, but its two
  folders are a training set and a test set.
  """
  source = config.data.real
  if source.name == 'nyu_hand':
    folders = test_path or config.data.test.path or source.path, source.path
    return len({os.path.realpath(os.path.expanduser(f)) for f in folders}) == 2
  if real.labels is None or not (source.subjects and test_subjects):
    return False
  tested = parse_subjects(test_subjects)
  return parse_subjects(source.subjects).isdisjoint(tested)


def build(
    synthetic: LabelledImages,
    matched: UInt8[np.ndarray, 'n h w c'] | None,
    refined: UInt8[np.ndarray, 'n h w c'],
    real: LabelledImages | None,
    *,
    base_images: int,
    scales: Sequence[int],
) -> list[TrainingSet]:
  """Return the training sets in the order of the paper's tables.

  Args:
    synthetic: Images of the simulator.
    matched: The same images with the histograms of real ones, if the refiner
      got those. Their only set, at the largest scale, shows what matching alone
      does.
    refined: The same images after refining.
    real: Labelled real images of persons that are not tested, or None.
    base_images: Number of images at scale 1, the first ones.
    scales: Multiples of `base_images`. The smallest takes what there is. Others
      that need more images than there are, damaged ones included, are left out
      with a warning.

  Raises:
    InputError: If a label is missing.
  """
  remedy = 'an estimator learns from them; give a source with labels'
  synthetic.keep_labelled('synthetic', remedy)
  labels = synthetic.labels
  assert labels is not None
  available = len(synthetic.images) + len(synthetic.report.left_out)
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
  kinds['refined'] = refined, usable
  sets = []
  for train_on, (images, chosen) in kinds.items():
    for scale in chosen:
      first = slice(scale * base_images)
      sets.append(TrainingSet(train_on, scale, images[first], labels[first]))
  if real is not None and real.labels is not None:
    sets.append(TrainingSet('real', 1, real.images, real.labels))
  return sets
