"""Arrays in memory as data sets of a run."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped, UInt

from simgan_jax.data import arrays, crops, label_arrays
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.machine.errors import InputError
from simgan_jax.settings import config as config_lib


def to_integers(
    images: Shaped[np.ndarray, '_ ...'], name: str
) -> UInt[np.ndarray, 'n h w c']:
  """Return images as [n, h, w, c] uint8 or uint16.

  Args:
    images: Images, [n, h, w, c] or [n, h, w], uint8, uint16 or float in [0, 1].
    name: What messages call them, such as 'real'.

  Raises:
    InputError: If they have another shape or type.
  """
  images = np.asarray(images)
  if images.ndim == 3:
    images = images[..., None]
  if images.ndim != 4 or images.shape[3] not in (1, 3) or not images.size:
    raise InputError(
        f'{name} images are {list(images.shape)}; give [n, h, w, c] with 1 or 3'
        ' channels, or [n, h, w].'
    )
  if images.dtype in (np.uint8, np.uint16):
    return images
  if images.dtype.kind != 'f' or not 0 <= images.min() <= images.max() <= 1:
    raise InputError(
        f'{name} images are {images.dtype} from {images.min()} to'
        f' {images.max()}; give uint8, uint16, or float in [0, 1].'
    )
  return np.rint(images * 255).astype(np.uint8)


def make_set(
    images: Shaped[np.ndarray, '_ ...'],
    labels: Shaped[np.ndarray, '_ ...'] | None,
    groups: Sequence[Any] | None,
    task: str,
    name: str,
) -> LabelledImages:
  """Return arrays as a data set.

  Args:
    images: Images, as those of `to_integers`.
    labels: Their labels, which `label_arrays` describes; with task 'gaze'
      directions, [n, 3], NaN where unknown. None if there are none.
    groups: Person, track or clip of each image, [n], or None.
    task: One of `config.TASKS` but 'hands'.
    name: What messages call the images, such as 'real'.

  Raises:
    InputError: If arrays have other shapes or types, or do not fit each other.
  """
  tasks = [x for x in config_lib.TASKS if x != 'hands']  # needs the cameras
  if task not in tasks:
    raise InputError(
        f'arrays cannot have the task {task!r}; choose one of'
        f' {", ".join(tasks)}.'
    )
  images = to_integers(images, name)
  for what, values in (('labels', labels), ('groups', groups)):
    if values is not None and len(values) != len(images):
      raise InputError(
          f'there are {len(images)} {name} images but {len(values)} {what};'
          ' give one for each.'
      )
  made = LabelledImages(
      images=images,
      subjects=np.zeros(len(images), np.int32),
      names=np.array([f'{i:06}' for i in range(len(images))]),
      source=name,
      groups=None if groups is None else np.array(groups).astype(str),
  )
  if labels is None:
    return made
  labels = np.asarray(labels)
  if task == 'gaze':
    return made._replace(gaze=_to_unit_vectors(labels, name))
  fields = {'images': images, 'labels': labels}
  return made._replace(targets=label_arrays.read(fields, f'the {name} set'))


def _to_unit_vectors(labels: np.ndarray, name: str) -> Float[np.ndarray, 'n 3']:
  """Return directions [n, 3] as float32 of length 1, NaN where unknown."""
  if labels.shape[1:] == (3,) and labels.dtype.kind in 'iuf':
    vectors = labels.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.any((lengths == 0) | np.isinf(lengths)):
      return (vectors / lengths).astype(np.float32)
  raise InputError(
      f'the {name} labels are {labels.dtype} {list(labels.shape)}; gaze needs'
      ' finite directions [n, 3], longer than 0, or NaN where unknown.'
  )


def write(path: str, data: LabelledImages) -> str:
  """Write the images that a run is trained on; return the path.

  Raises:
    InputError: If the file is there and has other images.
  """
  if os.path.exists(path):
    with np.load(path, allow_pickle=False) as file:
      same = np.array_equal(
          crops.to_8_bits(file['images']), crops.to_8_bits(data.images)
      )
    if not same:
      raise InputError(
          f'{path} holds other images, those of an earlier run; give another'
          ' workdir.'
      )
  arrays.write(path, data)
  return path
