"""How many devices a run uses, and what they are."""

import hashlib
import os
import platform
import resource
import sys

import jax

from simgan_jax.machine import errors

CACHED_IMAGES = 4  # images whose activations a CPU's caches hold


def largest_divisor(size: int, limit: int) -> int:
  """Return the largest divisor of `size` that is at most `limit`."""
  return next(n for n in range(limit, 0, -1) if size % n == 0)


def use_cores(divisible_size: int, *, num_devices: int = 0) -> None:
  """Give XLA one CPU device a core; call it before the first JAX operation.

  One device a core, with the batch split over them, is faster than one device
  with threads. On a machine with an accelerator it changes nothing that counts.

  Args:
    divisible_size: the devices' number must divide it.
    num_devices: an explicit number, 0 chooses.
  """
  # Not every system can tell which cores a process may use.
  if hasattr(os, 'sched_getaffinity'):
    cores = len(os.sched_getaffinity(0))
  else:
    cores = os.cpu_count() or 1
  jax.config.update(
      'jax_num_cpu_devices',
      num_devices or largest_divisor(divisible_size, cores),
  )


def connect() -> None:
  """Join the processes of a cluster, before the first JAX operation.

  TPU slices, SLURM and other clusters that JAX knows are found by themselves;
  elsewhere JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID say
  what is what. A process that dies ends the others within a minute.

  Raises:
    InputError: when there is no cluster.
  """
  number, own = map(os.environ.get, ('JAX_NUM_PROCESSES', 'JAX_PROCESS_ID'))
  try:
    jax.distributed.initialize(
        num_processes=int(number) if number else None,
        process_id=int(own) if own else None,
        heartbeat_timeout_seconds=30,
    )
  except ValueError as error:
    raise errors.InputError(
        f'--distributed finds no cluster ({error}); set'
        ' JAX_COORDINATOR_ADDRESS=HOST:PORT, JAX_NUM_PROCESSES and'
        ' JAX_PROCESS_ID, or leave it out.'
    ) from error


def _processor() -> str:
  """Return a short name for the instructions that this CPU has."""
  features = platform.processor() + platform.machine()
  if os.path.exists('/proc/cpuinfo'):
    with open('/proc/cpuinfo', encoding='utf-8') as file:
      lines = (line for line in file if line.startswith(('flags', 'Features')))
      features += next(lines, '')
  return hashlib.sha256(features.encode()).hexdigest()[:8]


def cache_folder() -> str:
  """Return where compiled programs are kept: what JAX was told, or our own.

  Ours is `simgan_jax` in the user's cache folder, with a folder a kind of
  processor: programs use the instructions of the CPU they were compiled on,
  and machines may share a home folder.
  """
  told = jax.config.values['jax_compilation_cache_dir']
  root = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
  return told or os.path.join(root, 'simgan_jax', _processor())


def cache_programs() -> None:
  """Keep compiled programs on disk, so that the next start skips compiling.

  JAX finds a program by its code, its device and all versions: nothing goes
  stale, and deleting it is safe. JAX_COMPILATION_CACHE_DIR moves them.
  """
  jax.config.update('jax_compilation_cache_dir', cache_folder())
  # The default leaves out what compiles within a second.
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.1)


def choose_number(divisible_size: int, *, num_devices: int = 0) -> int:
  """Return how many of the devices at hand share a batch.

  Args:
    divisible_size: the number must divide it.
    num_devices: an explicit number, 0 chooses the largest possible.

  Raises:
    InputError: when `num_devices` are not there or do not divide the size.
  """
  available = jax.device_count()
  if jax.process_count() > 1:
    if num_devices not in (0, available) or divisible_size % available:
      raise errors.InputError(
          f'with --distributed all {available} devices share a batch: they must'
          f' divide {divisible_size} (half a batch, by parts), and'
          ' --num_devices is left out.'
      )
    return available
  if not num_devices:
    return largest_divisor(divisible_size, available)
  if num_devices > available or divisible_size % num_devices:
    raise errors.InputError(
        f'num_devices={num_devices} must be at most the {available} devices'
        f' here and divide {divisible_size} (half a batch, by parts).'
    )
  return num_devices


def choose_parts(
    batch_size: int, *, num_devices: int, num_parts: int = 0
) -> int:
  """Return in how many parts a device computes its share of a batch.

  Args:
    batch_size: images, over all devices.
    num_devices: devices that share the batch.
    num_parts: an explicit number, 0 chooses: one, and on a CPU as many as leave
      4 images each, whose activations its caches hold.
  """
  if num_parts or jax.default_backend() != 'cpu':
    return num_parts or 1
  share = batch_size // num_devices
  # A discriminator step divides half a share; only refining has odd shares.
  divided = share if share % 2 else share // 2
  return largest_divisor(divided, max(1, share // CACHED_IMAGES))


def describe(num_devices: int) -> str:
  """Return a phrase such as '2 x cpu'."""
  return f'{num_devices} x {jax.devices()[0].device_kind}'


def describe_memory(peak_gib: dict[str, float]) -> str:
  """Return a phrase such as 'host 1.2 GiB, device 8.1 GiB'."""
  return ', '.join(f'{name} {gib:g} GiB' for name, gib in peak_gib.items())


def peak_memory_gib() -> dict[str, float]:
  """Return the peak memory of this process, and of a device that counts it."""
  # macOS counts in bytes, Linux in KiB.
  unit = 1 if sys.platform == 'darwin' else 1024
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
  found = {'host': round(peak / 2**30, 2)}
  statistics = jax.local_devices()[0].memory_stats() or {}
  if 'peak_bytes_in_use' in statistics:
    found['device'] = round(statistics['peak_bytes_in_use'] / 2**30, 2)
  return found
