"""UnityEyes: rendered eyes, a JPEG and a JSON of labels each.

Source: Wood et al., "Learning an appearance-based gaze estimator from one
million synthesised images", ETRA 2016.
"""

import dataclasses
import functools
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image

from simgan_jax.data import crops, decoding, folders, gaze_angles
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.data.source import Source
from simgan_jax.machine.errors import InputError

# Mean place of the iris, (x, y) in px of an image of 55 x 35 from the first
# pixel's centre, as a linear function of angles in degrees: the constant, the
# factor of the gaze (yaw for x, pitch for y) and that of the head pose. Fitted
# by least squares: with the crop 'box' to the landmarks of 8,000 renders, for
# Columbia to the irises found in the patches of subjects 25-32, whose crop and
# lids follow the gaze up and down.
_IN_BOX = np.array([(29.28, -0.270, 0.153), (15.83, -0.159, 0.165)])
_IN_COLUMBIA = np.array([(26.98, -0.229, 0.076), (15.20, 0.0, 0.0)])
_WIDTH = 55


class Labels(NamedTuple):
  """The labels of an image, in this project's conventions."""

  gaze: Float[np.ndarray, '3']  # unit vector
  head_pose: Float[np.ndarray, '2']  # yaw, pitch [rad]
  eye: Float[np.ndarray, '_ 2']  # points of lids and caruncle, (x, y up) [px]


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

  def stamp(self) -> str:
    """Return the state of all images and labels."""
    files = folders.list_files(self._folder, ('.jpg', '.json'))
    return folders.stamp(self._folder, files)

  def list_entries(self) -> Iterator[Entry]:
    """Yield the images by number, also those that lack one of two files."""
    folder = self._folder
    files = folders.list_files(folder, ('.jpg', '.json'))
    numbers = {int(file.stem) for file in files if file.stem.isdecimal()}
    for number in sorted(numbers):
      file = folder / f'{number}.jpg'
      read = functools.partial(self._read, file)
      yield Entry(str(number), 0, read, file.with_suffix('.json'), file)

  def _read(self, file: Path) -> Sample:
    image, notes = decoding.read_image(file)
    labels = _read_labels(file.with_suffix('.json'))
    box = self.crop_box(labels, image.shape[0])
    image = self._cut(image, box)
    return Sample(image, labels.gaze, labels.head_pose, notes=notes)

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

    They are known also where a lid or the border of the image covers them. A
    file that cannot be used raises an InputError.
    """
    folder = self._folder
    centres = [self._iris_centre(folder / f'{name}.json') for name in names]
    return np.array(centres).reshape(-1, 2)

  def _iris_centre(self, file: Path) -> Float[np.ndarray, '2']:
    try:
      labels = _read_labels(file)
      with Image.open(file.with_suffix('.jpg')) as image:
        rows = image.height
      box = self.crop_box(labels, rows)
      iris = _points(json.loads(file.read_text())['iris_2d'])
      centre = iris.mean(axis=0) * np.array([1, -1]) + np.array([0, rows])
      return (centre - box[:2]) * (self.width / (box[2] - box[0])) - 0.5
    except Exception as error:
      problem = f'{file} or its image cannot be read ({error})'
      if isinstance(error, Damaged):
        problem = str(error)
      elif isinstance(error, KeyError):
        problem = f'{file} has no {error.args[0]}'
      raise InputError(f'{problem}; leave it out of the comparison.') from error


def _numbers(text: str) -> np.ndarray:
  """Return the numbers of "(x, y, z)"."""
  return np.array([float(part) for part in text.strip('()').split(',')])


def _points(texts: list[str]) -> Float[np.ndarray, '_ 2']:
  """Return the points "(x, y, z)" as (x, y up)."""
  return np.stack([_numbers(text)[:2] for text in texts])


def _read_labels(file: Path) -> Labels:
  """Return the labels of a JSON file, or raise Damaged."""
  try:
    labels = json.loads(file.read_text())
    x, y, z = _numbers(labels['eye_details']['look_vec'])[:3]
    head_pose = _numbers(labels['head_pose'])
    return Labels(
        gaze=gaze_angles.unityeyes_gaze(np.array([x, y, z])),
        head_pose=gaze_angles.unityeyes_head_pose(head_pose),
        eye=_points(labels['interior_margin_2d'] + labels['caruncle_2d']),
    )
  except FileNotFoundError:
    raise Damaged(f'{file}: the file is missing') from None
  except KeyError as error:
    raise Damaged(f'{file}: has no {error.args[0]}') from error
  except (AttributeError, TypeError, ValueError) as error:
    raise Damaged(
        f'{file}: is not the JSON UnityEyes writes ({error})'
    ) from error
