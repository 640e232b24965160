"""The input pipeline: the step number alone says which images a step sees.

There is no state to save: a run that resumes at step s reads exactly what it
would have read without the interruption. Batches come through tf.data; without
TensorFlow, NumPy gathers the same images.
"""

import functools
import itertools
import math
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from simgan_jax.machine.errors import InputError

_CHUNK = 256  # steps whose indices TensorFlow gets at once


def index_batches(
    num: int,
    batch_shape: tuple[int, ...],
    *,
    key: tuple[int, ...],
    first_step: int = 0,
) -> Iterator[Int[np.ndarray, '...']]:
  """Yield endless batches of shuffled indices, each index once an epoch.

  Step s takes `prod(batch_shape)` consecutive places, from place
  `s * prod(batch_shape)`, of the permutations of all epochs one after another.

  Args:
    num: Number of indices.
    batch_shape: Shape of a batch.
    key: Non-negative numbers that, with the number of an epoch, seed the
      permutation of that epoch.
    first_step: Number of the first step to yield.

  Yields:
    Indices [*batch_shape] int64, 0 to num - 1.
  """

  @functools.lru_cache(maxsize=2)  # A step may begin inside an epoch.
  def order(epoch: int) -> np.ndarray:
    return np.random.default_rng([*key, epoch]).permutation(num)

  size = math.prod(batch_shape)
  for step in itertools.count(first_step):
    epochs, places = np.divmod(step * size + np.arange(size), num)
    parts = [
        order(epoch)[places[epochs == epoch]]
        for epoch in np.unique(epochs).tolist()
    ]
    yield np.concatenate(parts).reshape(batch_shape)


def batches(
    images: Shaped[np.ndarray, 'n *element'],
    *,
    batch_shape: tuple[int, ...],
    seed: int,
    stream: str,
    first_step: int = 0,
    process_index: int = 0,
    process_count: int = 1,
) -> Iterator[Shaped[np.ndarray, '...']]:
  """Return endless shuffled batches, each image once an epoch.

  Args:
    images: Images [n, h, w, c] uint8, or any other array with one entry an
      image.
    batch_shape: Leading axes of a batch, e.g. (K, B); the last is the global
      batch size.
    seed: Non-negative seed of the order.
    stream: Name of the stream; streams of one seed have different orders.
    first_step: Number of the first step to return.
    process_index: Number of this process, which receives the contiguous slice
      of that number of the last batch axis.
    process_count: Number of processes; it divides the last batch axis.

  Returns:
    Iterator of read-only arrays [*batch_shape, h, w, c] (last batch axis
    divided by `process_count`) of the dtype of `images`; tf.data prefetches
    them.

  Raises:
    InputError: If there are fewer images than a batch, or the batch cannot be
      divided among the processes.
  """
  num_images, batch_size = len(images), batch_shape[-1]
  if num_images < batch_size:
    raise InputError(
        f'{stream}: {num_images} images are fewer than a batch of'
        f' {batch_size}; give more images or set a smaller batch_size.'
    )
  if batch_size % process_count:
    raise InputError(
        f'A batch of {batch_size} cannot be divided among {process_count}'
        ' processes; set batch_size to a multiple of their number.'
    )
  key = (seed, zlib.crc32(stream.encode()))
  indices = (
      np.split(batch, process_count, axis=-1)[process_index]
      for batch in index_batches(
          num_images, batch_shape, key=key, first_step=first_step
      )
  )
  try:
    import tensorflow
  except ImportError:
    return _gather(images, indices)
  return _gather_by_tensorflow(tensorflow, images, indices)


def _gather(
    images: Shaped[np.ndarray, 'n *element'], indices: Iterator[np.ndarray]
) -> Iterator[Shaped[np.ndarray, '...']]:
  for batch in map(images.__getitem__, indices):
    batch.flags.writeable = False
    yield batch


def _gather_by_tensorflow(
    tf: Any,
    images: Shaped[np.ndarray, 'n *element'],
    indices: Iterator[np.ndarray],
) -> Iterator[Shaped[np.ndarray, '...']]:
  # An eager tensor is captured by reference; a NumPy array would be copied
  # into the graph, whose size is limited to 2 GB.
  with tf.device('CPU'):
    tensor = tf.convert_to_tensor(images)
  options = tf.data.Options()
  # Optimising would copy the images and gain nothing.
  options.experimental_optimization.apply_default_optimizations = False
  # The tuner's thread sleeps for up to a minute; dropping the iterator would
  # wait for it to wake up.
  options.autotune.enabled = False
  while True:
    # Not Dataset.from_generator: its threads run Python, and dropping the
    # iterator holds Python's lock while it waits for them.
    chunk = np.stack(list(itertools.islice(indices, _CHUNK)))
    yield from (
        tf.data.Dataset.from_tensor_slices(chunk)
        .map(lambda batch: tf.gather(tensor, batch))
        .prefetch(2)
        .with_options(options)
        .as_numpy_iterator()
    )
