"""A state comes back from disk as it was, whatever its history holds."""

import jax
import numpy as np
import pytest

from simgan_jax import checkpoint, create
from simgan_jax import config as config_lib
from simgan_jax import mesh as mesh_lib


@pytest.mark.parametrize('history_size', [0, 8])
def test_saved_and_restored_the_state_is_the_same(tmp_path, history_size):
  config = config_lib.Config(batch_size=4, history_size=history_size)
  config.refiner = config_lib.RefinerConfig(num_features=4, num_blocks=1)
  config.data.height, config.data.width = 12, 16
  config_lib.validate(config)
  make_state = create.make_state_fn(config, mesh_lib.make_mesh(2))
  state = make_state()
  state = state._replace(round=state.round + 7)
  checkpoints = checkpoint.Checkpoints(str(tmp_path))
  checkpoints.save(7, state)
  checkpoints.close()

  restored = checkpoint.Checkpoints(str(tmp_path)).restore(make_state())
  assert restored is not None and int(restored.round) == 7
  assert restored.history.images.shape[:2] == (2, history_size // 2)
  for found, expected in zip(
      jax.tree.leaves(restored._replace(key=restored.round)),
      jax.tree.leaves(state._replace(key=state.round)),
      strict=True,
  ):
    assert found.sharding == expected.sharding
    np.testing.assert_array_equal(found, expected)
