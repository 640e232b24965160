"""Data sets as one .npz file each, read without TensorFlow.

The file of a data set holds the fields of `LabelledImages` by their names, as
far as known, and `iris_centres`, [n, 2] px, where a simulator knows them. Of
any other task it holds `labels`, which `label_arrays` describes.
"""

import functools
import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from simgan_jax.data import crops, label_arrays
from simgan_jax.data import subjects as subject_ranges
from simgan_jax.data.entries import Entry, Sample
from simgan_jax.data.labelled_images import ImportReport, LabelledImages
from simgan_jax.data.source import Source
from simgan_jax.machine import files
from simgan_jax.machine.errors import InputError

REQUIRED = ('images', 'subjects', 'names')
_LABELS = ('gaze', 'head_pose', 'joints', 'intrinsics')
_OF_EVERY_IMAGE = (
    *(*REQUIRED, *_LABELS, 'iris_centres'),
    *('labels', 'points', 'groups'),
)
_FIELDS = (*_OF_EVERY_IMAGE, 'label_names', 'left_out', 'source')


class Arrays(Source):
  """The images of one file in its order, which must have the wanted size."""

  name = 'arrays'

  @functools.cached_property
  def _fields(self) -> dict[str, np.ndarray]:
    fields = _read(self.path)
    found = ' x '.join(map(str, fields['images'].shape[1:]))
    asked = f'{self.height} x {self.width} x {self.channels}'
    if found != asked:
      raise InputError(
          f'{self.path} holds images of {found} (height x width x channels),'
          f' the settings ask for {asked}; pack them anew or set data.height,'
          ' data.width and data.channels to theirs.'
      )
    return fields

  @property
  def label_shapes(self) -> Mapping[str, tuple[int, ...]]:
    """Labels that the file has."""
    fields = self._fields
    return {name: fields[name].shape[1:] for name in _LABELS if name in fields}

  def stamp(self) -> str:
    """Return the file's name and a digest of its images."""
    digest = hashlib.sha256(self._fields['images'].tobytes()).hexdigest()
    return f'{self.path.name} {digest}'

  def list_entries(self) -> Iterator[Entry]:
    """Yield the images of the file in its order."""
    subjects = self._fields['subjects']
    for i, name in enumerate(self._fields['names']):
      read = functools.partial(self._sample, i)
      yield Entry(str(name), int(subjects[i]), read)

  def _sample(self, place: int) -> Sample:
    labels = {name: self._fields[name][place] for name in self.label_shapes}
    return Sample(self._fields['images'][place], **labels)

  @property
  def origin(self) -> str:
    """Name of the source that pack.py read, if the file has it."""
    return str(self._fields.get('source', self.name))

  def iris_centres(
      self, names: Collection[str]
  ) -> Float[np.ndarray, 'n 2'] | None:
    """Return the iris centres [n, 2] px of images, if the file has them."""
    if 'iris_centres' not in self._fields:
      return None
    places = {name: i for i, name in enumerate(self._fields['names'].tolist())}
    return self._fields['iris_centres'][[places[str(name)] for name in names]]

  def load(self) -> LabelledImages:
    """Return the data set; of 16-bit values the upper 8 bits."""
    fields = self._fields
    chosen = subject_ranges.select(
        self.subjects, fields['subjects'].tolist(), str(self)
    )[: self.limit or None]
    loaded = LabelledImages(
        images=crops.to_8_bits(fields['images']),
        subjects=fields['subjects'].astype(np.int32),
        names=fields['names'],
        source=self.origin,
        gaze=fields.get('gaze'),
        head_pose=fields.get('head_pose'),
        joints=fields.get('joints'),
        intrinsics=fields.get('intrinsics'),
        report=ImportReport(tuple(map(str, fields.get('left_out', ())))),
        targets=label_arrays.read(fields, str(self.path)),
        groups=fields.get('groups'),
    )
    return loaded.take(np.array(chosen, np.int64))


def write(
    path: str | Path,
    data: LabelledImages,
    *,
    iris_centres: Float[np.ndarray, 'n 2'] | None = None,
) -> None:
  """Write a data set; an interrupted write leaves the old file.

  Of the import report, `left_out` is kept. `iris_centres` are in pixels.
  """
  fields = data._asdict() | {
      'left_out': np.array(data.report.left_out, np.str_),
      'iris_centres': iris_centres,
      **label_arrays.make_fields(data.targets),
  }
  known = {
      name: fields[name] for name in _FIELDS if fields.get(name) is not None
  }
  files.write_arrays(str(path), known)


def _read(path: Path) -> dict[str, np.ndarray]:
  """Return the fields of a file, which are checked to fit each other."""
  try:
    with np.load(path, allow_pickle=False) as file:
      fields = {name: file[name] for name in _FIELDS if name in file}
    missing = [name for name in REQUIRED if name not in fields]
    if missing:
      raise ValueError(f'it has no {" and no ".join(missing)}')
  # Files that are damaged or of another kind raise almost anything.
  except Exception as error:
    raise InputError(
        f'{path} cannot be read ({error}); give an .npz file of pack.py.'
    ) from error
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
