"""A simulated data set, made a few images at a time on all devices."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Int, Key, Shaped

from simgan_jax.machine import devices
from simgan_jax.machine.errors import InputError

DOMAINS = ('synthetic', 'real')
# Images that a device computes at once. The number is fixed, so that the bits
# of an image depend neither on the batch size nor on the number of devices, if
# there are at least two; it is small, so that the images stay in the cache.
TILE = 16


def check_domain(domain: str) -> None:
  """Raise InputError unless `domain` is one of `DOMAINS`."""
  if domain not in DOMAINS:
    names = ', '.join(map(repr, DOMAINS))
    raise InputError(f'unknown domain {domain!r}: choose one of {names}')


def compile_tiles(
    render: Callable[[Key[Array, ''], Key[Array, '']], Any],
    domain: str,
    *,
    num_devices: int,
) -> Callable[..., Any]:
  """Return the compiled (seed, num_subjects, image numbers [n]) -> [n, ...].

  Args:
    render: Function from the keys of a person and of a shot to one image and
      its labels, a pytree of arrays.
    domain: One of `DOMAINS`; no person is in both.
    num_devices: Number of local devices that share the images.
  """
  mesh = jax.make_mesh(
      (num_devices,),
      ('data',),
      axis_types=(jax.sharding.AxisType.Auto,),
      devices=jax.local_devices()[:num_devices],
  )

  def one(seed, num_subjects, index):
    # Each domain has its own stream of keys, so its own persons.
    key = jax.random.fold_in(jax.random.key(seed), DOMAINS.index(domain))
    people, shots = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
    return render(
        jax.random.fold_in(people, index % num_subjects),
        jax.random.fold_in(shots, index),
    )

  compiled = jax.jit(
      jax.shard_map(
          jax.vmap(one, in_axes=(None, None, 0)),
          mesh=mesh,
          in_specs=(P(), P(), P('data')),
          out_specs=P('data'),
      )
  )

  def make(seed, num_subjects, index):
    # The caller may have set a mesh with other axes.
    with jax.set_mesh(mesh):
      return compiled(seed, num_subjects, index)

  return make


def generate(
    make_tiles: Callable[..., Any],
    num: int,
    *,
    seed: int,
    domain: str = 'synthetic',
    num_subjects: int = 32,
    height: int,
    width: int,
    batch_size: int = 256,
    first: int = 0,
) -> tuple[Any, Any, Int[np.ndarray, ' n']]:
  """Return a data set made on all local devices.

  Image i depends only on (seed, domain, i) and the number of persons, so a
  larger set begins with the smaller one. The two domains show other persons.

  Args:
    make_tiles: Function from (domain, height, width) and `num_devices` to the
      result of `compile_tiles`.
    num: Number of images.
    seed: Seed of all random numbers.
    domain: 'synthetic' or 'real'.
    num_subjects: Number of persons, who take turns.
    height: Height of the images, px.
    width: Width of the images, px.
    batch_size: Images on the devices at a time, before the next copy to host.
    first: Number of the first image.

  Returns:
    images: [n, h, w, 1] uint8.
    labels: The simulator's labels, float32 arrays with a leading n.
    subjects: Numbers of the persons, [n] int32 in 1..num_subjects.

  Raises:
    InputError: If the domain is unknown, a number is not positive, or JAX
      cannot start.
  """
  check_domain(domain)
  sizes = {'num': num, 'num_subjects': num_subjects, 'height': height}
  sizes |= {'width': width, 'batch_size': batch_size}
  for name, value in sizes.items():
    if value < 1:
      raise InputError(f'{name} is {value}: give at least 1')
  devices.start()
  num_devices = jax.local_device_count()
  make = make_tiles(domain, height, width, num_devices=num_devices)
  step = TILE * num_devices
  index = first + np.arange(-(-num // step) * step, dtype=np.int32)
  tiles = index.reshape(-1, step)
  calls = max(1, batch_size // step)
  parts = []
  for start in range(0, len(tiles), calls):
    batch = tiles[start : start + calls]
    parts += jax.device_get([make(seed, num_subjects, tile) for tile in batch])

  def join(*leaves: Shaped[np.ndarray, '...']) -> Shaped[np.ndarray, '...']:
    return np.concatenate(leaves)[:num]

  images, labels = jax.tree.map(join, *parts)
  return images, labels, index[:num] % num_subjects + 1
