"""A simulated data set, made a few images at a time on all devices."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Int, Key, Shaped

from simgan_jax.machine.errors import InputError

DOMAINS = ('synthetic', 'real')
# Images a device computes at once: always as many, so that the batch does not
# change a bit, nor does the number of devices from two on; few, so that they
# stay in the cache.
TILE = 16


def compile_tiles(
    render: Callable[[Key[Array, ''], Key[Array, '']], Any],
    domain: str,
    *,
    num_devices: int,
) -> Callable[..., Any]:
  """Returns the compiled (seed, num_subjects, image numbers [n]) -> [n, ...].

  Args:
    render: of the keys of a person and of a shot, returns one image and what
      belongs to it as a pytree of arrays.
    domain: one of `DOMAINS`; its people are its own.
    num_devices: local devices that share the images.
  """
  mesh = jax.make_mesh(
      (num_devices,),
      ('data',),
      axis_types=(jax.sharding.AxisType.Auto,),
      devices=jax.local_devices()[:num_devices],
  )

  def one(seed, num_subjects, index):
    # A stream of its own for each domain: its people differ.
    key = jax.random.fold_in(jax.random.key(seed), DOMAINS.index(domain))
    people, shots = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
    return render(
        jax.random.fold_in(people, index % num_subjects),
        jax.random.fold_in(shots, index),
    )

  made = jax.jit(
      jax.shard_map(
          jax.vmap(one, in_axes=(None, None, 0)),
          mesh=mesh,
          in_specs=(P(), P(), P('data')),
          out_specs=P('data'),
      )
  )

  def make(seed, num_subjects, index):
    # The caller's own mesh, if one is set, may have other axes.
    with jax.set_mesh(mesh):
      return made(seed, num_subjects, index)

  return make


def check_sizes(**sizes: int) -> None:
  """Raises InputError, naming it, when a number is not positive."""
  for name, value in sizes.items():
    if value < 1:
      raise InputError(f'{name} is {value}: give at least 1')


def collect(
    make: Callable[..., Any],
    num: int,
    *,
    seed: int,
    num_subjects: int,
    batch_size: int,
    first: int = 0,
) -> tuple[Any, Int[np.ndarray, ' n']]:
  """Returns `num` images from `first` on, and the person in each.

  Args:
    make: of `compile_tiles`, for all local devices.
    num: of images.
    seed: of everything.
    num_subjects: persons, who take turns.
    batch_size: images on the devices at a time, before the next copy to host.
    first: number of the first image.

  Returns:
    The pytree of `render` as NumPy arrays with a leading n, and [n] int32
    numbers of persons in 1..num_subjects.
  """
  step = TILE * jax.local_device_count()
  index = first + np.arange(-(-num // step) * step, dtype=np.int32)
  tiles = index.reshape(-1, step)
  calls = max(1, batch_size // step)
  parts = []
  for start in range(0, len(tiles), calls):
    batch = tiles[start : start + calls]
    parts += jax.device_get([make(seed, num_subjects, tile) for tile in batch])

  def join(*leaves: Shaped[np.ndarray, '...']) -> Shaped[np.ndarray, '...']:
    return np.concatenate(leaves)[:num]

  return jax.tree.map(join, *parts), index[:num] % num_subjects + 1
