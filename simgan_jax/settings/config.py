"""The settings of a run: typed dataclasses.

`configs/*.py` build a `Config`, and `--config.FIELD=VALUE` on the command line
replaces single fields with a type check. `validation.validate` checks the
values.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

BUILTIN = ('builtin_eyes', 'builtin_hands')  # sources that read no files
HANDS = ('builtin_hands', 'nyu_hand')  # sources of images of hands
TASKS = ('auto', 'gaze', 'hands', 'class', 'regression', 'points', 'mask')
METHODS = ('svr', 'alr', 'random_forest', 'knn')  # baselines of the paper
SOURCES = (
    'builtin_eyes',
    'unity_eyes',
    'columbia_gaze',
    'mpiigaze',
    'builtin_hands',
    'nyu_hand',
    'traffic_signs',
    'image_folder',
    'hdf5',
    'arrays',
)
# Allowed values, by the name of the option or the end of the field's name.
CHOICES: dict[str, tuple[Any, ...]] = {
    'synthetic.name': SOURCES,
    'real.name': SOURCES,
    'test.name': SOURCES,
    'optimizer.name': ('adam', 'sgd'),
    'compute_dtype': ('float32', 'bfloat16'),
    'self_regularization_features': ('identity', 'channel_mean', 'gradients'),
    'cache': ('host', 'device'),
    'channels': (1, 3),
    'crop': ('box', 'columbia'),
    'evaluation.task': TASKS,
    'evaluation.estimator': ('compact', 'paper'),
    'domain': ('synthetic', 'real'),
    'fit': ('crop', 'pad', 'resize'),
    'on_error': ('stop', 'skip'),
    'pages': ('one', 'all'),
    'samples': ('evaluation', 'all'),
}


@dataclasses.dataclass
class RefinerConfig:
  """Sizes of the residual refiner network."""

  num_features: int = 64  # channels of every hidden convolution
  num_blocks: int = 4  # residual blocks
  kernel_size: int = 3  # pixels; 3 for eyes, 7 for hands
  loses_pixels: bool = False  # to background, as depth sensors do
  # Of Gaussian noise, by which one image is refined in several ways; 0 = none,
  # as in the paper.
  noise_channels: int = 0


@dataclasses.dataclass
class DiscriminatorConfig:
  """Sizes of the patch discriminator, one entry per hidden convolution."""

  features: tuple[int, ...] = (96, 64, 32, 32)  # channels
  kernel_sizes: tuple[int, ...] = (3, 3, 3, 1)  # pixels
  strides: tuple[int, ...] = (2, 2, 1, 1)  # pixels
  pool_window: int = 3  # pixels; the max-pool after the second convolution
  pool_stride: int = 1  # pixels
  local: bool = True  # False: one output per image (the paper's ablation)


@dataclasses.dataclass
class OptimizerConfig:
  """Optimiser of both networks; each has its own state."""

  name: str = 'adam'  # the paper's is 'sgd'
  learning_rate: float = 2e-4  # constant
  beta1: float = 0.9  # Adam's decay of the mean of the gradients


@dataclasses.dataclass
class SourceConfig:
  """Where images come from."""

  name: str = 'builtin_eyes'  # one of SOURCES
  path: str = ''  # folder or file of arrays; built-in sources need none
  subjects: str = ''  # persons to keep, such as '1-24' or '1-3,7'; '' = all
  limit: int = 0  # number of images to use or, built in, to draw; 0 = all
  samples: str = 'evaluation'  # mpiigaze only: the evaluation lists, or 'all'
  crop: str = 'box'  # unity_eyes only; 'columbia' crops as columbia_gaze does
  views: str = '1'  # nyu_hand only: cameras, such as '1-3' or '1,3'
  # For image_folder only; docs/formats.md has examples.
  pattern: str = ''  # glob of the images, such as '*.rgb.png'; '' = by names
  pages: str = 'one'  # of TIFF, GIF and PNG; 'all' makes each page an image
  points: str = ''  # columns or keys with pixels of points, such as 'x,y'
  boxes: str = ''  # of boxes, such as 'left,upper,width,height'


@dataclasses.dataclass
class DataConfig:
  """The three data sets of a run, and the size of all their images."""

  synthetic: SourceConfig = dataclasses.field(default_factory=SourceConfig)
  real: SourceConfig = dataclasses.field(default_factory=SourceConfig)
  # For eval.py; an empty path means that of the real images.
  test: SourceConfig = dataclasses.field(default_factory=SourceConfig)
  height: int = 35  # pixels
  width: int = 55  # pixels
  channels: int = 1  # 1 = grey, 3 = RGB
  # image_folder, hdf5 and traffic_signs: 'crop', 'pad' by the border, or
  # 'resize' by stretching
  fit: str = 'crop'
  cache: str = 'host'  # 'device' keeps all images in every device's memory
  on_error: str = 'stop'  # at a bad file; 'skip' lists it and goes on
  # Give synthetic images the histograms of random real ones before refining.
  match_histograms: bool = False


@dataclasses.dataclass
class EvaluationConfig:
  """How eval.py trains and tests the estimators."""

  # What is estimated: one of TASKS; 'auto' decides by the labels.
  task: str = 'auto'
  # Columns of labels.csv to estimate, such as 'limit' or 'width,height', or the
  # word that names label images, such as 'mask'; '' = all that there are.
  labels: str = ''
  # Column that tells persons, tracks or clips apart: the images of one are
  # never both learnt from and tested, and the bootstrap draws whole groups.
  group: str = 'subject'
  estimator: str = 'compact'  # 'paper': the networks of the paper's tables
  # Synthetic images at scale 1, the paper's "1x"; 0 = all, for scales=(1,).
  base_images: int = 2_000
  scales: tuple[int, ...] = (1, 4)  # multiples of base_images
  num_steps: int = 1_000  # optimiser steps of each estimator
  batch_size: int = 64  # images per step
  learning_rate: float = 0.0  # the largest; 0 = the estimator's own
  # One row of the table each: without and with augmented training images.
  augmented: tuple[bool, ...] = (False, True)
  methods: tuple[str, ...] = ()  # baselines of the paper's Table 3, of METHODS
  num_seeds: int = 3  # estimators per row
  # Sizes of the hand pose estimator, a stacked hourglass.
  heatmap_size: int = 64  # pixels, a multiple of 16
  hourglass_features: int = 256  # channels
  num_stacks: int = 2


@dataclasses.dataclass
class Config:
  """Everything a run depends on."""

  name: str = 'eyes'  # the default working directory is runs/<name>
  num_rounds: int = 1_000  # T of Algorithm 1
  batch_size: int = 32  # images per step, over all devices
  seed: int = 0
  refiner_steps: int = 2  # K_g, refiner steps per round
  discriminator_steps: int = 1  # K_d, discriminator steps per round
  pretrain_refiner_steps: int = 1_000  # self-regularisation loss only
  pretrain_discriminator_steps: int = 200
  self_regularization_weight: float = 0.25  # lambda of eq. 4, sums convention
  self_regularization_features: str = 'channel_mean'  # psi of eq. 4
  # What a value of psi costs at most, before lambda; 0 = no limit, the paper's.
  self_regularization_limit: float = 0.0
  # Refined images of each synthetic one in a refiner step, whose mean
  # self-regularisation compares; more than 1 for a refiner with noise.
  refiner_samples: int = 1
  # Against noise that is ignored; see losses.mode_seeking_loss.
  mode_seeking_weight: float = 0.0
  # Against oscillations, 0 as in the paper; see losses.gradient_penalty.
  gradient_penalty: float = 0.0
  # Images, B of section 2.3, rounded up to whole half batches; 0 = no history
  history_size: int = 2_048
  compute_dtype: str = 'float32'  # of activations; parameters stay float32
  # Parts of a device's batch, to save memory; 0: 1, or on a CPU of 4 images.
  gradient_accumulation: int = 0
  # Recompute activations in the backward pass: saves memory, but not on a CPU.
  rematerialize: bool = False
  rounds_per_call: int = 1  # rounds in one compiled call
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

  Each part of a device's batch consists of pairs of a new and an old image.
  """
  return config.batch_size // (2 * max(1, config.gradient_accumulation))


def flatten(values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
  """Return {'data.real.path': value, ...} from nested settings."""
  flat: dict[str, Any] = {}
  for name, value in values.items():
    if isinstance(value, Mapping):
      flat |= flatten(value, f'{prefix}{name}.')
    else:
      flat[prefix + name] = value
  return flat
