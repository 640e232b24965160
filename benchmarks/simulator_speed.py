"""Images per second of the built-in eye simulator.

    python -m benchmarks.simulator_speed

Prints a Markdown row per domain: the time of the first call with its
compilation, and the speed of a second, longer call. Goal: 2,000 images of
35 x 55 per second on 2 cores.
"""

import os
import time

import jax

NUM_IMAGES = 10_000


def main() -> None:
  """Render both domains and print the table."""
  jax.config.update('jax_num_cpu_devices', os.cpu_count() or 1)
  from simgan_jax.simulators import eyes

  print(f'jax {jax.__version__}, {jax.device_count()} x {jax.devices()[0]}\n')
  print('| domain | first 100 images, s | images/s |\n|---|---|---|')
  for domain in ('synthetic', 'real'):
    start = time.perf_counter()
    eyes.generate(100, seed=0, domain=domain, num_subjects=32)
    first = time.perf_counter() - start
    start = time.perf_counter()
    eyes.generate(NUM_IMAGES, seed=1, domain=domain, num_subjects=32)
    speed = NUM_IMAGES / (time.perf_counter() - start)
    print(f'| {domain} | {first:.1f} | {speed:,.0f} |')


if __name__ == '__main__':
  main()
