"""Settings that the configs and the functions for arrays share."""

from simgan_jax.settings import config as config_lib


def folders() -> config_lib.Config:
  """Return settings for a user's own images."""
  config = config_lib.Config(name='folders')
  config.num_rounds = 400
  # The mean of the channels would let the hue drift.
  config.self_regularization_features = 'identity'
  config.pretrain_refiner_steps = 100
  config.pretrain_discriminator_steps = 50
  config.sample_every = config.checkpoint_every = 50
  # All images, and one scale.
  config.evaluation.base_images, config.evaluation.scales = 0, (1,)
  data = config.data
  data.height = data.width = 64
  data.synthetic = config_lib.SourceConfig(name='image_folder')
  data.real = config_lib.SourceConfig(name='image_folder')
  data.test = config_lib.SourceConfig(name='image_folder')
  return config
