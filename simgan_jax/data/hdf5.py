"""Eyes in one HDF5 file, in the layout that most experiments with SimGAN use.

The group or data set `image` holds the images. A second one, `look_vec`, holds
UnityEyes' gaze vectors under the same keys or in the same order; it may lack.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simgan_jax.data import decoding, folders, gaze_angles
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.data.source import FittedSource
from simgan_jax.machine.errors import InputError

_IMAGE, _LABEL = 'image', 'look_vec'


class Hdf5(FittedSource):
  """Images by key (numeric keys by value) or by place; subjects are unknown."""

  name = 'hdf5'

  def stamp(self) -> str:
    """Return the file's name, size and modification time."""
    with _open(self.path) as file:
      if _IMAGE not in file:
        raise InputError(
            f'{self.path} has no group {_IMAGE!r}, only'
            f' {", ".join(file) or "nothing"}; give another file, or rename it.'
        )
    return folders.stamp(self.path.parent, [self.path])

  @property
  def label_shapes(self) -> Mapping[str, tuple[int, ...]]:
    """Gaze, if the file has any."""
    with _open(self.path) as file:
      return {'gaze': (3,)} if _LABEL in file else {}

  def list_entries(self) -> Iterator[Entry]:
    """Yield the images by key or place."""
    with _open(self.path) as file:
      num_images = _count(file, _IMAGE)
      num_labels = _count(file, _LABEL) if _LABEL in file else num_images
      keys: list[Any] = list(range(num_images))
      if hasattr(file[_IMAGE], 'keys'):  # a group
        keys = sorted(
            file[_IMAGE], key=lambda k: (int(k), '') if k.isdigit() else (-1, k)
        )
      if num_labels != num_images:
        raise InputError(
            f'{self.path} has {num_images:,} images, but {num_labels:,} of'
            f' {_LABEL!r}; give a file with one for each image.'
        )
    # Opened once, at the first image, for as long as there are entries.
    open_file = functools.cache(functools.partial(_open, self.path))
    for key in keys:
      yield Entry(str(key), 0, functools.partial(self._read, open_file, key))

  def _read(self, open_file: Callable[[], Any], key: Any) -> Sample:
    file = open_file()
    try:
      image = decoding.check_pixels(np.asarray(file[_IMAGE][key]))
      gaze = np.full(3, np.nan)
      if _LABEL in file:
        look = np.asarray(file[_LABEL][key], np.float64)[:3]
        if look.shape != (3,) or not 0 < np.linalg.norm(look) < np.inf:
          raise ValueError(f'{_LABEL} {look.tolist()} is no direction')
        gaze = gaze_angles.unityeyes_gaze(look)
    # Damaged files raise almost anything.
    except Exception as error:
      raise Damaged(
          f'{self.path}, {_IMAGE} {key}: cannot be read ({error})'
      ) from error
    return self._fit(decoding.Decoded(image), gaze)


def _count(file: Any, name: str) -> int:
  try:
    return len(file[name])
  except TypeError as error:
    raise InputError(
        f'{file.filename}: {name!r} is no group and no array; give a file where'
        ' it has an entry for each image.'
    ) from error


def _open(path: Path) -> Any:
  try:
    import h5py  # imported here because no other source needs it

    return h5py.File(path, 'r')
  except (ImportError, OSError) as error:
    raise InputError(
        f'{path} cannot be read as HDF5 ({error}); give another file.'
    ) from error
