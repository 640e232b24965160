"""Shared by the benchmarks: timing in turns, limits of the machine, tables."""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp


def use_devices(batch_size: int) -> int:
  """Give XLA one device per core, as train.py does; return their number."""
  from simgan_jax.machine import devices

  devices.use_cores(batch_size // 2)
  return devices.choose_number(batch_size // 2)


def run_one(module: str, *arguments: str) -> dict[str, Any]:
  """Run a benchmark with `--one` in its own process; return its result."""
  output = subprocess.run(
      [sys.executable, '-m', module, f'--one={",".join(arguments)}'],
      check=True,
      capture_output=True,
      text=True,
  ).stdout
  return json.loads(output.splitlines()[-1])


def interleave(
    variants: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    warmups: int = 1,
) -> dict[str, list[float]]:
  """Time the variants in turns, each `repeats` times; return seconds.

  A variant must not return before its work is done.
  """
  for variant in variants.values():
    for _ in range(warmups):
      variant()
  seconds: dict[str, list[float]] = {name: [] for name in variants}
  for _ in range(repeats):
    for name, variant in variants.items():
      start = time.perf_counter()
      variant()
      seconds[name].append(time.perf_counter() - start)
  return seconds


def matmul_rate(dtype: Any = jnp.float32) -> float:
  """Return the floating-point operations per second of a matrix product.

  On a CPU each core computes its own product, as in training.
  """
  on_cpu = jax.default_backend() == 'cpu'
  devices = jax.devices() if on_cpu else jax.devices()[:1]
  size, repeats = (2048, 4) if on_cpu else (8192, 20)
  products = jax.jit(
      lambda x, y: jax.lax.fori_loop(
          0, repeats, lambda _, z: (z @ y).astype(dtype), x
      )
  )
  # Random numbers, because a GPU multiplies zeros faster.
  x = jax.random.normal(jax.random.key(0), (size, size)) / size**0.5
  arrays = [jax.device_put(x.astype(dtype), device) for device in devices]
  times = interleave(
      {'': lambda: jax.block_until_ready([products(a, a) for a in arrays])},
      repeats=5,
  )['']
  return 2.0 * size**3 * repeats * len(devices) / min(times)


def copy_bandwidth() -> float:
  """Return the bytes per second, read and written, of copying an array."""
  on_cpu = jax.default_backend() == 'cpu'
  devices = jax.devices() if on_cpu else jax.devices()[:1]
  size = 2**26 if on_cpu else 2**30
  negate = jax.jit(lambda x: -x)
  arrays = [jax.device_put(jnp.ones(size), device) for device in devices]
  times = interleave(
      {'': lambda: jax.block_until_ready([negate(a) for a in arrays])},
      repeats=5,
  )['']
  return 2.0 * size * 4 * len(devices) / min(times)


def describe(**more: object) -> dict[str, object]:
  """Return the device, versions, command and date of a measurement."""
  device = jax.devices()[0]
  kind = device.device_kind
  if kind == 'cpu':
    kind = f'{platform.processor() or platform.machine()} CPU'
    if os.path.exists('/proc/cpuinfo'):
      with open('/proc/cpuinfo', encoding='utf-8') as file:
        names = [line for line in file if line.startswith('model name')]
      kind = names[0].split(':')[1].strip() if names else kind
  return {
      'device': f'{jax.device_count()} x {kind}',
      'python': platform.python_version(),
      'jax': jax.__version__,
      **more,
      'command': ' '.join(['python', *sys.argv]),
      'date': datetime.date.today().isoformat(),
  }


def show(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    **more: object,
) -> None:
  """Print a table as Markdown, then as one line of JSON."""
  facts = describe(**more)
  print(f'\n### {title}\n')
  print(', '.join(f'{name} {value}' for name, value in facts.items()) + '\n')
  print(f'| {" | ".join(columns)} |\n|{"---|" * len(columns)}')
  for row in rows:
    cells = (f'{x:.4g}' if isinstance(x, float) else f'{x}' for x in row)
    print(f'| {" | ".join(cells)} |')
  table = [dict(zip(columns, row, strict=True)) for row in rows]
  print('\n' + json.dumps({'title': title, **facts, 'rows': table}), flush=True)


def ratio_to_best(
    seconds: Mapping[str, Sequence[float]], name: str, *, prefix: str
) -> float | str:
  """Return the median ratio of a variant's time to that of the best other.

  The best other has the smallest median of those variants whose names begin
  with `prefix`. Without such variants the result is empty.
  """
  others = [key for key in seconds if key.startswith(prefix)]
  if not others:
    return ''
  best = min(others, key=lambda key: statistics.median(seconds[key]))
  pairs = zip(seconds[name], seconds[best], strict=True)
  return statistics.median([own / other for own, other in pairs])
