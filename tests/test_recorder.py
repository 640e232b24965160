"""The recorder waits for the devices only where a person sees something."""

import json

import jax.numpy as jnp
import numpy as np

from simgan_jax import config as config_lib
from simgan_jax import recorder

NAMES = (
    'refiner/change',
    'refiner/self_regularization',
    'refiner/adversarial',
    'discriminator/real_accuracy',
    'discriminator/refined_accuracy',
    'discriminator/loss_per_patch',
    'history/images',
    'history/age_span',
)


class Unread:
  """A metric that is not ready: reading it is the error."""

  def __getattr__(self, name):
    raise AssertionError(f'{name} of a metric was read')

  def __array__(self, *args, **options):
    raise AssertionError('a metric was read')


def test_metrics_between_logged_rounds_are_never_read(tmp_path):
  config = config_lib.Config(num_rounds=6)
  images = np.zeros((4, 35, 55, 1), np.uint8)
  record = recorder.Recorder(
      str(tmp_path), config, synthetic=images, real=images, first_round=0
  )
  unread = {name: Unread() for name in NAMES}
  ready = {name: jnp.array([0.5]) for name in NAMES}
  for number in range(1, 7):
    log = number % 3 == 0
    record.round_done(number, ready if log else unread, log=log)
  record.check_finite()
  record.close()
  lines = (tmp_path / 'metrics.jsonl').read_text().splitlines()
  assert [json.loads(line)['round'] for line in lines] == [3, 6]
