"""Eyes in one HDF5 file, in the layout that most experiments with SimGAN use.

A group (or one data set) `image`, and for labels another `look_vec`, UnityEyes'
vector, by the same keys (or in the same order).
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from simgan_jax.data import crops, gaze_angles, source
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.machine.errors import InputError

_IMAGE, _LABEL = 'image', 'look_vec'


def _sort_key(key: str) -> tuple[int, str]:
  return (int(key), '') if key.isdigit() else (-1, key)


class Hdf5(source.Source):
  """Images by key, numbers as such, or by place; brought to size by `fit`."""

  CONFIG = source.FittedConfig

  @classmethod
  def stamp(cls, config: source.FittedConfig) -> str:
    """See base class."""
    with _open(config.path) as file:
      if _IMAGE not in file:
        raise InputError(
            f'{config.path} has no group {_IMAGE!r}, only'
            f' {", ".join(file) or "nothing"}; give another file, or rename it.'
        )
    status = config.path.stat()
    return f'{config.path.name} {status.st_size} {status.st_mtime_ns}'

  @property
  def known_labels(self) -> dict[str, tuple[int, ...]]:
    """See base class."""
    with _open(self.builder_config.path) as file:
      return {'gaze': (3,)} if _LABEL in file else {}

  def entries(self) -> list[Entry]:
    """See base class."""
    path = self.builder_config.path
    with _open(path) as file:
      num_images = _count(file, _IMAGE)
      num_labels = _count(file, _LABEL) if _LABEL in file else num_images
      keys: list[Any] = list(range(num_images))
      if isinstance(file[_IMAGE], h5py.Group):
        keys = sorted(file[_IMAGE], key=_sort_key)
      if num_labels != num_images:
        raise InputError(
            f'{path} has {num_images:,} images, but {num_labels:,} of'
            f' {_LABEL!r}; give a file with one for each image.'
        )
    # Opened once, at the first image, for as long as there are entries.
    open_file = functools.cache(functools.partial(_open, path))
    return [
        Entry(str(key), 0, functools.partial(self._read, open_file, key))
        for key in keys
    ]

  def _read(self, open_file: Callable[[], h5py.File], key: Any) -> Sample:
    config, file = self.builder_config, open_file()
    where = f'{config.path}, {_IMAGE} {key}'
    try:
      pixels = np.asarray(file[_IMAGE][key])
      vector = np.full(3, np.nan)
      if _LABEL in file:
        look = np.asarray(file[_LABEL][key], np.float64)[:3]
        if look.shape != (3,) or not 0 < np.linalg.norm(look) < np.inf:
          raise ValueError(f'{_LABEL} {look.tolist()} is no direction')
        vector = gaze_angles.unityeyes_gaze(look)
      image = crops.check_pixels(pixels)
    except (
        *(OSError, KeyError, ValueError, TypeError),
        *(IndexError, MemoryError, RuntimeError),
    ) as error:
      raise Damaged(f'{where}: cannot be read ({error})') from error
    box = crops.fit_box(image, config.fit, config.height, config.width)
    return Sample(
        self._cut(image, box),
        vector,
        size=(image.shape[1], image.shape[0]),
        levels=crops.levels_of_16_bits(image),
    )


def _count(file: h5py.File, name: str) -> int:
  try:
    return len(file[name])
  except TypeError as error:
    raise InputError(
        f'{file.filename}: {name!r} is no group and no array; give a file where'
        ' it has an entry for each image.'
    ) from error


def _open(path: Path) -> h5py.File:
  try:
    return h5py.File(path, 'r')
  except OSError as error:
    raise InputError(
        f'{path} cannot be read as HDF5 ({error}); give another file.'
    ) from error
