"""SimGAN on arrays: from images and a simulator to a trained run."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Shaped

from simgan_jax.api import fitted
from simgan_jax.data import in_memory
from simgan_jax.machine import devices
from simgan_jax.machine.errors import InputError
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import presets

# From a PRNG key to images [b, h, w, c] and their labels [b, ...].
Simulator = Callable[[jax.Array], tuple[jax.Array, jax.Array]]


def fit(
    synthetic: Shaped[np.ndarray, '_ ...'] | Simulator,
    real: Shaped[np.ndarray, '_ ...'],
    *,
    workdir: str,
    labels: Shaped[np.ndarray, '_ ...'] | None = None,
    real_labels: Shaped[np.ndarray, '_ ...'] | None = None,
    real_groups: Sequence[Any] | None = None,
    task: str = '',
    num_images: int = 8_000,
    config: config_lib.Config | None = None,
) -> fitted.Run:
  """Train a SimGAN on arrays, or continue the run in `workdir`.

  Call it, or `draw`, before other operations of JAX: then it uses all cores of
  a CPU.

  Args:
    synthetic: Images of a simulator, [n, h, w, c] or [n, h, w], uint8, uint16
      or float in [0, 1], of 1 or 3 channels. Or the simulator, a function of
      JAX: from a key to images [b, h, w, c] and their labels [b, ...].
    real: Unlabelled real images of the same size.
    workdir: Folder of the run; made when missing.
    labels: Labels of the synthetic images: classes, [n] int or text; numbers,
      [n, k] float; points, [n, k, 2] px; masks, [n, h, w] int; with task
      'gaze' directions, [n, 3]. NaN is unknown; among whole numbers -1 is,
      too, so number classes from 0. Only `Run.evaluate` needs them.
    real_labels: Labels of the real images, unknown where there are none, for
      comparison.
    real_groups: Person, track or clip of each real image. `Run.evaluate` learns
      from none that it tests.
    task: What the labels are: 'auto' to decide by type and shape, 'class',
      'regression', 'points', 'mask' or 'gaze'; by default what `config` says.
    num_images: Number of images that are drawn from a simulator.
    config: Other settings than `simgan_jax.default_config()`. The sources
      and the size of the images are set here.

  Returns:
    The trained run, which refines and evaluates.

  Raises:
    InputError: If arrays or settings do not fit each other, if there are
      labels beside a simulator, or if `workdir` holds a run on other images or
      with other settings.
    NonFiniteError: If a loss is not finite; checkpoints are kept.
    Stopped: After SIGTERM or Ctrl-C, when the state is saved.
  """
  config = config or presets.folders()
  task = task or config.evaluation.task
  if callable(synthetic) and labels is not None:
    raise InputError(
        'the labels come from the simulator, which returns them; leave labels'
        ' out.'
    )
  devices.use_cores_if_idle(config_lib.divisible_size(config))
  devices.cache_programs()
  if callable(synthetic):
    synthetic, labels = draw(synthetic, num_images, seed=config.seed)
  sets = {
      'synthetic': in_memory.make_set(
          synthetic, labels, None, task, 'synthetic'
      ),
      'real': in_memory.make_set(real, real_labels, real_groups, task, 'real'),
  }
  shapes = {name: data.images.shape[1:] for name, data in sets.items()}
  if shapes['synthetic'] != shapes['real']:
    raise InputError(
        f'synthetic images are {list(shapes["synthetic"])} and real ones'
        f' {list(shapes["real"])} (height, width, channels); bring them to one'
        ' size.'
    )
  paths = {
      name: in_memory.write(fitted.path_of(workdir, name), sets[name])
      for name in sets
  }
  height, width, channels = shapes['real']
  config = dataclasses.replace(
      config,
      data=dataclasses.replace(
          config.data,
          height=height,
          width=width,
          channels=channels,
          synthetic=config_lib.SourceConfig('arrays', paths['synthetic']),
          real=config_lib.SourceConfig('arrays', paths['real']),
          test=config_lib.SourceConfig('arrays'),
      ),
      evaluation=dataclasses.replace(config.evaluation, task=task),
  )
  from simgan_jax.training import loop

  loop.train(config, workdir=workdir, data_dir='')
  return fitted.Run(workdir)


def draw(
    simulator: Simulator, num_images: int, *, seed: int = 0
) -> tuple[Shaped[np.ndarray, 'n ...'], Shaped[np.ndarray, 'n ...']]:
  """Return images and labels of a simulator written in JAX.

  Args:
    simulator: Function from a key to images [b, h, w, c] and labels [b, ...].
    num_images: Number n of images.
    seed: Seed of the keys.

  Returns:
    Images [n, h, w, c] and labels [n, ...] of the simulator's types.

  Raises:
    InputError: If the simulator returns no images, or another number of labels.
  """
  devices.use_cores_if_idle(config_lib.divisible_size(presets.folders()))
  compiled, key = jax.jit(simulator), jax.random.key(seed)
  images, labels, number = [], [], 0
  while number < num_images:
    batch = compiled(jax.random.fold_in(key, len(images)))
    if len(batch[0]) != len(batch[1]) or not len(batch[0]):
      raise InputError(
          f'the simulator returns {len(batch[0])} images and {len(batch[1])}'
          ' labels for a key; return as many of both, at least one.'
      )
    images.append(np.asarray(batch[0]))
    labels.append(np.asarray(batch[1]))
    number += len(images[-1])
  images, labels = map(np.concatenate, (images, labels))
  return images[:num_images], labels[:num_images]
