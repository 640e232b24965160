"""The history: fills, draws from everywhere, replaces a slot of each pair."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.method import history as history_lib

BATCH, PAIRS, SLOTS = 6, 3, 4


def _images(first):
  """Return images whose every pixel is the image's number."""
  numbers = jnp.arange(first, first + PAIRS, dtype=jnp.float32)
  return jnp.broadcast_to(numbers[:, None, None, None], (PAIRS, 2, 3, 1))


def _numbers(images):
  return np.asarray(images)[..., 0, 0, 0].astype(int)


def _init(size=PAIRS * SLOTS):
  return history_lib.init_history(
      size=size, batch_size=BATCH, image_shape=(2, 3, 1)
  )


@pytest.fixture(scope='module')
def run():
  """Feed distinct images; return batches and histories of every step."""
  mix = jax.jit(history_lib.mix)
  history = _init()
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
  assert counts[:6] == [0, 1, 2, 3, 4, 4]
  assert counts[-1] == SLOTS
  assert 0 not in _numbers(run[1][4].images)


def test_an_empty_history_gives_the_new_images_twice(run):
  assert run[0][0].tolist() == [100, 101, 102] * 2


def test_half_of_each_later_batch_is_distinct_images_from_the_history(run):
  batches, histories = run
  for step in range(1, 60):
    new, old = batches[step][:PAIRS], batches[step][PAIRS:]
    assert new.tolist() == [100 * (step + 1) + i for i in range(PAIRS)]
    held = _numbers(histories[step].images)[:, : int(histories[step].count)]
    assert all(number in own for number, own in zip(old, held, strict=True))
    assert len(set(old)) == PAIRS


def test_each_step_replaces_one_whole_image_of_each_pair(run):
  for step in range(SLOTS, 60):
    before, after = (np.asarray(h.images) for h in run[1][step : step + 2])
    changed = np.any(before != after, axis=(2, 3, 4))
    assert changed.sum(axis=1).tolist() == [1] * PAIRS
    assert np.all(before != after, axis=(2, 3, 4))[changed].all()
    expected = [100 * (step + 1) + i for i in range(PAIRS)]
    assert _numbers(after[changed]).tolist() == expected


def test_draws_and_replacements_reach_every_slot_and_are_independent(run):
  drawn, replaced = [], []
  for step in range(SLOTS, 60):
    before, after = (_numbers(run[1][i].images) for i in (step, step + 1))
    old = run[0][step][PAIRS:]
    drawn.append(np.argmax(before == old[:, None], axis=1))
    replaced.append(np.argmax(before != after, axis=1))
  for slots in (np.array(drawn), np.array(replaced)):
    for pair in slots.T:
      assert np.bincount(pair, minlength=SLOTS).min() >= 5  # of 14 expected
    # Pairs must not all take the same slot.
    assert (slots == slots[:, :1]).all(axis=1).mean() < 0.3
  assert (np.array(drawn) == np.array(replaced)).mean() < 0.5


def test_generations_follow_the_images(run):
  history = run[1][-1]
  np.testing.assert_array_equal(
      history.generation, _numbers(history.images) // 100 - 1
  )


def test_a_part_of_the_pairs_goes_on_as_in_the_whole(run):
  whole = run[1][20]
  options = {'key': jax.random.key(7), 'generation': jnp.asarray(20)}
  batch, after = history_lib.mix(whole, _images(5_000), **options)
  part = whole._replace(images=whole.images[1:])
  found, part_after = history_lib.mix(
      part, _images(5_000)[1:], first_pair=1, **options
  )
  keep = [1, 2, PAIRS + 1, PAIRS + 2]
  np.testing.assert_array_equal(found, batch[jnp.array(keep)])
  np.testing.assert_array_equal(part_after.images, after.images[1:])
  np.testing.assert_array_equal(part_after.generation, after.generation)


def test_the_size_is_rounded_up_to_half_batches():
  assert _init(size=7).images.shape == (PAIRS, 3, 2, 3, 1)
  assert _init(size=1).images.shape == (PAIRS, 1, 2, 3, 1)


def test_a_size_of_0_holds_no_images():
  history = _init(size=0)
  assert history.images.shape == (PAIRS, 0, 2, 3, 1)
  assert history.generation.shape == (PAIRS, 0)
  assert int(history.count) == 0
