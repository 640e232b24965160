"""A run is refined with the checkpoint that the rule chooses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import eyes
from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.report import metrics_file
from simgan_jax.training import build, checkpoint
from simgan_jax.training import refiners as refiners_lib


@pytest.fixture(scope='module')
def config():
  config = eyes.get_config()
  config.batch_size, config.history_size = 4, 8
  config.refiner.num_features, config.refiner.num_blocks = 4, 1
  return config


@pytest.fixture
def save(config, tmp_path):
  """Return a function that saves a round; each has another refiner."""
  first = build.make_state_fn(config, mesh_lib.make_mesh(1))()

  def save(number, distance, shift):
    measured = {selection.DISTANCE: distance, selection.SHIFT: shift}
    params = jax.tree.map(lambda x: x * (1 + number), first.refiner.params)
    state = first._replace(
        round=jnp.int32(number), refiner=first.refiner.replace(params=params)
    )
    workdir = str(tmp_path)
    checkpoints = checkpoint.Checkpoints(workdir, rule=selection.Rule(55, 160))
    checkpoints.save(number, state, measured)
    checkpoints.close()
    file = metrics_file.MetricsFile(
        workdir, last_round=number, name=metrics_file.INSPECTION
    )
    file.append({'round': number, **measured})
    return state.refiner

  return save


def test_refines_with_the_chosen_checkpoint_and_not_the_newest(
    config, save, tmp_path
):
  images = np.random.default_rng(0).integers(0, 256, (5, 35, 55, 1), np.uint8)
  mesh = mesh_lib.make_mesh(1)

  def load():
    return refiners_lib.load_refiner(config, workdir=str(tmp_path), mesh=mesh)

  save(0, 1.0, 0.5)
  with pytest.raises(errors.InputError, match='no checkpoint of a trained'):
    load()
  refiners = [save(1, 1.0, 1.2), save(2, 2.0, 0.5), save(3, 3.0, 0.5)]
  refiner, chosen = load()
  assert chosen.round == 2
  assert chosen.rule.startswith('smallest patch distance 2 with the iris ')
  refined = refiners_lib.refine_images(refiner, images, mesh=mesh)
  same = [
      np.array_equal(
          refined, refiners_lib.refine_images(one, images, mesh=mesh)
      )
      for one in refiners
  ]
  assert same == [False, True, False]
