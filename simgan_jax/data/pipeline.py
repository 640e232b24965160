"""The input pipeline: which images a training step sees, by its number alone.

Nothing here has a state to save: the step number says what comes next, so a
run resumed at step s reads exactly what it would have read. The batches come
through tf.data or, where TensorFlow is not installed, are the same without it.
"""

import functools
import itertools
import math
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from simgan_jax.data import shuffling
from simgan_jax.machine.errors import InputError


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
  """Return endless shuffled batches, every image once an epoch.

  Step s takes the positions `s * prod(batch_shape)` onwards of an endless
  sequence; position p is image `index_shuffle(p % n)` of epoch `p // n`, a
  permutation computed from (seed, stream, epoch).

  Args:
    images: [n, h, w, c] uint8, or anything else with one entry an image.
    batch_shape: Leading axes of a batch, e.g. (K, B); the last is the global
      batch size.
    seed: Seed of the permutations.
    stream: Name of the stream; streams of one seed are shuffled apart.
    first_step: Number of the first step to return.
    process_index: Number of this process; it receives the contiguous slice
      of that number of the last batch axis.
    process_count: Number of processes; divides the last batch axis.

  Returns:
    Iterator of arrays [*batch_shape, h, w, c] (last batch axis divided by
    `process_count`) of the type of `images`, read-only; tf.data prefetches
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
  local_size = batch_size // process_count
  offsets = np.arange(math.prod(batch_shape)).reshape(batch_shape)
  offsets = offsets[..., process_index * local_size :][..., :local_size]
  words = seed, zlib.crc32(stream.encode())
  arguments = images, math.prod(batch_shape), offsets, words, first_step
  try:
    import tensorflow
  except ImportError:
    return _without_tensorflow(*arguments)
  return _with_tensorflow(tensorflow, *arguments)


def _without_tensorflow(
    images: Shaped[np.ndarray, 'n *element'],
    positions_a_step: int,
    offsets: Int[np.ndarray, '*batch'],
    words: tuple[int, int],
    first_step: int,
) -> Iterator[Shaped[np.ndarray, '...']]:
  num_images = len(images)

  @functools.lru_cache(maxsize=2)  # a step may span epochs
  def order(epoch: int) -> np.ndarray:
    return shuffling.permutation(num_images, key=(*words, epoch))

  for step in itertools.count(first_step):
    epochs, places = np.divmod(step * positions_a_step + offsets, num_images)
    indices = np.empty_like(places)
    for epoch in np.unique(epochs).tolist():
      indices[epochs == epoch] = order(epoch)[places[epochs == epoch]]
    batch = images[indices]
    batch.flags.writeable = False
    yield batch


def _with_tensorflow(
    tf: Any,
    images: Shaped[np.ndarray, 'n *element'],
    positions_a_step: int,
    offsets: Int[np.ndarray, '*batch'],
    words: tuple[int, int],
    first_step: int,
) -> Iterator[Shaped[np.ndarray, '...']]:
  num_images, local_shape = len(images), offsets.shape
  offsets = tf.constant(offsets.ravel().tolist(), tf.int64)

  # An eager tensor is captured by reference; a numpy array would be copied
  # into the graph, whose size is limited to 2 GB.
  with tf.device('CPU'):
    image_tensor = tf.convert_to_tensor(images)

  def read(step: Any) -> Any:
    positions = tf.add(step * positions_a_step, offsets)
    epochs = tf.math.floordiv(positions, num_images)
    seeds = tf.stack(
        [
            tf.fill(tf.shape(epochs), tf.constant(word, tf.int64))
            for word in words
        ]
        + [epochs],
        axis=1,
    )
    # The op itself: tf.random.experimental.index_shuffle of TF 2.21 fails on
    # a seed for each index, and a batch may span epochs.
    indices = tf.raw_ops.RandomIndexShuffle(
        index=tf.math.floormod(positions, num_images),
        seed=seeds,
        max_index=num_images - 1,
        rounds=4,
    )
    return tf.gather(image_tensor, tf.reshape(indices, local_shape))

  # There is nothing to optimise, and trying copies the images.
  options = tf.data.Options()
  options.experimental_optimization.apply_default_optimizations = False
  # Nor to tune; the tuner's thread sleeps for up to a minute, and dropping the
  # iterator would wait for it to wake up.
  options.autotune.enabled = False
  steps = tf.data.Dataset.range(first_step, tf.int64.max)
  dataset = steps.map(read, num_parallel_calls=2).prefetch(2)
  return dataset.with_options(options).as_numpy_iterator()
