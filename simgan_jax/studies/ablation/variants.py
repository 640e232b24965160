"""The variants of an ablation: one setting changed at a time."""

import copy
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simgan_jax.machine import errors
from simgan_jax.settings import config as config_lib
from simgan_jax.settings.config import Config

BASE = 'base'


class Variant(NamedTuple):
  """A run of the ablation."""

  name: str
  title: str  # what differs, for people
  config: Config
  settings: dict[str, object]  # what differs from the base, by field
  # The first variant on the same images, maybe this one. It is what this one
  # is compared with, and trains the estimators that need no refined images.
  reference: str


def _changes(config: Config) -> tuple[tuple[str, str, dict[str, object]], ...]:
  """Return the name, title and settings of each variant of a base."""
  features = 'self_regularization_features'
  weight = 'self_regularization_weight'
  base_weight = config.self_regularization_weight
  patches = count_patches(config) if config.discriminator.local else 1
  whole: dict[str, object] = {'discriminator.local': False}

  def colour(psi: str) -> dict[str, object]:
    return {'data.channels': 3, features: psi}

  return (
      (BASE, 'the settings as they are', {}),
      ('history_off', 'no history of refined images', {'history_size': 0}),
      ('whole_image', 'one decision an image, not a patch', whole),
      (
          'whole_image_balanced',
          'one decision an image, lambda against means kept',
          # One cross-entropy replaces a sum over the patches.
          whole | {weight: base_weight / patches},
      ),
      ('lambda_x0.1', 'a tenth of lambda', {weight: base_weight * 0.1}),
      ('lambda_x10', 'ten times lambda', {weight: base_weight * 10.0}),
      ('psi_gradients', 'psi = gradients', {features: 'gradients'}),
      ('refiner_steps_2', 'K_g = 2', {'refiner_steps': 2}),
      ('refiner_steps_10', 'K_g = 10', {'refiner_steps': 10}),
      ('colour', 'colour, psi = channel mean', colour('channel_mean')),
      ('colour_identity', 'colour, psi = identity', colour('identity')),
  )


def count_patches(config: Config) -> int:
  """Return the number of patches in the discriminator's map."""
  sizes, num = config.discriminator, 1
  for side in (config.data.height, config.data.width):
    for stride in (*sizes.strides, sizes.pool_stride):
      side = -(-side // stride)
    num *= side
  return num


def reduce_evaluation(config: Config, *, num_seeds: int) -> Config:
  """Return the settings with the rows that an ablation compares, no others.

  These are the rows of the paper's network at the largest scale, with the mean
  of `num_seeds` estimators each.
  """
  config = copy.deepcopy(config)
  evaluation = config.evaluation
  evaluation.scales = (max(evaluation.scales),)
  evaluation.methods = ()
  evaluation.num_seeds = num_seeds
  return config


def make_variants(config: Config) -> dict[str, Variant]:
  """Return the base and its variants by name, in the order they run.

  A variant that equals the base, such as K_g = 2 of a base with K_g = 2, is
  left out. psi = identity is compared in colour only: on grey images it is the
  channel mean.
  """
  base = config_lib.flatten(dataclasses.asdict(config))
  variants: dict[str, Variant] = {}
  for name, title, settings in _changes(config):
    changed = copy.deepcopy(config)
    for field, value in settings.items():
      *path, last = field.split('.')
      setattr(functools.reduce(getattr, path, changed), last, value)
    flat = config_lib.flatten(dataclasses.asdict(changed))
    different = {key: flat[key] for key in flat if flat[key] != base[key]}
    if name != BASE and not different:
      continue
    others = variants.values()
    same_images = (v.name for v in others if v.config.data == changed.data)
    reference = next(same_images, name)
    variants[name] = Variant(name, title, changed, different, reference)
  return variants


def select(
    variants: Mapping[str, Variant], names: Sequence[str]
) -> list[Variant]:
  """Return the named variants with their references, all if there is no name.

  Raises:
    InputError: If there is no variant of a name.
  """
  for name in names:
    if name not in variants:
      raise errors.InputError(
          f'--only={",".join(names)}: there is no variant {name!r} of these'
          f' settings; choose from {", ".join(variants)}.'
      )
  wanted = set(names or variants)
  wanted |= {variants[name].reference for name in wanted}
  return [variant for name, variant in variants.items() if name in wanted]


def describe_settings(variant: Variant) -> str:
  """Return what differs from the base as flags would give it."""
  return ', '.join(
      f'{name}={value:g}' if isinstance(value, float) else f'{name}={value}'
      for name, value in variant.settings.items()
  )
