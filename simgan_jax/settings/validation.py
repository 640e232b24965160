"""The constraints on settings, checked once before anything is written."""

import dataclasses
import math
import os
from collections.abc import Collection, Iterator

from simgan_jax.machine import errors
from simgan_jax.settings import config as config_lib

# The least value, what the value must be below, and the fields.
_RANGES = (
    (
        1,
        math.inf,
        *('num_rounds', 'batch_size', 'refiner_steps', 'discriminator_steps'),
        *('rounds_per_call', 'log_every', 'sample_every', 'checkpoint_every'),
        *('refiner.num_features', 'refiner.kernel_size', 'refiner_samples'),
        *('discriminator.features', 'discriminator.kernel_sizes'),
        *('discriminator.strides', 'discriminator.pool_window'),
        'discriminator.pool_stride',
        *('evaluation.scales', 'evaluation.num_steps', 'evaluation.batch_size'),
        *('evaluation.num_seeds', 'evaluation.num_stacks'),
    ),
    (
        0,
        math.inf,
        *('pretrain_refiner_steps', 'pretrain_discriminator_steps'),
        *('self_regularization_weight', 'self_regularization_limit'),
        *('gradient_penalty', 'mode_seeking_weight', 'refiner.noise_channels'),
        *('gradient_accumulation', 'refiner.num_blocks'),
        *('evaluation.base_images', 'evaluation.learning_rate'),
        *('data.synthetic.limit', 'data.real.limit', 'data.test.limit'),
    ),
    (0, 1, 'optimizer.beta1'),
    (0, 2**31, 'seed'),
    (8, math.inf, 'data.height', 'data.width'),
)


def _rules(
    config: config_lib.Config, values: dict
) -> Iterator[tuple[str, object, str]]:
  """Yield fields, whether their values are allowed, and remedies.

  Later rules divide by numbers that earlier rules keep above 0.
  """
  for least, limit, *fields in _RANGES:
    for field in fields:
      value = values[field]
      numbers = value if isinstance(value, tuple) else (value,)
      allowed = all(least <= number < limit for number in numbers)
      upper = f' and below {limit}' if limit < math.inf else ''
      upper = upper or ' and finite' * isinstance(value, float)
      yield field, allowed, f'it must be at least {least}{upper}'
  for field, value in values.items():
    for name, choices in config_lib.CHOICES.items():
      if f'.{field}'.endswith(f'.{name}'):
        yield field, value in choices, f'choose one of {choices}'
  field = 'optimizer.learning_rate'
  allowed = 0 < values[field] < math.inf
  yield field, allowed, 'it must be a finite number above 0'
  yield (
      'name',
      config.name not in ('', '.', '..')
      and config.name == os.path.basename(config.name),
      'it names a folder in runs/, so it must not be empty or a path',
  )
  calls = config.rounds_per_call
  for field in ('log_every', 'sample_every', 'checkpoint_every', 'num_rounds'):
    remedy = f'it must be a multiple of rounds_per_call={calls}'
    yield field, values[field] % calls == 0, remedy
  size = config.batch_size
  yield 'batch_size', size % 2 == 0, 'it must be even: half of it is history'
  yield (
      'history_size',
      config.history_size == 0 or config.history_size >= size // 2,
      f'it must be at least half of batch_size={size}, or 0 for no history',
  )
  yield (
      'gradient_accumulation',
      size % (2 * max(1, config.gradient_accumulation)) == 0,
      f'twice this number must divide batch_size={size}',
  )
  samples = config.refiner_samples
  yield (
      'refiner_samples',
      samples == 1 or config.refiner.noise_channels > 0,
      'without refiner.noise_channels all samples of an image are the same',
  )
  yield (
      'mode_seeking_weight',
      not config.mode_seeking_weight or samples % 2 == 0,
      'it compares pairs of samples: set refiner_samples=2',
  )
  data, evaluation = config.data, config.evaluation
  for kind, source in (('synthetic', data.synthetic), ('real', data.real)):
    yield (
        f'data.{kind}.path',
        source.path or source.name in config_lib.BUILTIN,
        f'give the folder or file that {source.name} reads',
    )
  yield (
      'evaluation.methods',
      set(evaluation.methods) <= set(config_lib.METHODS),
      f"choose from {config_lib.METHODS}, as in \"('svr', 'knn')\"",
  )
  side = evaluation.heatmap_size
  yield (
      'evaluation.heatmap_size',
      side >= 16 and side % 16 == 0,
      'it must be a multiple of 16, which an hourglass halves four times',
  )
  channels = evaluation.hourglass_features
  yield (
      'evaluation.hourglass_features',
      channels in (8, 16) or (channels > 0 and channels % 32 == 0),
      'it must be 8, 16 or a multiple of 32',
  )
  if not {data.synthetic.name, data.real.name}.isdisjoint(config_lib.HANDS):
    remedy = f'images of hands are square, and data.height is {data.height}'
    yield 'data.width', data.width == data.height, remedy
    remedy = 'they estimate gaze; leave them out for hands'
    yield 'evaluation.methods', not evaluation.methods, remedy
  sizes = config.discriminator
  lengths = {len(sizes.features), len(sizes.kernel_sizes), len(sizes.strides)}
  yield (
      'discriminator.features',
      len(lengths) == 1 and len(sizes.features) >= 2,
      'features, kernel_sizes and strides need the same length, at least 2',
  )
  rows = evaluation.augmented
  yield (
      'evaluation.augmented',
      rows and all(isinstance(row, bool) for row in rows),
      'give True, False or "(False, True)"',
  )
  yield 'evaluation.scales', evaluation.scales, 'give at least one scale'
  remedy = 'all images are one scale, so scales must be (1,)'
  allowed = evaluation.base_images or tuple(evaluation.scales) == (1,)
  yield 'evaluation.base_images', allowed, remedy


def validate(
    config: config_lib.Config, *, optional: Collection[str] = (), only: str = ''
) -> None:
  """Check every constraint on the settings of a run.

  Args:
    config: Settings of the run.
    optional: Names of fields that are not checked.
    only: What fields that are checked begin with, such as 'evaluation.'; the
      message names flags without it.

  Raises:
    InputError: If a setting breaks a rule; the message names the field, its
      value and what to set instead.
  """
  values = config_lib.flatten(dataclasses.asdict(config))
  for field, is_allowed, remedy in _rules(config, values):
    if field.startswith(only) and not is_allowed and field not in optional:
      flag = field.removeprefix(only) if only else f'config.{field}'
      raise errors.InputError(
          f'--{flag}={values[field]!r} does not work: {remedy}.'
      )
