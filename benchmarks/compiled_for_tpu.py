"""Compile the update for slices of TPU v5e on a machine without a TPU.

    pip install "libtpu==0.0.42.*"   # the version that jax[tpu] 0.10.2 names
    python -m benchmarks.compiled_for_tpu --tasks=eyes

The update is compiled, not run. The TPU's compiler reports the memory, the
operations, the exchanges between devices and the expected cycles, or that the
program is too large for a device. A row of the table takes a minute for eyes
and three to ten minutes for hands.
"""

import dataclasses
import os
import re
from typing import Any

import jax
import numpy as np
from absl import app, flags
from jax.experimental import topologies

from benchmarks import cost_model, hlo, measure, scaling_plot
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.method import algorithm
from simgan_jax.method import state as state_lib
from simgan_jax.settings import config as config_lib
from simgan_jax.training import build

_TASKS = flags.DEFINE_list('tasks', ['eyes', 'hands'], 'eyes, hands or both.')

# Task, topology, devices used, rematerialisation, parts of a batch. A v5p of
# 95 GiB stands for a GPU of 80 GB, because a GPU's compiler needs the GPU.
CASES = (
    ('eyes', 'v5e:2x2', 1, False, 1),
    ('eyes', 'v5e:2x4', 8, False, 1),
    ('eyes', 'v5e:16x16', 256, False, 1),
    ('hands', 'v5e:2x4', 8, False, 1),
    ('hands', 'v5e:2x4', 8, False, 4),
    ('hands', 'v5e:2x4', 8, True, 1),
    ('hands', 'v5p:2x2x1', 1, False, 4),
    ('hands', 'v5p:2x2x1', 1, True, 1),
    ('hands', 'v5p:2x2x1', 1, True, 4),
)
CLOCK = 1.5e9  # Hz of a v5e: 197 TFLOP/s from 4 units of 128 x 128 products


def compile_update(config: config_lib.Config, mesh: jax.sharding.Mesh) -> Any:
  """Return a round compiled for a mesh of devices that need not exist."""

  def describe(shape, dtype, sharding) -> Any:
    return jax.ShapeDtypeStruct(shape, dtype, sharding=sharding)

  def place(sharding, arrays):
    return jax.tree.map(lambda x: describe(x.shape, x.dtype, sharding), arrays)

  state = jax.eval_shape(build.make_state_fn(config, mesh))
  state = jax.tree.map(place, state_lib.shardings(mesh), state)
  k_g, k_d = config.refiner_steps, config.discriminator_steps
  data, split = config.data, mesh_lib.batch_sharding(mesh, batch_axis=2)
  images = (config.batch_size, data.height, data.width, data.channels)
  batch = algorithm.RoundBatch(
      describe((1, k_g + k_d, *images), np.uint8, split),
      describe((1, k_d, *images), np.uint8, split),
  )
  update = build.make_update(config, mesh)
  return jax.jit(update, donate_argnums=0).lower(state, batch).compile()


def expected_operations(config: config_lib.Config, num_devices: int) -> float:
  """Return the cost model's operations per device, each loop body once."""
  images = config.batch_size // (num_devices * config.gradient_accumulation)
  once = dataclasses.replace(
      config, batch_size=images, refiner_steps=1, discriminator_steps=1
  )
  operations = cost_model.round_cost(once).operations
  if config.rematerialize:  # The refiner's step runs forward twice.
    layers = cost_model.refiner_layers(config)
    operations += images * sum(layer.operations for layer in layers)
  return operations


def report(
    config: config_lib.Config, topology: str, num_devices: int
) -> list[object]:
  """Return the memory in GiB, operations, time and collectives of a case."""
  described = topologies.get_topology_desc(
      platform='tpu', topology_name=topology
  )
  devices = np.array(described.devices[:num_devices])
  try:
    compiled = compile_update(
        config, jax.sharding.Mesh(devices, (mesh_lib.AXIS,))
    )
  except jax.errors.JaxRuntimeError as error:
    needed = re.search(r'Used ([\d.]+)G of ([\d.]+)G hbm', str(error))
    if not needed:
      raise
    return [f'{needed[1]}, too much for {needed[2]}', *[''] * 4]
  text, memory = compiled.as_text(), compiled.memory_analysis()
  total = memory.argument_size_in_bytes + memory.output_size_in_bytes
  total += memory.temp_size_in_bytes - memory.alias_size_in_bytes
  operations = compiled.cost_analysis()['flops']
  return [
      f'{total / 2**30:.2f}',
      f'{memory.temp_size_in_bytes / 2**30:.2f}',
      operations / expected_operations(config, num_devices),
      1e3 * hlo.estimate_cycles(text) / CLOCK if 'v5e' in topology else '',
      ', '.join(
          f'{size / 1e6:.2f} MB {kind}'
          for kind, size in hlo.find_collectives(text)
      ),
  ]


def main(_) -> None:
  """Compile all cases, one after the other, and print the table."""
  os.environ |= {
      'TPU_SKIP_MDS_QUERY': '1',
      'TPU_WORKER_HOSTNAMES': 'localhost',
      'TPU_MIN_LOG_LEVEL': '3',
  }
  jax.config.update('jax_platforms', 'cpu')
  # Convolutions choose their code by the backend: here that of a TPU.
  jax.default_backend = lambda: 'tpu'
  rows = []
  for task, topology, num_devices, rematerialize, parts in CASES:
    if task not in _TASKS.value:
      continue
    config = scaling_plot.make_config(task)
    config.rematerialize = rematerialize
    config.gradient_accumulation = parts
    case = (task, topology, num_devices, rematerialize, parts)
    rows.append([*case, *report(config, topology, num_devices)])
    print(rows[-1], flush=True)
  columns = ('task', 'topology', 'devices', 'rematerialised', 'parts')
  columns += ('GiB a device', 'of it temporary', 'operations / model')
  columns += ('estimated ms a round', 'exchanged, refiner and discriminator')
  measure.show('Compiled for TPU, batch 512, bfloat16', columns, rows)


if __name__ == '__main__':
  app.run(main)
