"""Reading with several threads gives what one gives, in order, and no more."""

import threading
import time

import numpy as np
import pytest
from PIL import Image

from simgan_jax.data import cache, inputs, workers
from simgan_jax.machine.errors import InputError


@pytest.mark.parametrize('num_workers', [0, 1, 2, 7])
def test_in_order_when_the_first_take_longest(num_workers):
  def wait(number):
    time.sleep(0.01 * (number < 3))
    return -number

  found = workers.map_in_order(wait, range(100), num_workers)
  assert list(found) == [-number for number in range(100)]


def test_several_are_computed_at_a_time():
  # Each waits for the other: one thread alone would wait for ever.
  barrier = threading.Barrier(2, timeout=20)
  found = workers.map_in_order(lambda _: barrier.wait(), range(4), 2)
  assert sorted(found) == [0, 0, 1, 1]


@pytest.mark.parametrize('num_workers', [1, 3])
def test_an_error_comes_in_its_place_and_ends_the_reading(num_workers):
  begun = []

  def fail(number):
    begun.append(number)
    if number == 5:
      raise InputError('the fifth')
    return number

  found = workers.map_in_order(fail, range(1_000), num_workers)
  assert [next(found) for _ in range(5)] == [0, 1, 2, 3, 4]
  with pytest.raises(InputError, match='the fifth'):
    next(found)
  assert max(begun) <= 5 + 4 * num_workers


def test_what_is_asked_for_by_many_is_computed_once():
  computed = []

  def compute(number):
    time.sleep(0.01)
    computed.append(number)
    return number * 10

  remembered = workers.remember_last(compute)
  for asked in [0] * 20, [1, 0] * 20, [2] * 20:
    assert list(workers.map_in_order(remembered, asked, 8)) == [
        number * 10 for number in asked
    ]
  assert computed == [0, 1, 2]


@pytest.fixture
def folder(tmp_path):
  folder = tmp_path / 'images'
  folder.mkdir()
  for number in range(40):
    size = 60 + number % 2, 40
    grey = np.full(size[::-1], number, np.uint8)
    Image.fromarray(grey).save(folder / f'{number:02d}.png')
  for damaged in (7, 30):
    (folder / f'{damaged:02d}.png').write_bytes(b'no image')
  return folder


@pytest.mark.parametrize('limit', [0, 20])
def test_a_prepared_set_does_not_depend_on_the_workers(tmp_path, folder, limit):
  options = {'height': 35, 'width': 55, 'on_error': 'skip', 'limit': limit}
  source = inputs.make_source('image_folder', path=folder, **options)
  one, many = (
      cache.prepare(source, tmp_path / str(number), num_workers=number)
      for number in (1, 6)
  )
  files = [
      sorted(builder.data_path.glob('*.tfrecord*')) for builder in (one, many)
  ]
  assert [file.read_bytes() for file in files[0]] == [
      file.read_bytes() for file in files[1]
  ]
  assert one.info.metadata == many.info.metadata
  report = one.info.metadata['report']
  assert len(report['left_out']) == (1 if limit else 2)
  assert sum(report['sizes'].values()) == (limit or 38)
