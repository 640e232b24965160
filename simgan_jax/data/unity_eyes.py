"""UnityEyes: rendered eyes, a JPEG and a JSON of labels each.

Source: Wood et al., "Learning an appearance-based gaze estimator from one
million synthesised images", ETRA 2016.
"""

import dataclasses
import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.data import (
    crops,
    decoding,
    folders,
    gaze_angles,
    unity_eyes_labels,
    unity_eyes_sizes,
)
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.data.source import Source
from simgan_jax.data.unity_eyes_labels import Labels
from simgan_jax.machine.errors import InputError

_JSON = '.json'
_SUFFIXES = '.jpg', '.jpeg', '.png', _JSON
# Number, and the camera if there are several (UnityEyes 2).
_STEM = re.compile(r'(\d+)(?:[-_ ]?(cam(?:era)?[-_ ]?\w*))?', re.IGNORECASE)
# Mean place of the iris, (x, y) in px of an image of 55 x 35 from the first
# pixel's centre, as a linear function of angles in degrees: the constant, the
# factor of the gaze (yaw for x, pitch for y) and that of the head pose. Fitted
# by least squares: with the crop 'box' to the landmarks of 8,000 renders, for
# Columbia to the irises found in the patches of subjects 25-32, whose crop and
# lids follow the gaze up and down.
_IN_BOX = np.array([(29.28, -0.270, 0.153), (15.83, -0.159, 0.165)])
_IN_COLUMBIA = np.array([(26.98, -0.229, 0.076), (15.20, 0.0, 0.0)])
_WIDTH = 55


class _Key(NamedTuple):
  """What an image and its JSON have in common; sorted by number."""

  number: int
  length: int = 0  # of the camera's name: 10 comes after 9
  camera: str = ''

  def __str__(self) -> str:
    return f'{self.number}_{self.camera}' if self.camera else str(self.number)


