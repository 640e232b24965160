"""The settings of a run: typed dataclasses.

`configs/*.py` build a `Config`; command-line flags `--config.FIELD=VALUE`
override single fields with a type check; `validation.validate` says in one
sentence what does not fit. Below `loop.py` nothing sees a `Config`: values are
handed on as plain keyword arguments.
"""

import dataclasses
import json
import os
import types
import typing
from collections.abc import Mapping
from typing import Any

from simgan_jax.machine import errors

BUILTIN = ('builtin_eyes', 'builtin_hands')  # sources that read nothing
HANDS = ('builtin_hands', 'nyu_hand')  # sources of hands; else of eyes
METHODS = ('svr', 'alr', 'random_forest', 'knn')  # besides the paper's network
SOURCES = (
    'builtin_eyes',
    'unity_eyes',
    'columbia_gaze',
    'mpiigaze',
    'builtin_hands',
    'nyu_hand',
    'image_folder',
    'hdf5',
    'arrays',
)
# Allowed values of the options that sources have, by the option's name.
CHOICES = {
    'channels': (1, 3),
    'crop': ('box', 'columbia'),
    'domain': ('synthetic', 'real'),
    'fit': ('crop', 'pad', 'resize'),
    'on_error': ('stop', 'skip'),
    'samples': ('evaluation', 'all'),
}


@dataclasses.dataclass
class RefinerConfig:
  """Sizes of the residual refiner network."""

  num_features: int = 64  # channels of every hidden convolution
  num_blocks: int = 4  # residual blocks
  kernel_size: int = 3  # pixels; 3 for eyes, 7 for hands
  # Pixels become background by chance, as they do in depth images.
  loses_pixels: bool = False


@dataclasses.dataclass
class DiscriminatorConfig:
  """Sizes of the patch discriminator; one entry a hidden convolution."""

  features: tuple[int, ...] = (96, 64, 32, 32)  # channels
  kernel_sizes: tuple[int, ...] = (3, 3, 3, 1)  # pixels
  strides: tuple[int, ...] = (2, 2, 1, 1)  # pixels
  pool_window: int = 3  # pixels; the max-pool follows the second convolution
  pool_stride: int = 1  # pixels
  local: bool = True  # False: one decision an image (the paper's ablation)


@dataclasses.dataclass
class OptimizerConfig:
  """One optimiser, used for both networks with a state each."""

  name: str = 'adam'  # 'adam' or 'sgd' (the paper's)
  learning_rate: float = 2e-4  # constant
  beta1: float = 0.9  # of Adam: decay of the mean of the gradients


@dataclasses.dataclass
class SourceConfig:
  """Where images come from."""

  name: str = 'builtin_eyes'  # one of SOURCES
  path: str = ''  # folder, or file of arrays; unused by built-in ones
  subjects: str = ''  # persons to keep, '1-24' or '1-3,7'; '' = all
  limit: int = 0  # first images to use, 0 = all; built-in ones make as many
  samples: str = 'evaluation'  # mpiigaze only: 'evaluation' lists, or 'all'
  crop: str = 'box'  # unity_eyes only: 'box', or like those of 'columbia'
  views: str = '1'  # nyu_hand only: cameras, '1-3' or '1,3'


@dataclasses.dataclass
class DataConfig:
  """The three data sets of a run and the size they are brought to."""

  synthetic: SourceConfig = dataclasses.field(default_factory=SourceConfig)
  real: SourceConfig = dataclasses.field(default_factory=SourceConfig)
  # For eval.py; an empty path stands for the path of the real images.
  test: SourceConfig = dataclasses.field(default_factory=SourceConfig)
  height: int = 35  # pixels
  width: int = 55  # pixels
  channels: int = 1  # 1 = grey, 3 = RGB
  # image_folder and hdf5: 'crop' the middle, 'pad' by repeating the border, or
  # 'resize', which stretches.
  fit: str = 'crop'
  cache: str = 'host'  # 'device': whole data sets in every device's memory
  on_error: str = 'stop'  # 'stop' at a bad file, or 'skip' and list it
  # Before refining, give each synthetic image the histogram of a random real
  # one, so that the discriminator must look at texture.
  match_histograms: bool = False


@dataclasses.dataclass
class EvaluationConfig:
  """How eval.py trains and tests the estimator."""

  base_images: int = 2_000  # synthetic images at scale 1 (the paper's "1x")
  scales: tuple[int, ...] = (1, 4)  # multiples of base_images
  num_steps: int = 1_000  # optimiser steps of every estimator
  batch_size: int = 64  # images a step
  learning_rate: float = 1e-3  # start of the cosine decay
  # Rows without and with random changes of the training images.
  augmented: tuple[bool, ...] = (False, True)
  methods: tuple[str, ...] = ()  # Table 3's others, of METHODS
  num_seeds: int = 3  # estimators a row
  # Of the hand pose estimator, a stacked hourglass.
  heatmap_size: int = 64  # pixels, a multiple of 16
  hourglass_features: int = 256  # channels
  num_stacks: int = 2


