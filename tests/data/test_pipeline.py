"""What a step sees depends on its number, and on nothing that came before."""

import itertools
import subprocess
import sys
import zlib

import numpy as np
import pytest

from simgan_jax.data import pipeline
from simgan_jax.machine.errors import InputError


@pytest.fixture(params=['with tensorflow', 'without tensorflow'])
def anywhere(request, monkeypatch):
  """Run a test with tensorflow, and again as if it were not installed."""
  if request.param == 'without tensorflow':
    monkeypatch.setitem(sys.modules, 'tensorflow', None)


def numbered_images(num: int) -> np.ndarray:
  """Images [num, 2, 3, 1] whose pixels hold their own number."""
  return np.tile(
      np.arange(num, dtype=np.uint8)[:, None, None, None], (1, 2, 3, 1)
  )


def numbers(num_images: int, num_steps: int, **options) -> list[np.ndarray]:
  """The numbers of the images in the first steps."""
  options = {'seed': 7, 'stream': 'real', 'batch_shape': (3, 4)} | options
  stream = pipeline.batches(numbered_images(num_images), **options)
  return [batch[..., 0, 0, 0] for batch in itertools.islice(stream, num_steps)]


def test_batches_are_uint8_of_the_asked_shape(anywhere):
  batch = next(
      pipeline.batches(
          numbered_images(9), batch_shape=(5, 2, 4), seed=0, stream='synthetic'
      )
  )
  assert batch.shape == (5, 2, 4, 2, 3, 1)
  assert batch.dtype == np.uint8 and not batch.flags.writeable
  assert (batch == batch[..., :1, :1, :]).all()


def test_every_image_comes_once_an_epoch(anywhere):
  # 35 images and 12 a step: every batch but the first spans no whole epoch.
  seen = np.concatenate([step.ravel() for step in numbers(35, 35)])
  epochs = seen.reshape(12, 35)
  assert (np.sort(epochs, axis=1) == np.arange(35)).all()
  assert len({tuple(epoch) for epoch in epochs}) == 12


@pytest.mark.parametrize('num_images', [1, 35, 2_000])
def test_the_order_of_an_epoch_is_one_permutation_of_numpy(
    anywhere, num_images
):
  stream = pipeline.batches(
      np.arange(num_images),
      batch_shape=(num_images, 1),
      seed=7,
      stream='rounds/real',
      first_step=3,
  )
  key = [7, zlib.crc32(b'rounds/real'), 3]
  expected = np.random.default_rng(key).permutation(num_images)
  np.testing.assert_array_equal(next(stream)[:, 0], expected)


@pytest.mark.parametrize('first_step', [1, 2, 3, 11])
def test_resuming_gives_the_uninterrupted_stream(anywhere, first_step):
  resumed = numbers(35, 5, first_step=first_step)
  np.testing.assert_array_equal(
      resumed, numbers(35, first_step + 5)[first_step:]
  )


def test_a_far_step_is_reached_at_once(anywhere):
  (step,) = numbers(35, 1, first_step=10**12)
  assert step.shape == (3, 4)


@pytest.mark.parametrize('other', [{'seed': 8}, {'stream': 'synthetic'}])
def test_seeds_and_streams_are_shuffled_apart(anywhere, other):
  # Few of a hundred images fall on the same place by chance.
  same = np.equal(
      numbers(96, 8, batch_shape=(12,)),
      numbers(96, 8, batch_shape=(12,), **other),
  )
  assert same.mean() < 0.1


def test_the_images_are_shuffled(anywhere):
  order = np.concatenate(numbers(200, 4, batch_shape=(50,)))
  assert abs(np.corrcoef(order, np.arange(200))[0, 1]) < 0.3


def test_processes_share_a_batch_without_overlap(anywhere):
  whole = numbers(35, 6)
  parts = [
      numbers(35, 6, process_index=index, process_count=2) for index in (0, 1)
  ]
  np.testing.assert_array_equal(np.concatenate(parts, axis=-1), whole)


@pytest.mark.parametrize('num_images', [4, 35, 2_000])
def test_without_tensorflow_the_same(monkeypatch, num_images):
  options = {'num_steps': 9, 'first_step': 5, 'process_count': 2, 'seed': 3}
  expected = numbers(num_images, **options)
  monkeypatch.setitem(sys.modules, 'tensorflow', None)
  np.testing.assert_array_equal(numbers(num_images, **options), expected)


def test_an_iterator_can_be_dropped_while_it_prefetches():
  code = """
import numpy as np
from simgan_jax.data import pipeline
images = np.zeros((2_000, 35, 55, 1), np.uint8)
for _ in range(20):
  stream = pipeline.batches(images, batch_shape=(64,), seed=0, stream='real')
  next(stream)
  del stream
stream = pipeline.batches(images, batch_shape=(64,), seed=0, stream='real')
next(stream)  # and the interpreter ends
"""
  subprocess.run([sys.executable, '-c', code], check=True, timeout=60)


def test_fewer_images_than_a_batch(anywhere):
  with pytest.raises(
      InputError, match='real: 3 images.* batch of 4.*batch_size'
  ):
    numbers(3, 1)


def test_a_batch_that_cannot_be_divided():
  with pytest.raises(InputError, match='batch of 4.*among 3 processes'):
    numbers(35, 1, process_count=3)
