"""Predicted speed on accelerators that were not there, as tables and a plot.

    python -m benchmarks.scaling_plot

Writes docs/scaling.png. docs/scaling.md explains the model, its assumptions and
what of it could be checked.
"""

import dataclasses
import math

from absl import app, flags

from benchmarks import cost_model, measure
from simgan_jax import config as config_lib

_PLOT = flags.DEFINE_string('plot', 'docs/scaling.png', 'Where to write it.')

# The share of the floor's speed that a round reaches on two CPU cores, the only
# machine measured: float32, batch 32, `python -m benchmarks.round_time`.
MEASURED_EFFICIENCY = 0.71 / 1.24
IMAGES_A_DEVICE = 64  # of a batch that grows with the devices
# Milliseconds that the TPU compiler expects of a round at batch 512, by task
# and number of TPU v5e: `python -m benchmarks.compiled_for_tpu`.
COMPILER_ESTIMATES = {('eyes', 1): 75.6, ('eyes', 8): 10.1}


@dataclasses.dataclass(frozen=True)
class Machine:
  """A device and how it is connected to its like; docs/scaling.md has sources.

  Attributes:
    name: of the device.
    rate: bfloat16 operations a second of large matrix products.
    bandwidth: bytes a second of its memory.
    link: bytes a second to the next device, in one direction.
    links: of them out of a device.
    hop: seconds until a message arrives next door, however short it is.
    counts: numbers of devices to predict for.
    grid: whether the devices form a grid instead of one ring.
  """

  name: str
  rate: float
  bandwidth: float
  link: float
  links: int
  hop: float
  counts: tuple[int, ...]
  grid: bool

  def axes(self, num_devices: int) -> tuple[int, ...]:
    """Return the sides of the grid, or the length of the ring."""
    if not self.grid:
      return (num_devices,)
    side = 2 ** (int(math.log2(num_devices)) // 2)
    return side, num_devices // side


MACHINES = (
    Machine('H100', 790e12, 3.35e12, 450e9, 1, 2e-6, (1, 8), False),
    Machine(
        *('TPU v5e', 197e12, 819e9, 50e9, 4, 1e-6),
        counts=(1, 8, 16, 32, 64, 128, 256),
        grid=True,
    ),
)


def make_config(task: str, batch_size: int = 512) -> config_lib.Config:
  """Return the settings of 'eyes' or 'hands', in bfloat16.

  The hands are the paper's networks of section 3.2 on depth images.
  """
  config = config_lib.Config(
      name=task,
      batch_size=batch_size,
      compute_dtype='bfloat16',
      history_size=25_600,
  )
  if task == 'hands':
    config.data.height = config.data.width = 224
    config.refiner = config_lib.RefinerConfig(num_blocks=10, kernel_size=7)
    config.discriminator = config_lib.DiscriminatorConfig(
        kernel_sizes=(7, 5, 3, 1), strides=(4, 2, 2, 1), pool_stride=2
    )
    config.rematerialize = True  # else the activations fit nowhere
  return config


def ring_seconds(machine: Machine, size: float, axes: tuple[int, ...]) -> float:
  """Return the time of an all-reduce of `size` bytes along each axis in turn.

  Along an axis of n devices every device passes on 2 (n - 1) messages of an
  n-th of the bytes; the next axis has that n-th left to do.
  """
  seconds = 0.0
  for n in axes:
    size /= n
    seconds += 2 * (n - 1) * (size / machine.link + machine.hop)
  return seconds


def bandwidth_seconds(machine: Machine, size: float, num_devices: int) -> float:
  """Return the least time: no latency, all links busy."""
  share = 2 * (num_devices - 1) / num_devices
  return share * size / (machine.link * machine.links)


def exchange_seconds(
    machine: Machine, config: config_lib.Config, num_devices: int
) -> float:
  """Return the time of a round's all-reduces, one a step."""
  seconds = 0.0
  for layers, steps in (
      (cost_model.refiner_layers(config), config.refiner_steps),
      (cost_model.discriminator_layers(config), config.discriminator_steps),
  ):
    size = 4 * sum(layer.parameters for layer in layers)
    axes = machine.axes(num_devices)
    seconds += steps * ring_seconds(machine, size, axes)
  return seconds


def compute_seconds(
    machine: Machine, config: config_lib.Config, num_devices: int
) -> float:
  """Return the floor of a device's part of a round, without exchange."""
  own = dataclasses.replace(
      config, batch_size=config.batch_size // num_devices
  )
  cost = cost_model.round_cost(own)
  if config.rematerialize:  # the refiner runs forward once more a step
    layers = cost_model.refiner_layers(config)
    again = sum(layer.operations for layer in layers)
    moved = sum(2 * (x.scalars_in + x.scalars_out) for x in layers)
    images = config.refiner_steps * own.batch_size
    cost = dataclasses.replace(
        cost,
        operations=cost.operations + images * again,
        bytes=cost.bytes + images * moved,
    )
  return cost.seconds(rate=machine.rate, bandwidth=machine.bandwidth)


def rounds_per_second(
    machine: Machine,
    config: config_lib.Config,
    num_devices: int,
    efficiency: float = 1.0,
) -> float:
  """Return the prediction; nothing overlaps, as in the compiled update."""
  compute = compute_seconds(machine, config, num_devices) / efficiency
  return 1 / (compute + exchange_seconds(machine, config, num_devices))


def crossover(
    machine: Machine, config: config_lib.Config, num_devices: int
) -> float:
  """Return the batch at which exchanging takes as long as computing."""
  sizes = [num_devices * n for n in (1_000, 2_000)]
  few, many = (
      compute_seconds(
          machine, dataclasses.replace(config, batch_size=size), num_devices
      )
      for size in sizes
  )
  an_image = (many - few) / (sizes[1] - sizes[0])
  return exchange_seconds(machine, config, num_devices) / an_image


def predict(task: str) -> list[list[object]]:
  """Return a row for every machine and number of devices."""
  config, rows = make_config(task), []
  used = config.refiner_steps + 2 * config.discriminator_steps
  for machine in MACHINES:
    for count in machine.counts:
      floor = rounds_per_second(machine, config, count)
      estimate = COMPILER_ESTIMATES.get((task, count))
      fed = floor * cost_model.round_cost(config).image_bytes
      hosts = max(1, count // 8)
      rows.append(
          [
              *(task, f'{count} x {machine.name}'),
              1e3 * compute_seconds(machine, config, count),
              1e3 * exchange_seconds(machine, config, count),
              *(floor, 1 / floor),
              rounds_per_second(machine, config, count, MEASURED_EFFICIENCY),
              1e3 / estimate if estimate and machine.grid else '',
              crossover(machine, config, count) if count > 1 else '',
              floor * used * config.batch_size / hosts,
              fed / hosts / 1e6,
          ]
      )
  return rows


def exchanges() -> list[list[object]]:
  """Return rows of an all-reduce's time by three models, microseconds."""
  rows = []
  for task in ('eyes', 'hands'):
    layers = cost_model.refiner_layers(make_config(task))
    size = 4 * sum(layer.parameters for layer in layers)
    for machine in MACHINES:
      for n in machine.counts[1:]:
        rows.append(
            [
                *(task, f'{n} x {machine.name}', size / 1e6),
                1e6 * bandwidth_seconds(machine, size, n),
                1e6 * ring_seconds(machine, size, (n,)),
                1e6 * ring_seconds(machine, size, machine.axes(n)),
            ]
        )
  return rows


def plot(path: str) -> None:
  """Draw images a second over devices, eyes beside hands."""
  import matplotlib

  matplotlib.use('agg')
  from matplotlib import pyplot as plt

  figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.7), layout='constrained')
  for task, axis in zip(('eyes', 'hands'), axes, strict=True):
    fixed = make_config(task)
    for machine, colour in zip(MACHINES, ('tab:green', 'tab:blue'), strict=True):
      counts = machine.counts

      def speeds(efficiency, machine=machine, fixed=fixed, grow=False):
        for n in machine.counts:
          size = IMAGES_A_DEVICE * n if grow else fixed.batch_size
          config = dataclasses.replace(fixed, batch_size=size)
          yield size * rounds_per_second(machine, config, n, efficiency)

      name = f'{machine.name}, batch {fixed.batch_size}'
      axis.plot(counts, [*speeds(1)], 'o-', color=colour, label=f'{name}: floor')
      axis.plot(
          *(counts, [*speeds(MEASURED_EFFICIENCY)], 'o:'),
          color=colour,
          label='  at the efficiency measured on CPU',
      )
      if machine.grid:
        axis.plot(
            *(counts, [*speeds(1, grow=True)], '--'),
            color='tab:grey',
            label=f'  {IMAGES_A_DEVICE} images a device: floor',
        )
    found = [(n, ms) for (x, n), ms in COMPILER_ESTIMATES.items() if x == task]
    axis.plot(
        [n for n, _ in found],
        [fixed.batch_size * 1e3 / ms for _, ms in found],
        *('kx',),
        label='TPU v5e: estimate of its compiler',
    )
    axis.set(xscale='log', yscale='log', xlabel='devices', title=task)
    axis.set_xticks([1, 8, 16, 32, 64, 128, 256], labels=[1, 8, 16, 32, 64, 128, 256])
    axis.minorticks_off()
    axis.grid(alpha=0.3)
  axes[0].set_ylabel('rounds/s x batch (predicted)')
  axes[0].legend(fontsize=6.5)
  figure.savefig(path, dpi=110)


def main(_) -> None:
  """Print the tables and draw the plot."""
  rows = [row for task in ('eyes', 'hands') for row in predict(task)]
  columns = ('task', 'devices', 'compute ms', 'exchange ms', 'rounds/s, floor')
  columns += ('s a round', 'rounds/s, fitted', 'rounds/s, compiler')
  columns += ('batch where exchange = compute', 'images/s a host')
  columns += ('MB/s a host',)
  measure.show('Predictions at batch 512, bfloat16', columns, rows)
  columns = ('task', 'devices', 'MB', 'by bandwidth', 'one ring', 'as predicted')
  measure.show('One all-reduce of the refiner, us', columns, exchanges())
  plot(_PLOT.value)


if __name__ == '__main__':
  app.run(main)
