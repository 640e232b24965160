"""Arrays in memory as data sets of a run."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from simgan_jax.data import arrays, crops, label_arrays
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.machine.errors import InputError


def to_integers(images: np.ndarray, name: str) -> np.ndarray:
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
    images: np.ndarray,
    labels: np.ndarray | None,
    groups: Sequence[Any] | None,
    task: str,
    name: str,
) -> LabelledImages:
  """Return arrays as a data set.

  Args:
    images: Images, as those of `to_integers`.
    labels: Their labels, which `label_arrays` describes; with task 'gaze' unit
      vectors, [n, 3]. None if there are none.
    groups: Person, track or clip of each image, [n], or None.
    task: One of `config.TASKS`.
    name: What messages call the images, such as 'real'.

  Raises:
    InputError: If arrays have other shapes or types, or do not fit each other.
  """
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
    return made._replace(gaze=labels.astype(np.float32))
  fields = {'images': images, 'labels': labels}
  return made._replace(targets=label_arrays.read(fields, f'the {name} set'))


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
