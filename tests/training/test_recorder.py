"""Metrics are read, and sheets drawn, only where a person sees something."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.training import train_state

from simgan_jax.method import networks
from simgan_jax.settings import config as config_lib
from simgan_jax.training import monitor, recorder

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
      facts={},
      warnings={},
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


def test_the_first_sheet_waits_for_the_first_logged_round(tmp_path):
  def sheets():
    return sorted(path.name for path in tmp_path.glob('samples/round_*'))

  network = networks.Refiner(num_features=2, num_blocks=1)
  refiner = train_state.TrainState.create(
      apply_fn=network.apply,
      params=network.init(jax.random.key(0), jnp.zeros((1, 35, 55, 1)))[
          'params'
      ],
      tx=optax.identity(),
  )
  metrics = {name: jnp.array([0.5]) for name in NAMES}
  record = _open(tmp_path, 0)
  record.start(0, refiner)
  reader = monitor.DelayedMetrics(1, record.log)
  reader.put(1, metrics, log=False)
  assert not sheets()
  reader.put(2, metrics, log=True)
  assert not sheets()
  reader.put(3, metrics, log=False)
  assert sheets() == ['round_000000.png']
  record.close()
  # A run that stops before shows it with its last sheet.
  record = _open(tmp_path / 'short', 0)
  record.start(0, refiner)
  record.sample(1, refiner)
  assert len(list(tmp_path.glob('short/samples/round_*'))) == 2
  record.close()


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
  reader = monitor.DelayedMetrics(1, record.log)
  for number in range(1, 7):
    log = number % 3 == 0
    reader.put(number, ready if log else unread, log=log)
  reader.read_newest()
  record.close()
  lines = (tmp_path / 'metrics.jsonl').read_text().splitlines()
  assert [json.loads(line)['round'] for line in lines] == [3, 6]
