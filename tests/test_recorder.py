"""The recorder waits for the devices only where a person sees something."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

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


def _open(workdir, first_round):
  images = np.zeros((4, 35, 55, 1), np.uint8)
  return recorder.Recorder(
      str(workdir),
      config_lib.Config(num_rounds=6),
      synthetic=images,
      real=images,
      first_round=first_round,
  )


def test_measurements_after_the_round_continued_from_are_lost(tmp_path):
  def read():
    lines = (tmp_path / 'inspection.jsonl').read_text().splitlines()
    return [json.loads(line) for line in lines]

  record = _open(tmp_path, 0)
  rows = [{'round': i, 'realism/kernel_distance': i / 2} for i in (0, 2, 4)]
  for row in rows:
    record.inspected(
        row['round'], {'realism/kernel_distance': row['round'] / 2}
    )
  record.inspected(5, {})
  record.close()
  assert read() == rows
  _open(tmp_path, 2).close()
  assert read() == rows[:2]
  # A run stopped while pre-training measures round 0 when that is done.
  _open(tmp_path, 0).close()
  assert not read()


class Unread:
  """A metric that is not ready: reading it is the error."""

  def __getattr__(self, name):
    raise AssertionError(f'{name} of a metric was read')

  def __array__(self, *args, **options):
    raise AssertionError('a metric was read')


def test_metrics_between_logged_rounds_are_never_read(request, tmp_path):
  if request.config.getoption('--check-shapes'):
    pytest.skip('its metrics are no arrays')
  record = _open(tmp_path, 0)
  unread = {name: Unread() for name in NAMES}
  ready = {name: jnp.array([0.5]) for name in NAMES}
  for number in range(1, 7):
    log = number % 3 == 0
    record.round_done(number, ready if log else unread, log=log)
  record.check_finite()
  record.close()
  lines = (tmp_path / 'metrics.jsonl').read_text().splitlines()
  assert [json.loads(line)['round'] for line in lines] == [3, 6]
