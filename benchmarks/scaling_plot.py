"""Predicted speed on many accelerators, as tables and a plot.

    python -m benchmarks.scaling_plot

Writes docs/scaling.png. docs/scaling.md explains the model, its assumptions and
which of its parts were checked.
"""

import dataclasses
import functools
import math

from absl import app, flags

from benchmarks import cost_model, measure
from configs import hands
from simgan_jax.settings import config as config_lib

_PLOT = flags.DEFINE_string('plot', 'docs/scaling.png', 'File to write.')

# Seconds of a round at batch 512 on one H100, by task; medians of
# `python -m benchmarks.round_time` and of `python -m benchmarks.hands_round`.
MEASURED = {'eyes': 0.01548, 'hands': 5.344}
# Milliseconds that the TPU's compiler expects of a round at batch 512, by task
# and number of TPU v5e: `python -m benchmarks.compiled_for_tpu`.
COMPILER_ESTIMATES = {
    ('eyes', 1): 75.6,
    ('eyes', 8): 10.1,
    ('eyes', 256): 2.33,
    ('hands', 8): 2_530.0,
}
IMAGES_A_DEVICE = 64  # if the batch grows with the number of devices
DEVICES_A_HOST = 8


@dataclasses.dataclass(frozen=True)
class Machine:
  """A device and its connections; docs/scaling.md names the sources.

  Attributes:
    name: Name of the device.
    rate: bfloat16 operations per second of large matrix products.
    bandwidth: Bytes per second of its memory.
    link: Bytes per second to the next device, in one direction.
    links: Number of links of a device.
    hop: Latency of a message to the next device, in seconds.
    counts: Numbers of devices to predict for.
    grid: Whether the devices form a grid instead of one ring.
    efficiency: Speed of one device with eyes, relative to the model's;
      measured on an H100, the compiler's estimate on a TPU.
  """

  name: str
  rate: float
  bandwidth: float
  link: float
  links: int
  hop: float
  counts: tuple[int, ...]
  grid: bool
  efficiency: float

  def axes(self, num_devices: int) -> tuple[int, ...]:
    """Return the sides of the grid, or the length of the ring."""
    if not self.grid:
      return (num_devices,)
    side = 2 ** (int(math.log2(num_devices)) // 2)
    return side, num_devices // side


H100 = Machine(
    name='H100',
    rate=790e12,
    bandwidth=3.35e12,
    link=450e9,
    links=1,
    hop=2e-6,
    counts=(1, 8),
    grid=False,
    efficiency=0.00492 / MEASURED['eyes'],
)
TPU = Machine(
    name='TPU v5e',
    rate=197e12,
    bandwidth=819e9,
    link=50e9,
    links=4,
    hop=1e-6,
    counts=(1, 8, 16, 32, 64, 128, 256),
    grid=True,
    efficiency=19.7 / COMPILER_ESTIMATES['eyes', 1],
)


def make_config(task: str, batch_size: int = 512) -> config_lib.Config:
  """Return the settings of 'eyes' or 'hands', in bfloat16.

  The networks of hands are those of section 3.2 of the paper.
  """
  config = config_lib.Config(
      name=task,
      batch_size=batch_size,
      compute_dtype='bfloat16',
      history_size=25_600,
  )
  if task == 'hands':
    paper = hands.get_config('paper')
    config.data.height, config.data.width = paper.data.height, paper.data.width
    config.refiner, config.discriminator = paper.refiner, paper.discriminator
  return config


def ring_seconds(machine: Machine, size: float, axes: tuple[int, ...]) -> float:
  """Return the time of an all-reduce of `size` bytes along each axis in turn.

  Along an axis of n devices, each sends 2 (n - 1) messages of 1/n of the bytes.
  The next axis then reduces that 1/n.
  """
  seconds = 0.0
  for n in axes:
    size /= n
    seconds += 2 * (n - 1) * (size / machine.link + machine.hop)
  return seconds


def bandwidth_seconds(machine: Machine, size: float, num_devices: int) -> float:
  """Return the least time of an all-reduce: no latency, all links busy."""
  share = 2 * (num_devices - 1) / num_devices
  return share * size / (machine.link * machine.links)


def exchange_seconds(
    machine: Machine, config: config_lib.Config, num_devices: int
) -> float:
  """Return the time of a round's all-reduces, one per step."""
  steps = config.refiner_steps, config.discriminator_steps
  return sum(
      count * ring_seconds(machine, size, machine.axes(num_devices))
      for count, size in zip(
          steps, cost_model.gradient_sizes(config), strict=True
      )
  )


def compute_seconds(
    machine: Machine, config: config_lib.Config, num_devices: int
) -> float:
  """Return the least time of a device's part of a round, without exchange."""
  images = config.batch_size // num_devices
  cost = cost_model.round_cost(dataclasses.replace(config, batch_size=images))
  return cost.seconds(rate=machine.rate, bandwidth=machine.bandwidth)


def rounds_per_second(
    machine: Machine,
    config: config_lib.Config,
    num_devices: int,
    efficiency: float = 1.0,
) -> float:
  """Return the prediction without overlap, as in the compiled update."""
  compute = compute_seconds(machine, config, num_devices) / efficiency
  return 1 / (compute + exchange_seconds(machine, config, num_devices))


def crossover(
    machine: Machine, config: config_lib.Config, num_devices: int
) -> float:
  """Return the batch size at which exchange and computation take as long."""
  few, many = (
      compute_seconds(
          machine, dataclasses.replace(config, batch_size=size), num_devices
      )
      for size in (1_000 * num_devices, 2_000 * num_devices)
  )
  an_image = (many - few) / (1_000 * num_devices)
  return exchange_seconds(machine, config, num_devices) / an_image


def predict(task: str, machine: Machine, num_devices: int) -> list[object]:
  """Return a row of the table of predictions."""
  config = make_config(task)
  speed = functools.partial(rounds_per_second, machine, config, num_devices)
  images = config.refiner_steps + 2 * config.discriminator_steps
  images *= config.batch_size
  bytes_fed = cost_model.round_cost(config).image_bytes
  hosts = max(1, num_devices // DEVICES_A_HOST)
  return [
      *(task, f'{num_devices} x {machine.name}'),
      1e3 * compute_seconds(machine, config, num_devices),
      1e3 * exchange_seconds(machine, config, num_devices),
      *(speed(), speed(machine.efficiency)),
      crossover(machine, config, num_devices),
      *(speed() * images / hosts, speed() * bytes_fed / hosts / 1e6),
  ]


def describe_exchange(
    task: str, machine: Machine, num_devices: int
) -> list[object]:
  """Return a row of the table of all-reduces, by three models."""
  size = cost_model.gradient_sizes(make_config(task))[0]
  return [
      *(task, f'{num_devices} x {machine.name}', size / 1e6),
      1e6 * bandwidth_seconds(machine, size, num_devices),
      1e6 * ring_seconds(machine, size, (num_devices,)),
      1e6 * ring_seconds(machine, size, machine.axes(num_devices)),
  ]


def plot_task(axis, task: str) -> None:
  """Draw the predicted speed of a task, rounds per second times batch size."""
  config = make_config(task)

  def draw(machine, style, label, efficiency=1.0, grows=False):
    speeds = []
    for n in machine.counts:
      size = IMAGES_A_DEVICE * n if grows else config.batch_size
      sized = dataclasses.replace(config, batch_size=size)
      speeds.append(size * rounds_per_second(machine, sized, n, efficiency))
    axis.plot(machine.counts, speeds, style, label=label, markersize=4)

  draw(H100, 'go-', 'H100, batch 512, at most')
  draw(H100, 'go:', '  at the efficiency of one', H100.efficiency)
  axis.plot([1], config.batch_size / MEASURED[task], 'g*', label='  measured')
  draw(TPU, 'bo-', 'TPU v5e, batch 512, at most')
  draw(TPU, 'bo:', '  at the efficiency of one', TPU.efficiency)
  draw(TPU, '--c', f'  {IMAGES_A_DEVICE} images a device, at most', grows=True)
  found = {n: ms for (x, n), ms in COMPILER_ESTIMATES.items() if x == task}
  speeds = [1e3 * config.batch_size / ms for ms in found.values()]
  axis.plot([*found], speeds, 'kx', label="  its compiler's estimate")
  axis.set(xscale='log', yscale='log', xlabel='devices', title=task)
  axis.set_xticks(TPU.counts, labels=TPU.counts)
  axis.minorticks_off()
  axis.grid(alpha=0.3)


def plot(path: str) -> None:
  """Draw both tasks side by side."""
  import matplotlib

  matplotlib.use('agg')
  from matplotlib import pyplot as plt

  figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.7), layout='constrained')
  for axis, task in zip(axes, ('eyes', 'hands'), strict=True):
    plot_task(axis, task)
  axes[0].set_ylabel('predicted rounds/s x batch')
  axes[1].legend(fontsize=7, loc='lower right')
  figure.savefig(path, dpi=110)


def main(_) -> None:
  """Print the tables and draw the plot."""
  cases = [
      (task, machine, n)
      for task in ('eyes', 'hands')
      for machine in (H100, TPU)
      for n in machine.counts
  ]
  columns = ('task', 'devices', 'compute ms', 'exchange ms', 'rounds/s at most')
  columns += ('rounds/s, fitted', 'batch where they are equal')
  columns += ('images/s a host', 'MB/s a host')
  rows = [predict(*case) for case in cases]
  measure.show('Predictions at batch 512, bfloat16', columns, rows)
  columns = ('task', 'devices', 'MB', 'by bandwidth', 'one ring', 'predicted')
  rows = [describe_exchange(*case) for case in cases if case[2] > 1]
  measure.show("One all-reduce of the refiner's gradients, us", columns, rows)
  plot(_PLOT.value)


if __name__ == '__main__':
  app.run(main)
