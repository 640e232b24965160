"""The devices of a run: their number, names, memory and compiled programs."""

import atexit
import contextlib
import errno
import functools
import hashlib
import os
import platform
import resource
import shutil
import sys
import tempfile

import jax

from simgan_jax.machine import errors

CACHED_IMAGES = 4  # images whose activations fit into the caches of a CPU


def largest_divisor(size: int, limit: int) -> int:
  """Return the largest divisor of `size` that is at most `limit`."""
  return next(n for n in range(limit, 0, -1) if size % n == 0)


def use_cores(divisible_size: int, *, num_devices: int = 0) -> None:
  """Give XLA one CPU device per core; call it before the first JAX operation.

  A batch split over one device per core is faster than one device with threads.
  With an accelerator it has no effect on the speed.

  Args:
    divisible_size: Number that the number of devices must divide.
    num_devices: Number of devices; 0 chooses the largest possible.
  """
  # Not every system tells which cores a process may use.
  if hasattr(os, 'sched_getaffinity'):
    cores = len(os.sched_getaffinity(0))
  else:
    cores = os.cpu_count() or 1
  jax.config.update(
      'jax_num_cpu_devices',
      num_devices or largest_divisor(divisible_size, cores),
  )


def use_cores_if_idle(divisible_size: int) -> None:
  """Do what `use_cores` does, unless JAX has started already."""
  # JAX refuses to change the number of devices that it has started.
  with contextlib.suppress(RuntimeError):
    use_cores(divisible_size)


def connect() -> None:
  """Join the processes of a cluster, before the first JAX operation.

  JAX detects TPU slices, SLURM and some other clusters. Elsewhere it reads
  JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID. When a process
  dies, the others end within a minute.

  Raises:
    InputError: If there is no cluster.
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


def start() -> None:
  """Start JAX on its devices, before anything is read or written.

  Raises:
    InputError: If JAX cannot use its devices, or those of JAX_PLATFORMS.
  """
  try:
    jax.devices()
  # JAX has an assertion where the plugin of the platform is not installed.
  except (AssertionError, RuntimeError) as error:
    reason = str(error).partition(' (set JAX_PLATFORMS')[0].rstrip('.')
    if reason and not reason.startswith('Unable to initialize backend'):
      raise
    platforms = jax.config.values['jax_platforms'] or ''
    raise errors.InputError(
        f'JAX cannot start with JAX_PLATFORMS={platforms}'
        f' ({reason or "the plugin of these devices is not installed"}); unset'
        ' it, set it to cpu, or install the driver and the jax package of the'
        ' devices.'
    ) from error


def _processor() -> str:
  """Return a short name for the instruction set of this CPU."""
  features = platform.processor() + platform.machine()
  if os.path.exists('/proc/cpuinfo'):
    with open('/proc/cpuinfo', encoding='utf-8') as file:
      lines = (line for line in file if line.startswith(('flags', 'Features')))
      features += next(lines, '')
  return hashlib.sha256(features.encode()).hexdigest()[:8]


def cache_folder() -> str:
  """Return the folder of compiled programs: JAX's if it is set, or our own.

  Ours is `simgan_jax` in the user's cache folder, with one folder per kind of
  processor: programs use the instruction set of the CPU that compiled them, and
  different machines may share a home folder. If the folder cannot be written,
  it is a temporary one, which is removed at the end, and a warning is printed.
  """
  chosen = jax.config.values['jax_compilation_cache_dir']
  root = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
  own = os.path.join(root, 'simgan_jax', _processor())
  return _make_writable(os.path.expanduser(chosen or own))


@functools.cache
def _make_writable(folder: str) -> str:
  """Return a folder after making it, or a temporary one in its place."""
  if '://' in folder:
    return folder  # in a cloud, where JAX writes by itself
  try:
    if folder.startswith('~'):
      raise OSError(errno.ENOENT, 'the user has no home folder')
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
      pass
  except OSError as error:
    temporary = tempfile.mkdtemp(prefix='simgan_jax_')
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    print(
        f'warning: {folder} cannot be written ({error.strerror}): compiled'
        ' programs are kept only until the end of this command; set'
        ' JAX_COMPILATION_CACHE_DIR to a folder for them.',
        file=sys.stderr,
    )
    return temporary
  return folder


def cache_programs() -> None:
  """Keep compiled programs on disk, so that later starts need not compile.

  JAX looks a program up by its code, device and versions, so that it cannot be
  outdated. The folder may be deleted at any time; JAX_COMPILATION_CACHE_DIR
  chooses another one.
  """
  jax.config.update('jax_compilation_cache_dir', cache_folder())
  # By default JAX does not keep programs that compile within a second.
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.1)


def choose_number(divisible_size: int, *, num_devices: int = 0) -> int:
  """Return how many of the available devices share a batch.

  Args:
    divisible_size: Number that the number of devices must divide.
    num_devices: Number of devices; 0 chooses the largest possible.

  Raises:
    InputError: If `num_devices` are not available or do not divide the size.
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
  """Return the number of parts into which a device splits its batch.

  Args:
    batch_size: Images per batch, over all devices.
    num_devices: Number of devices that share the batch.
    num_parts: Number of parts; 0 chooses 1 or, on a CPU, parts of about
      `CACHED_IMAGES` images.
  """
  if num_parts or jax.default_backend() != 'cpu':
    return num_parts or 1
  share = batch_size // num_devices
  # A discriminator step splits half a share; only refining has odd shares.
  divided = share if share % 2 else share // 2
  return largest_divisor(divided, max(1, share // CACHED_IMAGES))


def describe(num_devices: int) -> str:
  """Return a phrase such as '2 x cpu'."""
  return f'{num_devices} x {jax.devices()[0].device_kind}'


def describe_memory(peak_gib: dict[str, float]) -> str:
  """Return a phrase such as 'host 1.2 GiB, device 8.1 GiB'."""
  return ', '.join(f'{name} {gib:g} GiB' for name, gib in peak_gib.items())


def peak_memory_gib() -> dict[str, float]:
  """Return the peak memory of this process and, if known, of its device."""
  # macOS reports bytes, Linux KiB.
  unit = 1 if sys.platform == 'darwin' else 1024
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
  found = {'host': round(peak / 2**30, 2)}
  statistics = jax.local_devices()[0].memory_stats() or {}
  if 'peak_bytes_in_use' in statistics:
    found['device'] = round(statistics['peak_bytes_in_use'] / 2**30, 2)
  return found
