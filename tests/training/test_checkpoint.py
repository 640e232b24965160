"""Real saves: what is kept, what is continued from and what is refined with."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.method import networks
from simgan_jax.method import state as state_lib
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import validation
from simgan_jax.training import build, checkpoint

RULE = selection.Rule(image_width=55, num_rounds=2)


@pytest.fixture(scope='module')
def state():
  def create():
    return state_lib.create_state(
        jax.random.key(0),
        refiner=networks.Refiner(num_features=2, num_blocks=1),
        discriminator=networks.Discriminator(features=(2, 2, 2, 2)),
        optimizer=optax.sgd(1e-3),
        image_shape=(12, 16, 1),
        batch_size=2,
        history_size=2,
    )

  sharding = mesh_lib.replicated(mesh_lib.make_mesh(1))
  return jax.jit(create, out_shardings=sharding)()


@pytest.fixture
def run(tmp_path, state):
  """A run whose checkpoints were measured as given; None: not measured."""

  class Run:
    workdir = str(tmp_path)

    def open(self):
      return checkpoint.Checkpoints(self.workdir, rule=RULE)

    def save(self, measured):
      checkpoints = self.open()
      path = tmp_path / 'inspection.jsonl'
      for number, values in measured.items():
        found = None
        if values is not None:
          found = dict(
              zip((selection.DISTANCE, selection.SHIFT), values, strict=True)
          )
          with path.open('a') as file:
            file.write(json.dumps({'round': number, **found}) + '\n')
        checkpoints.save(number, state._replace(round=jnp.int32(number)), found)
      checkpoints.close()
      return sorted(int(p.name) for p in (tmp_path / 'checkpoints').iterdir())

    def corrupt(self, number):
      for path in (tmp_path / 'checkpoints' / str(number)).rglob('*'):
        if path.is_file():
          path.write_bytes(b'\0' * 50)

    def restored(self):
      """Return the round to continue from, and the one to refine with."""
      checkpoints = self.open()
      newest = int(checkpoints.restore(state).round)
      chosen_state, chosen = checkpoints.restore_chosen(state)
      checkpoints.close()
      assert int(chosen_state.round) == chosen.round
      return newest, chosen.round

  return Run()


def test_the_newest_three_and_the_best_so_far_stay(run):
  kept = run.save({0: (9.0, 0.0), 1: (5.0, 0.5), 2: (3.0, 0.5), 3: (1.0, 2.0)})
  assert kept == [1, 2, 3]  # 0 is no candidate
  # A process of its own, which knows round 2 from the file.
  assert run.save({4: (4.0, 0.5), 5: (5.0, 0.5), 6: (6.0, 0.5)}) == [2, 4, 5, 6]
  assert run.restored() == (6, 2)
  assert run.save({7: (2.0, 0.5), 8: (7.0, 0.5)}) == [6, 7, 8]
  assert run.restored() == (8, 7)


def test_when_no_iris_stays_in_place_the_one_moved_least(run):
  assert run.save({i: (1.0 / i, 1.5 + i) for i in range(1, 6)}) == [1, 3, 4, 5]
  assert run.restored() == (5, 1)


def test_unmeasured_the_newest(run):
  assert run.save(dict.fromkeys(range(5))) == [2, 3, 4]
  assert run.restored() == (4, 4)


def test_a_stop_between_two_measurements_chooses_none_of_them_away(run):
  run.save({1: (5.0, 0.5), 2: (3.0, 0.5), 3: None})
  assert run.restored() == (3, 2)


def test_a_corrupt_choice_falls_back_to_the_next_best(run, capsys):
  run.save({1: (1.0, 0.5), 2: (9.0, 0.5), 3: (8.0, 0.5), 4: (9.0, 0.5)})
  run.corrupt(1)
  assert run.restored() == (4, 3)
  error = capsys.readouterr().err
  assert 'checkpoint of round 1' in error and 'cannot be read' in error
  run.corrupt(4)
  assert run.restored() == (3, 3)


@pytest.mark.parametrize('history_size', [0, 8])
def test_saved_and_restored_the_state_is_the_same(tmp_path, history_size):
  config = config_lib.Config(batch_size=4, history_size=history_size)
  config.refiner = config_lib.RefinerConfig(num_features=4, num_blocks=1)
  config.data.height, config.data.width = 12, 16
  validation.validate(config)
  make_state = build.make_state_fn(config, mesh_lib.make_mesh(2))
  state = make_state()
  state = state._replace(round=state.round + 7)
  checkpoints = checkpoint.Checkpoints(str(tmp_path), rule=RULE)
  checkpoints.save(7, state)
  checkpoints.close()

  restored = checkpoint.Checkpoints(str(tmp_path), rule=RULE).restore(
      make_state()
  )
  assert restored is not None and int(restored.round) == 7
  assert restored.history.images.shape[:2] == (2, history_size // 2)
  for found, expected in zip(
      jax.tree.leaves(restored._replace(key=restored.round)),
      jax.tree.leaves(state._replace(key=state.round)),
      strict=True,
  ):
    assert found.sharding == expected.sharding
    np.testing.assert_array_equal(found, expected)
