"""SimGAN on hands: make rendered depth images look like a sensor's.

Shrivastava et al., "Learning from Simulated and Unsupervised Images through
Adversarial Training", CVPR 2017, https://arxiv.org/abs/1612.07828

Presets:

    python train.py --config=configs/hands.py
    python eval.py --workdir=runs/hands
  Built-in simulator and built-in sensor, without a download, with small images
  and networks for a laptop: 11 minutes on 2 CPU cores without AVX-512. The
  refiner learns holes and rough depths and, in part, ragged edges.

    python train.py --config=configs/hands.py:paper
        --config.data.synthetic.path=NYU/train --config.data.real.path=NYU/train
        --config.data.test.path=NYU/test
  Renderings -> depth images of the NYU hand pose data set, with the paper's
  image size of 224 x 224, networks, batch and schedule, for an accelerator. The
  paper reports 72.4 % within 5 pixels for refined and 69.7 % for synthetic
  images. We have not run this preset.

README.md has the measured results.
"""

from simgan_jax.machine import errors
from simgan_jax.settings import config as config_lib

SIDE = 224  # pixels; size of the paper's images


def _laptop() -> config_lib.Config:
  config = config_lib.Config(name='hands')
  # The refiner needs many steps before it makes ragged edges and holes; small
  # batches suffice, because an image has many patches.
  config.batch_size = 8
  config.history_size = 1_024
  config.num_rounds = 600
  # Most of an image is empty, so that the discriminator learns too little from
  # fewer steps. A larger beta1 makes both networks oscillate.
  config.refiner_steps, config.discriminator_steps = 1, 2
  config.optimizer.beta1 = 0.5
  # Large enough to keep the size of hands, because empty images look real too.
  config.self_regularization_weight = 0.8
  config.pretrain_refiner_steps = 400
  config.pretrain_discriminator_steps = 400
  config.log_every = 20
  # The networks oscillate; frequent checkpoints include a good refiner.
  config.checkpoint_every = 20
  config.refiner = config_lib.RefinerConfig(num_features=32, loses_pixels=True)
  data = config.data
  data.height = data.width = 64
  data.synthetic = config_lib.SourceConfig(name='builtin_hands', limit=4_000)
  data.real = config_lib.SourceConfig(
      name='builtin_hands', limit=4_000, subjects='1-24'
  )
  data.test = config_lib.SourceConfig(
      name='builtin_hands', limit=4_000, subjects='25-32'
  )
  config.evaluation = config_lib.EvaluationConfig(
      base_images=4_000,
      scales=(1,),
      # Small batches learn more in the same time.
      batch_size=16,
      augmented=(True,),
      heatmap_size=32,
      hourglass_features=32,
  )
  return config


def _paper() -> config_lib.Config:
  config = config_lib.Config(name='hands')
  config.batch_size = 512
  config.optimizer = config_lib.OptimizerConfig(name='sgd', learning_rate=1e-3)
  config.num_rounds = 10_000
  config.refiner_steps = 2
  config.self_regularization_weight = 0.01  # the one value ever reported
  config.pretrain_refiner_steps = 500
  config.pretrain_discriminator_steps = 200
  config.history_size = 25_600
  # To fit into 80 GB; neither changes the results.
  config.gradient_accumulation = 4
  config.rematerialize = True
  config.refiner = config_lib.RefinerConfig(num_blocks=10, kernel_size=7)
  config.discriminator = config_lib.DiscriminatorConfig(
      features=(96, 64, 32, 32),
      kernel_sizes=(7, 5, 3, 1),
      strides=(4, 2, 2, 1),
      pool_stride=2,
  )
  data = config.data
  data.height = data.width = SIDE
  # Real images use one view; three views give the paper's 3x synthetic images.
  data.synthetic = config_lib.SourceConfig(name='nyu_hand', views='1-3')
  data.real = config_lib.SourceConfig(name='nyu_hand')
  data.test = config_lib.SourceConfig(name='nyu_hand')
  config.evaluation = config_lib.EvaluationConfig(
      base_images=72_757,
      scales=(1, 3),
      num_steps=30_000,
      batch_size=32,
      learning_rate=1e-3,
      estimator='paper',
      augmented=(True,),
  )
  return config


PRESETS = {'': _laptop, 'paper': _paper}


def get_config(preset: str = '') -> config_lib.Config:
  """Return the settings of the preset '' or 'paper'."""
  if preset not in PRESETS:
    raise errors.InputError(
        f'configs/hands.py has no preset {preset!r}; choose'
        f' one of {sorted(PRESETS)} (empty = the built-in simulator).'
    )
  return PRESETS[preset]()
