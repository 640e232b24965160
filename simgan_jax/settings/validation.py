"""What settings must fulfil, checked once, before anything is written."""

import dataclasses
import os

from simgan_jax.machine import errors
from simgan_jax.settings import config as config_lib

# Of `config.flatten`, the least that numbers may be.
_LEAST = {
    1: (
        *('num_rounds', 'batch_size', 'refiner_steps', 'discriminator_steps'),
        *('rounds_per_call', 'log_every', 'sample_every', 'checkpoint_every'),
        *('refiner.num_features', 'refiner.kernel_size'),
        *('discriminator.features', 'discriminator.kernel_sizes'),
        *('discriminator.strides', 'discriminator.pool_window'),
        *('discriminator.pool_stride', 'evaluation.base_images'),
        *('evaluation.scales', 'evaluation.num_steps', 'evaluation.batch_size'),
        *('evaluation.num_seeds', 'evaluation.num_stacks'),
    ),
    0: (
        *('seed', 'pretrain_refiner_steps', 'pretrain_discriminator_steps'),
        *('gradient_accumulation', 'refiner.num_blocks'),
        *('data.synthetic.limit', 'data.real.limit', 'data.test.limit'),
    ),
    8: ('data.height', 'data.width'),
}


def _require(condition: object, field: str, value: object, remedy: str):
  if not condition:
    raise errors.InputError(
        f'--config.{field}={value!r} does not work: {remedy}.'
    )


def validate(config: config_lib.Config) -> None:
  """Check every constraint between settings before anything is written.

  Args:
    config: the settings of a run.

  Raises:
    InputError: naming the field, its value and what to set instead.
  """
  flat = config_lib.flatten(dataclasses.asdict(config))
  for least, fields in _LEAST.items():
    for field in fields:
      value = flat[field]
      numbers = value if isinstance(value, tuple) else (value,)
      _require(
          all(number >= least for number in numbers),
          *(field, value),
          f'it must be at least {least}',
      )
  _require(
      config.seed < 2**31, 'seed', config.seed, f'it must be below {2**31}'
  )
  _require(
      config.name not in ('', '.', '..')
      and config.name == os.path.basename(config.name),
      *('name', config.name),
      'it names a folder in runs/, so it must not be empty or a path',
  )
  for field in ('log_every', 'sample_every', 'checkpoint_every', 'num_rounds'):
    value = getattr(config, field)
    _require(
        value % config.rounds_per_call == 0,
        *(field, value),
        f'it must be a multiple of rounds_per_call={config.rounds_per_call}',
    )
  _require(
      config.batch_size % 2 == 0,
      *('batch_size', config.batch_size),
      'it must be even, half of each discriminator batch is history',
  )
  _require(
      config.history_size == 0 or config.history_size >= config.batch_size // 2,
      *('history_size', config.history_size),
      f'it must hold at least half a batch, {config.batch_size // 2} images, or'
      ' be 0 for no history',
  )
  parts = config.gradient_accumulation
  _require(
      config.batch_size % (2 * max(1, parts)) == 0,
      *('gradient_accumulation', parts),
      f'twice as many parts must divide batch_size={config.batch_size}',
  )
  for field in ('self_regularization_weight', 'gradient_penalty'):
    weight = flat[field]
    _require(
        0 <= weight < float('inf'),
        *(field, weight),
        'it must be a finite number, 0 or more',
    )
  for field in ('optimizer.learning_rate', 'evaluation.learning_rate'):
    rate = flat[field]
    _require(
        0 < rate < float('inf'),
        *(field, rate),
        'it must be a finite number above 0',
    )
  choices = config_lib.CHOICES
  beta1 = config.optimizer.beta1
  _require(
      0 <= beta1 < 1,
      *('optimizer.beta1', beta1),
      'it must be at least 0 and below 1',
  )
  for field, value, allowed in (
      ('optimizer.name', config.optimizer.name, ('adam', 'sgd')),
      ('compute_dtype', config.compute_dtype, ('float32', 'bfloat16')),
      (
          'self_regularization_features',
          config.self_regularization_features,
          ('identity', 'channel_mean', 'gradients'),
      ),
      ('data.on_error', config.data.on_error, choices['on_error']),
      ('data.fit', config.data.fit, choices['fit']),
      ('data.cache', config.data.cache, ('host', 'device')),
      ('data.channels', config.data.channels, choices['channels']),
      ('data.synthetic.name', config.data.synthetic.name, config_lib.SOURCES),
      ('data.real.name', config.data.real.name, config_lib.SOURCES),
      ('data.test.name', config.data.test.name, config_lib.SOURCES),
  ):
    _require(value in allowed, field, value, f'choose one of {allowed}')
  for field in ('synthetic', 'real'):
    source = getattr(config.data, field)
    _require(
        source.path or source.name in config_lib.BUILTIN,
        *(f'data.{field}.path', source.path),
        f'give the folder or file that {source.name} reads',
    )
  for method in config.evaluation.methods:
    _require(
        method in config_lib.METHODS,
        *('evaluation.methods', config.evaluation.methods),
        f"choose from {config_lib.METHODS}, as in \"('svr', 'knn')\"",
    )
  size = config.evaluation.heatmap_size
  _require(
      size >= 16 and size % 16 == 0,
      *('evaluation.heatmap_size', size),
      'it must be a multiple of 16, which an hourglass halves four times',
  )
  features = config.evaluation.hourglass_features
  _require(
      features in (8, 16) or (features > 0 and features % 32 == 0),
      *('evaluation.hourglass_features', features),
      'it must be 8, 16 or a multiple of 32',
  )
  hands = [
      name
      for name in (config.data.synthetic.name, config.data.real.name)
      if name in config_lib.HANDS
  ]
  _require(
      not hands or config.data.height == config.data.width,
      *('data.width', config.data.width),
      f'images of hands are square, and data.height is {config.data.height}',
  )
  _require(
      not hands or not config.evaluation.methods,
      *('evaluation.methods', config.evaluation.methods),
      'they estimate gaze; leave them out for hands',
  )
  sizes = config.discriminator
  lengths = {len(sizes.features), len(sizes.kernel_sizes), len(sizes.strides)}
  _require(
      len(lengths) == 1 and len(sizes.features) >= 2,
      *('discriminator.features', sizes.features),
      'features, kernel_sizes and strides need the same length, at least 2',
  )
  augmented = config.evaluation.augmented
  _require(
      augmented and all(isinstance(value, bool) for value in augmented),
      *('evaluation.augmented', augmented),
      'give True, False or "(False, True)"',
  )
  _require(
      config.evaluation.scales,
      *('evaluation.scales', config.evaluation.scales),
      'evaluation needs at least one scale',
  )