@dataclasses.dataclass(kw_only=True)
class UnityEyes(Source):
  """Images by number, cropped around the eye; tear duct on the left.

  Subjects are unknown, 0.
  """

  name = 'unity_eyes'

  crop: str = 'box'  # or like those of 'columbia', see `crop_box`

  @property
  def _folder(self) -> Path:
    return self.path / 'imgs' if (self.path / 'imgs').is_dir() else self.path

  @functools.cached_property
  def _files(self) -> list[Path]:
    return folders.list_files(self._folder, _SUFFIXES)

  def stamp(self) -> str:
    """Return the state of all images and labels."""
    return folders.stamp(self._folder, self._files)

  @property
  def notes(self) -> Sequence[str]:
    """What was decided about the files, to tell the user."""
    others = [file.name for file in self._files if not _find_key(file)]
    if not others:
      return ()
    return (
        f'{len(others)} files, such as {others[0]}, are not read: they are not'
        ' named by a number',
    )

  def list_entries(self) -> Iterator[Entry]:
    """Yield the images by number, also those that lack one of two files.

    Raises:
      InputError: If there is no JSON, if two files have one number, or if
        several images have one JSON.
    """
    folders.list_files(self._folder, (_JSON,))  # raises if there are none
    for name, (file, label_file) in self._find_pairs().items():
      read = functools.partial(self._read, file, label_file)
      yield Entry(name, 0, read, label_file, file)

  def _find_pairs(self) -> dict[str, tuple[Path, Path]]:
    """Return image and JSON by name; one of the two may be missing."""
    images = _by_key(file for file in self._files if not _is_json(file))
    labels = _by_key(filter(_is_json, self._files))
    matched = _match(images, labels)
    pairs = {
        key: (file, matched.get(key, file.with_suffix(_JSON)))
        for key, file in images.items()
    }
    used = set(matched.values())
    for key, file in labels.items():
      if file not in used:
        pairs[key] = file.with_suffix('.jpg'), file
    return {str(key): pairs[key] for key in sorted(pairs)}

  def _read(self, file: Path, label_file: Path) -> Sample:
    image, notes = decoding.read_image(file)
    labels = unity_eyes_labels.read(label_file)
    labels, box, further = self._place(labels, image, file)
    image = self._cut(image, box)
    notes = (*notes, *further)
    return Sample(image, labels.gaze, labels.head_pose, notes=notes)

  def _place(
      self, labels: Labels, image: crops.Pixels, file: Path
  ) -> tuple[Labels, crops.Box, tuple[str, ...]]:
    """Return labels in pixels of the image, the box to cut, and notes."""
    height, width = image.shape[:2]
    labels, notes = unity_eyes_sizes.fit_to_image(labels, image, file)
    box = self.crop_box(labels, height)
    unity_eyes_sizes.check_box(box, labels, width, height, file)
    return labels, box, notes

  def crop_box(self, labels: Labels, image_height: int) -> crops.Box:
    """Return the box to cut from an image.

    It is 1.5 times as wide as the box around the points of lids and caruncle.
    With the crop 'box' both have one centre. With 'columbia' it is moved from
    there by gaze and head pose, so that the iris is where it is on average in
    Columbia's patches. `image_height` is that of the whole image in pixels.
    """
    corners = labels.eye * np.array([1, -1]) + np.array([0, image_height])
    low, high = corners.min(axis=0), corners.max(axis=0)
    box_width = 1.5 * (high - low)[0]
    x, y = (low + high) / 2
    if self.crop == 'columbia':
      angles = np.degrees(
          [gaze_angles.angles_from_vector(labels.gaze), labels.head_pose]
      )
      terms = np.concatenate([np.ones((1, 2)), angles])  # by (x, y)
      shift = np.sum((_IN_BOX - _IN_COLUMBIA).T * terms, axis=0)
      x, y = np.array([x, y]) + shift * (box_width / _WIDTH)
    return crops.box_around(x, y, box_width, self.height, self.width)

  def iris_centres(self, names: Collection[str]) -> Float[np.ndarray, 'n 2']:
    """Return the means of the landmarks on the edges of irises.

    They are known also where a lid or the border of the image covers them.

    Raises:
      InputError: If a file cannot be used.
    """
    pairs = self._find_pairs() if len(names) else {}
    centres = []
    for name in names:
      if name not in pairs:
        raise InputError(
            f'{self._folder} holds no image {name}; leave it out of the'
            ' comparison.'
        )
      centres.append(self._iris_centre(*pairs[name]))
    return np.array(centres).reshape(-1, 2)

  def _iris_centre(
      self, file: Path, label_file: Path
  ) -> Float[np.ndarray, '2']:
    try:
      labels = unity_eyes_labels.read(label_file, needs_iris=True)
      image = decoding.read_image(file).pixels
      labels, box, _ = self._place(labels, image, file)
    except Damaged as damage:
      raise InputError(f'{damage}; leave it out of the comparison.') from damage
    up = np.array([0, image.shape[0]])
    centre = labels.iris[:, :2].mean(axis=0) * np.array([1, -1]) + up
    return (centre - box[:2]) * (self.width / (box[2] - box[0])) - 0.5


def _is_json(file: Path) -> bool:
  return file.suffix.lower() == _JSON


def _find_key(file: Path) -> _Key | None:
  """Return number and camera in a file's name, None if it has no number."""
  found = _STEM.fullmatch(file.stem)
  if not found:
    return None
  camera = (found[2] or '').lower()
  return _Key(int(found[1]), len(camera), camera)


def _by_key(files: Iterable[Path]) -> dict[_Key, Path]:
  """Return files by number, or raise InputError if two have the same."""
  found: dict[_Key, Path] = {}
  for file in files:
    key = _find_key(file)
    if key in found:
      raise InputError(
          f'{found[key]} and {file.name} are both number {key}; remove one.'
      )
    if key:
      found[key] = file
  return found


def _match(
    images: Mapping[_Key, Path], labels: Mapping[_Key, Path]
) -> dict[_Key, Path]:
  """Return the JSON of each image that has one.

  It has the image's number and camera. An image that is the only one of its
  number may have a JSON without the camera.

  Raises:
    InputError: If images of several cameras would share a JSON.
  """
  matched, users = {}, {}
  for key, image in images.items():
    file = labels.get(key) or labels.get(_Key(key.number))
    if not file:
      continue
    if file in users:
      raise InputError(
          f'{users[file]} and {image.name} have only {file.name}, whose labels'
          ' fit one camera; give each image a JSON of its own name.'
      )
    matched[key], users[file] = file, image
  return matched
