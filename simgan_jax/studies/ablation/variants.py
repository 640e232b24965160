"""The variants of an ablation: one setting changed at a time."""

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
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
  # The first variant on the same images: it is compared with that one, which
  # also trains the estimators that know no refined images. May be itself.
  reference: str


def _remove_history(config: Config) -> None:
  config.history_size = 0


def _decide_by_image(config: Config) -> None:
  config.discriminator.local = False


def _decide_by_image_balanced(config: Config) -> None:
  if config.discriminator.local:
    config.discriminator.local = False
    # One cross-entropy in place of a sum: lambda keeps its weight against it.
    config.self_regularization_weight /= count_patches(config)


def _scale_lambda(factor: float) -> Callable[[Config], None]:
  def change(config: Config) -> None:
    config.self_regularization_weight *= factor

  return change


def _use_features(name: str) -> Callable[[Config], None]:
  def change(config: Config) -> None:
    config.self_regularization_features = name

  return change


def _use_refiner_steps(num: int) -> Callable[[Config], None]:
  def change(config: Config) -> None:
    config.refiner_steps = num

  return change


def _use_colour(features: str) -> Callable[[Config], None]:
  def change(config: Config) -> None:
    config.data.channels = 3
    config.self_regularization_features = features

  return change


_CHANGES = (
    ('history_off', 'no history of refined images', _remove_history),
    ('whole_image', 'one decision an image, not a patch', _decide_by_image),
    (
        'whole_image_balanced',
        'one decision an image, lambda against means kept',
        _decide_by_image_balanced,
    ),
    ('lambda_x0.1', 'a tenth of lambda', _scale_lambda(0.1)),
    ('lambda_x10', 'ten times lambda', _scale_lambda(10.0)),
    ('psi_gradients', 'psi = gradients', _use_features('gradients')),
    ('refiner_steps_2', 'K_g = 2', _use_refiner_steps(2)),
    ('refiner_steps_10', 'K_g = 10', _use_refiner_steps(10)),
    ('colour', 'colour, psi = channel mean', _use_colour('channel_mean')),
    ('colour_identity', 'colour, psi = identity', _use_colour('identity')),
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
  """Return the settings with only the rows that an ablation compares.

  These are the paper's network at the largest scale, with `num_seeds` seeds.
  """
  config = copy.deepcopy(config)
  evaluation = config.evaluation
  evaluation.scales = (max(evaluation.scales),)
  evaluation.methods = ()
  evaluation.num_seeds = num_seeds
  return config


def make_variants(config: Config) -> dict[str, Variant]:
  """Return the base and its variants by name, in the order they run.

  A variant that is the base itself, such as K_g = 2 of a base with that, is
  left out. psi = identity is compared in colour only: on grey images it is the
  channel mean.

  Args:
    config: the settings of the base.
  """
  base = config_lib.flatten(dataclasses.asdict(config))
  variants: dict[str, Variant] = {}
  for name, title, change in (
      (BASE, 'the settings as they are', lambda config: None),
      *_CHANGES,
  ):
    changed = copy.deepcopy(config)
    change(changed)
    flat = config_lib.flatten(dataclasses.asdict(changed))
    settings = {key: flat[key] for key in flat if flat[key] != base[key]}
    if name != BASE and not settings:
      continue
    same_images = (
        earlier.name
        for earlier in variants.values()
        if earlier.config.data == changed.data
    )
    reference = next(same_images, name)
    variants[name] = Variant(name, title, changed, settings, reference)
  return variants


def select(
    variants: Mapping[str, Variant], names: Sequence[str]
) -> list[Variant]:
  """Return the named variants with their references, all without a name.

  Args:
    variants: as from `make_variants`.
    names: of `variants`, in any order.

  Raises:
    InputError: when there is no variant of a name.
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