@dataclasses.dataclass
class Config:
  """Everything a run depends on."""

  name: str = 'eyes'  # the default working directory is runs/<name>
  num_rounds: int = 1_000  # T of Algorithm 1
  batch_size: int = 32  # images a step, over all devices
  seed: int = 0
  refiner_steps: int = 2  # K_g, refiner steps a round
  discriminator_steps: int = 1  # K_d, discriminator steps a round
  pretrain_refiner_steps: int = 1_000  # self-regularisation loss only
  pretrain_discriminator_steps: int = 200
  self_regularization_weight: float = 0.25  # lambda of eq. 4, sums convention
  self_regularization_features: str = 'channel_mean'  # psi of eq. 4
  # Weight in the discriminator's loss, 0 as in the paper: what keeps the two
  # networks from swinging around each other; see losses.gradient_penalty.
  gradient_penalty: float = 0.0
  # Images, B of section 2.3, in whole half batches; 0 = no history.
  history_size: int = 2_048
  compute_dtype: str = 'float32'  # or 'bfloat16'; parameters stay float32
  # Parts of a device's batch, one after the other: less memory. 0 = 1, and on a
  # CPU as many as leave 4 images, which its caches hold.
  gradient_accumulation: int = 0
  # Compute activations again in the backward pass: less memory, not on a CPU.
  rematerialize: bool = False
  rounds_per_call: int = 1  # rounds scanned inside one compiled call
  log_every: int = 10  # rounds
  sample_every: int = 100  # rounds
  checkpoint_every: int = 100  # rounds
  refiner: RefinerConfig = dataclasses.field(default_factory=RefinerConfig)
  discriminator: DiscriminatorConfig = dataclasses.field(
      default_factory=DiscriminatorConfig
  )
  optimizer: OptimizerConfig = dataclasses.field(
      default_factory=OptimizerConfig
  )
  data: DataConfig = dataclasses.field(default_factory=DataConfig)
  evaluation: EvaluationConfig = dataclasses.field(
      default_factory=EvaluationConfig
  )


def divisible_size(config: Config) -> int:
  """Return the number that the number of devices must divide.

  A device's part of a batch consists of pairs of a new and an old image, as
  many in every part of a step.
  """
  return config.batch_size // (2 * max(1, config.gradient_accumulation))


def flatten(values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
  """Return {'data.real.path': value, ...} of nested settings."""
  flat: dict[str, Any] = {}
  for name, value in values.items():
    if isinstance(value, Mapping):
      flat |= flatten(value, f'{prefix}{name}.')
    else:
      flat[prefix + name] = value
  return flat


def to_json(config: Config) -> str:
  """Return the settings as indented JSON with a final newline."""
  return json.dumps(dataclasses.asdict(config), indent=2) + '\n'


def _from_dict(kind: type, values: dict, where: str):
  arguments = {}
  if not isinstance(values, dict):
    raise TypeError(f'{values!r} where there are fields of {kind.__name__}')
  for field in dataclasses.fields(kind):
    if field.name not in values:
      continue
    value = values[field.name]
    field_type = typing.cast(type, field.type)
    if dataclasses.is_dataclass(field_type):
      value = _from_dict(field_type, value, where)
    elif isinstance(field_type, types.GenericAlias):
      value = tuple(value)
    # JSON need not write the point of a whole number.
    elif type(value) not in (field_type, int if field_type is float else None):
      raise TypeError(f'{field.name} is {value!r}, no {field_type.__name__}')
    arguments[field.name] = value
  unknown = sorted(set(values) - set(arguments))
  if unknown:
    raise errors.InputError(
        f'{where} has fields this version does not know: {unknown}; train'
        ' again in another --workdir or use the version that wrote it.'
    )
  return kind(**arguments)


def read(path: str) -> Config:
  """Read the settings a run wrote as `config.json`.

  Args:
    path: the file.

  Returns:
    The settings; fields the file lacks take their defaults.

  Raises:
    InputError: when the file is missing, damaged or has unknown fields.
  """
  if not os.path.exists(path):
    raise errors.InputError(
        f'{path} does not exist: no run was started there; run train.py first'
        ' or give its --workdir.'
    )
  try:
    with open(path, encoding='utf-8') as file:
      return _from_dict(Config, json.load(file), path)
  except errors.InputError:
    raise
  except (OSError, RecursionError, TypeError, ValueError) as error:
    raise errors.InputError(
        f'{path} is damaged ({error}); restore it or start again in another'
        ' --workdir.'
    ) from error
