"""Compiled rounds: the same numbers on any devices, however they are fed."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from benchmarks import hlo
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.machine.splitting import Split
from simgan_jax.method import algorithm, networks
from simgan_jax.method import state as state_lib
from simgan_jax.method.objective import Objective

BATCH, SHAPE = 16, (12, 16, 1)
OBJECTIVE = Objective(self_regularization_weight=0.1)


def _create(
    learning_rate=1e-3, optimizer=optax.sgd, history_size=24, **options
):
  sizes = {'num_features': 4, 'num_blocks': 1} | options
  dtype = options.get('dtype', jnp.float32)
  return state_lib.create_state(
      jax.random.key(0),
      refiner=networks.Refiner(**sizes),
      discriminator=networks.Discriminator(features=(8, 8, 8, 8), dtype=dtype),
      optimizer=optimizer(learning_rate),
      image_shape=SHAPE,
      batch_size=BATCH,
      history_size=history_size,
  )


def _images(seed, *lead):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (*lead, BATCH, *SHAPE), dtype=np.uint8)


def _batch(num_rounds=1, refiner_steps=2, discriminator_steps=1):
  return algorithm.RoundBatch(
      _images(1, num_rounds, refiner_steps + discriminator_steps),
      # Another domain: darker.
      _images(2, num_rounds, discriminator_steps) // 2,
  )


def _numbered(batch):
  """Return a batch as image numbers and the data set they count in."""
  numbers = algorithm.RoundBatch(
      *(np.arange(x[..., 0, 0, 0].size).reshape(x.shape[:-3]) for x in batch)
  )
  return numbers, algorithm.RoundBatch(*(x.reshape(-1, *SHAPE) for x in batch))


def _make_update(num_devices=1, num_parts=1, **options):
  mesh = mesh_lib.make_mesh(num_devices)
  update = algorithm.make_update(
      mesh,
      dataclasses.replace(OBJECTIVE, **options),
      Split(num_parts, mesh_lib.AXIS),
  )

  def place(state, batch, dataset=None):
    batch = jax.device_put(batch, mesh_lib.batch_sharding(mesh, batch_axis=2))
    # A copy: the update donates it.
    state = jax.tree.map(jnp.copy, state)
    state = jax.device_put(state, state_lib.shardings(mesh))
    return update(state, batch, dataset)

  return place


def _distance(first, second):
  """Return the largest difference of two pytrees, on any devices."""
  pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
  return max(np.abs(np.asarray(x) - np.asarray(y)).max() for x, y in pairs)


def test_a_round_makes_k_g_and_k_d_steps_and_counts():
  update = _make_update(refiner_steps=3)
  state, metrics = update(
      _create(), _batch(num_rounds=2, refiner_steps=3, discriminator_steps=2)
  )
  assert int(state.refiner.step) == 6
  assert int(state.discriminator.step) == 4
  assert int(state.round) == 2
  assert int(state.history.count) == 3  # full after three of four steps
  assert {value.shape for value in metrics.values()} == {(2,)}


@pytest.mark.parametrize(
    ('history_size', 'numbers_of_devices', 'gradient_penalty'),
    [(24, (2, 4, 8), 0.0), (0, (4,), 0.0), (24, (4,), 1.0)],
)
def test_numbers_do_not_depend_on_the_number_of_devices(
    history_size, numbers_of_devices, gradient_penalty
):
  batch = _batch(num_rounds=4)
  state = _create(history_size=history_size)
  options = {'gradient_penalty': gradient_penalty}
  one, one_metrics = _make_update(1, **options)(state, batch)
  for num_devices in numbers_of_devices:
    many, metrics = _make_update(num_devices, **options)(state, batch)
    for name, value in one_metrics.items():
      np.testing.assert_allclose(
          metrics[name], value, rtol=2e-4, atol=1e-5, err_msg=name
      )
    assert _distance(one.refiner.params, many.refiner.params) < 1e-5
    assert _distance(one.discriminator.params, many.discriminator.params) < 1e-5
    if history_size:
      assert _distance(one.history.images, many.history.images) < 1e-4


@pytest.mark.parametrize('cached', [False, True])
def test_a_step_exchanges_one_all_reduce_of_its_gradients(cached):
  """No images travel: neither the batch, nor refined ones, nor the history."""
  mesh = mesh_lib.make_mesh(4)
  update = algorithm.make_update(mesh, OBJECTIVE)
  state = jax.jit(_create, out_shardings=state_lib.shardings(mesh))()
  batch, dataset = _batch(), None
  if cached:
    batch, dataset = _numbered(batch)
  batch = jax.device_put(batch, mesh_lib.batch_sharding(mesh, batch_axis=2))
  dataset = jax.device_put(dataset, mesh_lib.replicated(mesh))
  compiled = jax.jit(update).lower(state, batch, dataset).compile()
  found = hlo.find_collectives(compiled.as_text())
  # The two kinds of steps are a loop each, so each stands there once.
  assert [kind for kind, _ in found] == ['all-reduce'] * 2
  for (_, size), network in zip(
      sorted(found), (state.refiner, state.discriminator), strict=True
  ):
    gradients = 4 * networks.count_parameters(network.params)
    assert gradients < size <= gradients + 4 * 8  # and some metrics


def test_a_batch_of_image_numbers_gives_the_same_numbers():
  mesh, batch = mesh_lib.make_mesh(2), _batch(num_rounds=2)
  numbers, dataset = _numbered(batch)
  dataset = jax.device_put(dataset, mesh_lib.replicated(mesh))
  update = _make_update(2)
  state, metrics = update(_create(), batch)
  found, found_metrics = update(_create(), numbers, dataset)
  assert _distance(state.refiner.params, found.refiner.params) == 0
  assert _distance(state.history.images, found.history.images) == 0
  assert _distance(metrics, found_metrics) == 0


@pytest.mark.parametrize(
    ('num_devices', 'gradient_penalty'), [(1, 1.0), (2, 0.0)]
)
def test_accumulation_and_rematerialisation_keep_the_numbers(
    num_devices, gradient_penalty
):
  batch = _batch(num_rounds=3)
  options = {'gradient_penalty': gradient_penalty}
  plain, plain_metrics = _make_update(num_devices, **options)(_create(), batch)
  update = _make_update(num_devices, num_parts=4, **options)
  saving, metrics = update(_create(rematerialize=True), batch)
  for name, value in plain_metrics.items():
    np.testing.assert_allclose(
        metrics[name], value, rtol=2e-4, atol=1e-5, err_msg=name
    )
  assert _distance(plain.refiner.params, saving.refiner.params) < 1e-5
  assert (
      _distance(plain.discriminator.params, saving.discriminator.params) < 1e-5
  )
  assert _distance(plain.history.images, saving.history.images) < 1e-4


def test_accumulation_saves_memory():
  def peak(num_parts):
    update = algorithm.make_update(
        mesh_lib.make_mesh(1), OBJECTIVE, Split(num_parts, mesh_lib.AXIS)
    )
    state = jax.eval_shape(functools.partial(_create, num_blocks=6))
    compiled = jax.jit(update).lower(state, _batch()).compile()
    return compiled.memory_analysis().temp_size_in_bytes

  assert peak(4) < 0.5 * peak(1)


def test_scanning_rounds_gives_the_same_numbers():
  batch, update = _batch(num_rounds=4), _make_update()
  together, _ = update(_create(), batch)
  one_by_one = _create()
  for i in range(4):
    one_by_one, _ = update(
        one_by_one, jax.tree.map(lambda x, i=i: x[i : i + 1], batch)
    )
  assert _distance(together.refiner.params, one_by_one.refiner.params) < 1e-6
  assert _distance(together.history.images, one_by_one.history.images) < 1e-5


def test_the_update_is_traced_once(monkeypatch):
  traces = []
  original = algorithm.train_round

  def counted(*args, **options):
    traces.append(1)
    return original(*args, **options)

  monkeypatch.setattr(algorithm, 'train_round', counted)
  mesh = mesh_lib.make_mesh(2)
  update = algorithm.make_update(mesh, OBJECTIVE)
  state = jax.jit(_create, out_shardings=state_lib.shardings(mesh))()
  batch = jax.device_put(_batch(), mesh_lib.batch_sharding(mesh, batch_axis=2))
  donated = state.refiner.params
  state, _ = update(state, batch)
  first = len(traces)
  for _ in range(3):
    state, _ = update(state, batch)
  assert first and len(traces) == first
  assert all(leaf.is_deleted() for leaf in jax.tree.leaves(donated))


def test_each_round_draws_with_a_key_of_its_own():
  """The slots replaced in a full history must not repeat round by round."""
  state = _create(learning_rate=0.0)
  update = _make_update()
  histories = []
  for _ in range(24 // (BATCH // 2) + 6):
    state, _ = update(state, _batch())
    histories.append(np.asarray(state.history.generation))
  full = histories[24 // (BATCH // 2) :]
  replaced = [
      tuple(np.flatnonzero(before != after))
      for before, after in zip(full, full[1:], strict=False)
  ]
  assert {len(slots) for slots in replaced} == {BATCH // 2}
  assert len(set(replaced)) == len(replaced) == 5


def test_bfloat16_round_stays_close_and_keeps_float32_parameters():
  exact, _ = _make_update()(_create(), _batch())
  state, metrics = _make_update()(_create(dtype=jnp.bfloat16), _batch())
  leaves = jax.tree.leaves((state.refiner.params, state.discriminator.params))
  assert {leaf.dtype for leaf in leaves} == {jnp.dtype('float32')}
  assert all(bool(jnp.all(jnp.isfinite(v))) for v in metrics.values())
  assert 0 < _distance(exact.refiner.params, state.refiner.params) < 0.02


def test_whole_image_discriminator_trains():
  state = state_lib.create_state(
      jax.random.key(0),
      refiner=networks.Refiner(num_features=4, num_blocks=1),
      discriminator=networks.Discriminator(features=(8, 8, 8, 8), local=False),
      optimizer=optax.adam(1e-3),
      image_shape=SHAPE,
      batch_size=BATCH,
      history_size=24,
  )
  _, metrics = _make_update()(state, _batch())
  # One decision an image: about ln 2, not the sum over a map.
  assert 0.3 < metrics['refiner/adversarial'][0] < 2.0
