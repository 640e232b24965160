"""SimGAN on speed-limit signs: a plain renderer and real photographs.

    python examples/signs/render.py --output=data/signs_rendered

renders the synthetic images. Presets:

    python train.py --config=configs/signs.py --config.data.real.path=REAL
        --config.data.test.path=VALIDATION
  Folders of photographs; those to test on have a labels.csv with a column
  `limit`.

    python train.py --config=configs/signs.py:gtsrb
        --config.data.real.path=GTSRB/Final_Training/Images
        --config.data.test.path=GTSRB/Final_Test/Images
  The German Traffic Sign Recognition Benchmark as it is unpacked. Put its
  GT-final_test.csv, a download of its own, into the second folder.

docs/signs.md has the measured results.
"""

from simgan_jax.machine import errors
from simgan_jax.settings import config as config_lib


def _folders() -> config_lib.Config:
  # Chosen by the labels of `validation`: experiments/README.md.
  config = config_lib.Config(name='signs')
  config.batch_size = 16
  config.num_rounds = 250
  config.pretrain_refiner_steps = 100
  config.pretrain_discriminator_steps = 50
  config.self_regularization_features = 'gradients'
  # A smaller weight changes digits.
  config.self_regularization_weight = 0.3
  # A quarter of the work of 64.
  config.refiner.num_features = 32
  config.sample_every = 50
  config.checkpoint_every = 250  # only the last one, as measured
  data = config.data
  data.height = data.width = 40
  data.fit = 'resize'
  data.match_histograms = True
  data.synthetic = config_lib.SourceConfig(
      name='image_folder', path='data/signs_rendered'
  )
  data.real = config_lib.SourceConfig(name='image_folder')
  data.test = config_lib.SourceConfig(name='image_folder')
  config.evaluation = config_lib.EvaluationConfig(
      task='class', labels='limit', base_images=8_000, scales=(1,)
  )
  return config


def _gtsrb() -> config_lib.Config:
  config = _folders()
  config.data.real = config_lib.SourceConfig(name='traffic_signs')
  config.data.test = config_lib.SourceConfig(name='traffic_signs')
  return config


PRESETS = {'': _folders, 'gtsrb': _gtsrb}


def get_config(preset: str = '') -> config_lib.Config:
  """Return the settings of the preset '' or 'gtsrb'."""
  if preset not in PRESETS:
    raise errors.InputError(
        f'configs/signs.py has no preset {preset!r}; choose'
        f' {" or ".join(repr(name) for name in PRESETS)}.'
    )
  return PRESETS[preset]()
