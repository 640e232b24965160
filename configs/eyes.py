"""SimGAN on eyes."""

from simgan_jax.config import Config


def get_config(preset: str = '') -> Config:
  """Return the settings of a preset."""
  config = Config()
  config.num_rounds=4
  config.batch_size=8
  config.pretrain_refiner_steps=4
  config.pretrain_discriminator_steps=2
  config.log_every=2; config.sample_every=2; config.checkpoint_every=2
  config.data.synthetic.limit=200
  config.data.real.limit=200
  config.refiner.num_features=8
  return config
