"""Data sets as one .npz file each, read without TensorFlow.

The file of a data set holds the fields of `LabelledImages` by their names, as
far as known, and `iris_centres`, [n, 2] px, where a simulator knows them.
"""

import functools
import hashlib
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from simgan_jax.data import crops
from simgan_jax.data import subjects as subject_ranges
from simgan_jax.data.entries import Entry, Sample, read_entries
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.originals import Originals
from simgan_jax.machine import files
from simgan_jax.machine.errors import InputError

REQUIRED = ('images', 'subjects', 'names')
_LABELS = ('gaze', 'head_pose', 'joints', 'intrinsics')
_OF_EVERY_IMAGE = (*REQUIRED, *_LABELS, 'iris_centres')
_FIELDS = (*_OF_EVERY_IMAGE, 'left_out', 'source')


def write(
    path: str | Path,
    data: LabelledImages,
    *,
    iris_centres: Float[np.ndarray, 'n 2'] | None = None,
) -> None:
  """Write a data set; an interrupted write leaves the old file."""
  fields = data._asdict() | {
      'left_out': np.array(data.left_out, np.str_),
      'iris_centres': iris_centres,
  }
  known = {name: fields[name] for name in _FIELDS if fields[name] is not None}
  buffer = io.BytesIO()
  np.savez_compressed(buffer, allow_pickle=False, **known)
  files.write_bytes(str(path), buffer.getvalue())


def load(
    path: str | Path,
    *,
    height: int,
    width: int,
    channels: int,
    subjects: str = '',
    limit: int = 0,
    keep_bits: bool = False,
) -> LabelledImages:
  """Return the data set of a file, or part of it.

  Args:
    path: The file.
    height: Of its images, in pixels.
    width: Of its images, in pixels.
    channels: Of its images, 1 or 3.
    subjects: Ranges of the subjects to keep, e.g. '1-24'; empty means all.
    limit: Number of images to keep at most, the first ones; 0 means all.
    keep_bits: Whether values of 16 bits stay; else the upper 8 are taken.

  Raises:
    InputError: If the file cannot be read, or has no such images.
  """
  fields = _read(path)
  size, wanted = fields['images'].shape[1:], (height, width, channels)
  if size != wanted:
    found, asked = (' x '.join(map(str, shape)) for shape in (size, wanted))
    raise InputError(
        f'{path} holds images of {found} (height x width x channels), the'
        f' settings ask for {asked}; pack them anew or set data.height,'
        ' data.width and data.channels to theirs.'
    )
  chosen = list(range(len(fields['images'])))
  if subjects:
    chosen = subject_ranges.select(
        subjects, fields['subjects'].tolist(), str(path)
    )
  chosen = chosen[: limit or None]
  images = fields['images'][chosen]
  if not keep_bits:
    images = crops.to_8_bits(images)
  return LabelledImages(
      images=images,
      subjects=fields['subjects'][chosen].astype(np.int32),
      names=fields['names'][chosen],
      **{
          name: fields[name][chosen] if name in fields else None
          for name in _LABELS
      },
      left_out=tuple(fields.get('left_out', np.array(())).tolist()),
      source=str(fields.get('source', 'arrays')),
  )


def open_originals(path: str | Path, **request: Any) -> Originals:
  """Return the images of a file, to be read one by one.

  Args:
    path: The file.
    **request: As `load` has it.

  Raises:
    InputError: If the file cannot be read, or has no such images.
  """
  data = load(path, keep_bits=True, **request)
  labels = {
      name: getattr(data, name).shape[1:]
      for name in _LABELS
      if getattr(data, name) is not None
  }

  def read(i: int) -> Sample:
    return Sample(
        data.images[i], **{name: getattr(data, name)[i] for name in labels}
    )

  digest = hashlib.sha256(data.images.tobytes()).hexdigest()[:16]
  return Originals(
      source=data.source,
      fingerprint=f'{Path(path).name}-{digest}',
      entries=[
          Entry(str(name), int(subject), functools.partial(read, i))
          for i, (name, subject) in enumerate(
              zip(data.names, data.subjects, strict=True)
          )
      ],
      label_shapes=labels,
      label_table=None,
      limit=0,
      read=functools.partial(read_entries, on_error='stop'),
  )


def iris_centres(
    path: str | Path, names: np.ndarray
) -> Float[np.ndarray, 'n 2'] | None:
  """Return the centres [n, 2] in px of images by name, None when unknown."""
  fields = _read(path)
  if 'iris_centres' not in fields:
    return None
  places = {name: i for i, name in enumerate(fields['names'].tolist())}
  return fields['iris_centres'][[places[name] for name in names.tolist()]]


def _read(path: str | Path) -> dict[str, np.ndarray]:
  """Return the fields of a file, which fit each other."""
  try:
    with np.load(Path(path).expanduser(), allow_pickle=False) as file:
      fields = {name: file[name] for name in _FIELDS if name in file}
  # No .npz file, one that is cut off, or one that holds Python objects.
  except (
      *(AttributeError, EOFError, OSError, TypeError, ValueError),
      *(zipfile.BadZipFile, zlib.error),
  ) as error:
    raise InputError(
        f'{path} cannot be read ({error}); give an .npz file of pack.py.'
    ) from error
  missing = [name for name in REQUIRED if name not in fields]
  if missing:
    raise InputError(
        f'{path} has no {" and no ".join(missing)}; give an .npz file of'
        ' pack.py.'
    )
  images = fields['images']
  if images.dtype not in (np.uint8, np.uint16) or images.ndim != 4:
    raise InputError(
        f'{path}: images are {images.dtype} {list(images.shape)}, not uint8 or'
        ' uint16 with the axes number, height, width, channels; convert them.'
    )
  for name in fields.keys() & set(_OF_EVERY_IMAGE):
    if len(fields[name]) != len(images):
      raise InputError(
          f'{path} has {len(images)} images but {len(fields[name])} {name};'
          ' give one for each.'
      )
  return fields
