"""The history: fills, draws from everywhere, replaces b/2 random slots."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax import history as history_lib

SIZE, BATCH = 10, 4


def _images(first, num=BATCH):
  """Return images whose every pixel is the image's number."""
  numbers = jnp.arange(first, first + num, dtype=jnp.float32)
  return jnp.broadcast_to(numbers[:, None, None, None], (num, 2, 3, 1))


def _numbers(images):
  return np.asarray(images)[:, 0, 0, 0].astype(int).tolist()


@pytest.fixture(scope='module')
def run():
  """Feed distinct images; return batches and histories of every step."""
  mix = jax.jit(history_lib.mix)
  history = history_lib.init_history(size=SIZE, image_shape=(2, 3, 1))
  batches, histories = [], [history]
  for step in range(60):
    batch, history = mix(
        history,
        _images(100 * (step + 1)),
        key=jax.random.fold_in(jax.random.key(0), step),
        generation=jnp.asarray(step),
    )
    batches.append(_numbers(batch))
    histories.append(history)
  assert mix._cache_size() == 1
  return batches, histories


def test_it_fills_and_stays_full(run):
  counts = [int(history.count) for history in run[1]]
  assert counts[:7] == [0, 2, 4, 6, 8, 10, 10]
  assert counts[-1] == SIZE
  assert 0 not in _numbers(run[1][5].images)


def test_an_empty_history_leaves_the_batch_alone(run):
  assert run[0][0] == [100, 101, 102, 103]


def test_half_of_each_later_batch_is_distinct_images_from_the_history(run):
  batches, histories = run
  for step in range(1, 60):
    new, old = batches[step][:2], batches[step][2:]
    assert new == [100 * (step + 1), 100 * (step + 1) + 1]
    held = _numbers(histories[step].images[: int(histories[step].count)])
    assert set(old) <= set(held) and len(set(old)) == 2


def test_each_step_replaces_half_a_batch_of_whole_images(run):
  for step, (before, after) in enumerate(
      zip(run[1][5:], run[1][6:], strict=False), start=5
  ):
    before, after = np.asarray(before.images), np.asarray(after.images)
    changed = np.any(before != after, axis=(1, 2, 3))
    assert changed.sum() == 2
    assert np.all(before != after, axis=(1, 2, 3))[changed].all()
    expected = [100 * (step + 1), 100 * (step + 1) + 1]
    assert sorted(_numbers(after[changed])) == expected


def test_draws_and_replacements_reach_every_slot(run):
  drawn, replaced = set(), set()
  for step in range(10, 60):
    before, after = (_numbers(run[1][i].images) for i in (step, step + 1))
    drawn |= {before.index(number) for number in run[0][step][2:]}
    replaced |= {i for i in range(SIZE) if before[i] != after[i]}
  assert drawn == replaced == set(range(SIZE))


def test_generations_follow_the_images(run):
  history = run[1][-1]
  numbers = np.array(_numbers(history.images))
  np.testing.assert_array_equal(history.generation, numbers // 100 - 1)


def test_size_not_a_multiple_of_half_a_batch_fills_too():
  history = history_lib.init_history(size=3, image_shape=(2, 3, 1))
  for step in range(3):
    _, history = history_lib.mix(
        history,
        _images(100 * (step + 1)),
        key=jax.random.key(step),
        generation=jnp.asarray(step),
    )
  assert int(history.count) == 3 and 0 not in _numbers(history.images)
