"""The exported refiner, in a process that knows JAX and not this package."""

import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from configs import eyes
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.training import build, checkpoint, refiners
from simgan_jax.training import workdir as workdir_lib

ROOT = pathlib.Path(__file__).parents[2]
LOADER = """
import importlib.util, sys
import numpy as np
assert importlib.util.find_spec('simgan_jax') is None
from jax import export
refine = export.deserialize(open('refiner.stablehlo', 'rb').read()).call
images = np.load('images.npy')
np.save('refined.npy', refine(images))
np.save('few.npy', refine(images[:3]))
assert 'simgan_jax' not in sys.modules and 'flax' not in sys.modules
"""


def _make_run(workdir, *, factor=1.0, loses_pixels=False):
  config = eyes.get_config()
  config.batch_size, config.history_size = 4, 8
  config.refiner.num_features, config.refiner.num_blocks = 4, 1
  config.refiner.loses_pixels = loses_pixels
  workdir_lib.claim_workdir(str(workdir), config)
  state = build.make_state_fn(config, mesh_lib.make_mesh(1))()
  params = jax.tree.map(lambda x: x * factor, state.refiner.params)
  state = state._replace(
      round=jnp.int32(7), refiner=state.refiner.replace(params=params)
  )
  checkpoints = checkpoint.Checkpoints(
      str(workdir), rule=selection.Rule(55, config.num_rounds)
  )
  checkpoints.save(7, state)
  checkpoints.close()
  return state.refiner


def _export(workdir, folder, output='refiner.stablehlo'):
  command = [sys.executable, '-m', 'simgan_jax.refining.export']
  command += [f'--workdir={workdir}', f'--output={folder / output}']
  return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize('loses_pixels', [False, True])
def test_another_process_refines_the_same_without_this_package(
    tmp_path, loses_pixels
):
  refiner = _make_run(tmp_path / 'run', loses_pixels=loses_pixels)
  done = _export(tmp_path / 'run', tmp_path)
  assert done.returncode == 0, done.stderr
  assert 'refiner of round 7' in done.stdout
  generator = np.random.default_rng(0)
  images = generator.integers(0, 256, (37, 35, 55, 1)).astype(np.uint8)
  np.save(tmp_path / 'images.npy', images)
  subprocess.run([sys.executable, '-c', LOADER], cwd=tmp_path, check=True)
  refined = np.load(tmp_path / 'refined.npy')
  expected = refiners.refine_images(refiner, images, mesh=mesh_lib.make_mesh(1))
  assert refined.dtype == np.uint8 and (refined != images).mean() > 0.5
  # Another compilation may round a value to the other side.
  difference = np.abs(refined.astype(int) - expected)
  assert difference.max() <= 1 and difference.mean() < 1e-3
  few = np.load(tmp_path / 'few.npy').astype(int)
  assert np.abs(few - refined[:3]).max() <= 1
  content = (tmp_path / 'refiner.stablehlo').read_bytes()
  found = export.deserialize(bytearray(content))
  assert set(found.platforms) == {'cpu', 'cuda', 'tpu'}
  program = found.mlir_module()
  # The last layer has a code of its own on a GPU; native code is never called.
  assert '_platform_index' in program and 'stablehlo.case' in program
  assert 'simgan_kernel_gradient' not in program


@pytest.mark.parametrize(
    ('factor', 'output', 'message'),
    [
        (np.nan, 'a', 'parameters that are not numbers; train again'),
        (None, 'a', 'no run was started there'),
        (1.0, 'run', 'run cannot be written'),
    ],
)
def test_what_cannot_be_exported(tmp_path, factor, output, message):
  if factor:
    _make_run(tmp_path / 'run', factor=factor)
  done = _export(tmp_path / 'run', tmp_path, output)
  assert done.returncode == 2
  assert done.stderr.startswith('error: ') and message in done.stderr
  assert done.stderr.count('\n') == 1
  assert not [path for path in tmp_path.iterdir() if path.name != 'run']
