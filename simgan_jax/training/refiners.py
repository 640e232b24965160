"""A trained refiner: restoring it, and applying it to many images."""

import functools
from collections.abc import Callable

import jax
import numpy as np
from flax.training import train_state
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Int, Shaped, UInt

from simgan_jax.data import histograms
from simgan_jax.machine import batching, devices, errors, pixels
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.method import noise, steps
from simgan_jax.settings import config as config_lib
from simgan_jax.training import build, checkpoint


@functools.cache
def _compile(mesh: Mesh, num_parts: int):
  """Return refine(refiner, key, batch), compiled once for a mesh."""
  split = mesh_lib.batch_spec(0)

  def refine(refiner, key, batch):
    images, numbers, samples = batch
    keys = noise.sample_keys(key, numbers, samples)
    return steps.refine(refiner, images, keys, num_parts=num_parts)

  return jax.jit(
      jax.shard_map(
          refine,
          mesh=mesh,
          in_specs=(PartitionSpec(), PartitionSpec(), split),
          out_specs=split,
          check_vma=False,
      )
  )


def refine_images(
    refiner: train_state.TrainState,
    images: Shaped[np.ndarray, 'n h w c'],
    *,
    mesh: Mesh,
    batch_size: int = batching.BATCH_SIZE,
    dtype: type[np.unsignedinteger] = np.uint8,
    seed: int = 0,
    numbers: Int[np.ndarray, 'n'] | None = None,
    samples: int | Int[np.ndarray, 'n'] = 0,
    on_progress: Callable[[int], object] = int,
) -> UInt[np.ndarray, 'n h w c']:
  """Return R(x) for every image, in order, the last partial batch included.

  Args:
    refiner: Trained refiner, replicated over the mesh.
    images: Images, [n, h, w, c] uint8 or uint16, or float32 in [-1, 1].
    mesh: Devices that share a batch; their number divides it.
    batch_size: Number of images in a call.
    dtype: Type of the refined images, uint8 or uint16.
    seed: Seed of the noise of a refiner that has `noise_channels`.
    numbers: Numbers of the images in their data set, [n]; None for 0 to n - 1.
      Images with one number get the same noise.
    samples: Number of the sample of each image, [n], or one for all; each makes
      other images of the same ones.
    on_progress: Function that is called with the size of each batch.

  Returns:
    Refined images, [n, h, w, c] of `dtype`, see `pixels.to_integers`.

  Raises:
    NonFiniteError: If a refined image has values that are not numbers.
  """
  num_parts = devices.choose_parts(batch_size, num_devices=mesh.size)
  refine = functools.partial(
      _compile(mesh, num_parts), refiner, jax.random.key(seed)
  )
  if numbers is None:
    numbers = np.arange(len(images))
  samples = np.broadcast_to(samples, len(images))
  given = images, numbers.astype(np.int32), samples.astype(np.int32)
  refined = [np.zeros((0, *images.shape[1:]), dtype)]
  for batch in batching.map_batches(
      refine, given, mesh=mesh, batch_size=batch_size
  ):
    if not np.isfinite(batch).all():
      raise errors.NonFiniteError(
          'the refiner makes images with values that are not numbers; use'
          ' another checkpoint.'
      )
    refined.append(pixels.to_integers(batch, dtype))
    on_progress(len(batch))
  return np.concatenate(refined)


def load_refiner(
    config: config_lib.Config, *, workdir: str, mesh: Mesh
) -> tuple[train_state.TrainState, selection.Chosen]:
  """Return the refiner of the best checkpoint of a run.

  Args:
    config: Settings of the run.
    workdir: Path of the working directory.
    mesh: Devices that get a copy each.

  Returns:
    The refiner, and the checkpoint that `selection.Rule` chose.

  Raises:
    InputError: If there is no trained checkpoint.
  """
  checkpoints = checkpoint.Checkpoints(
      workdir, rule=selection.Rule(config.data.width, config.num_rounds)
  )
  one_device = mesh_lib.make_mesh(1)
  found = checkpoints.restore_chosen(build.make_state_fn(config, one_device)())
  checkpoints.close()
  if found is None or not found[1].round:
    raise errors.InputError(
        f'{workdir} has no checkpoint of a trained refiner; run train.py with'
        f' --workdir={workdir} first.'
    )
  state, chosen = found
  return jax.device_put(state.refiner, mesh_lib.replicated(mesh)), chosen


def match_histograms(
    config: config_lib.Config,
    synthetic: UInt[np.ndarray, 'n h w c'],
    *,
    workdir: str,
    numbers: Int[np.ndarray, 'n'] | None = None,
) -> UInt[np.ndarray, 'n h w c']:
  """Return the images that the refiner gets in place of the synthetic ones.

  With `data.match_histograms` they have the histograms of real images.
  Otherwise they are the synthetic images.

  Args:
    config: Settings of the run.
    synthetic: Synthetic images, [n, h, w, c] uint8 or uint16.
    workdir: Path of the working directory.
    numbers: Numbers of the images in their data set, [n] ascending; None if
      they are the whole data set.

  Raises:
    InputError: If the file of the histograms is missing or damaged.
  """
  if not config.data.match_histograms:
    return synthetic
  references = histograms.read(workdir)
  return histograms.match(
      synthetic, references, seed=config.seed, numbers=numbers
  )
