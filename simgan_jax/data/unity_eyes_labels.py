"""The labels that UnityEyes writes beside an image, and where it is cut."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.data import crops, gaze_angles
from simgan_jax.data.entries import Damaged

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


def images_folder(path: Path) -> Path:
  """Return the folder of the images of a UnityEyes folder."""
  return path / 'imgs' if (path / 'imgs').is_dir() else path


def _numbers(text: str) -> np.ndarray:
  """Return the numbers of "(x, y, z)"."""
  return np.array([float(part) for part in text.strip('()').split(',')])


def points(texts: list[str]) -> Float[np.ndarray, '_ 2']:
  """Return the points "(x, y, z)" as (x, y up)."""
  return np.stack([_numbers(text)[:2] for text in texts])


def read(file: Path) -> Labels:
  """Return the labels of a JSON file.

  Raises:
    Damaged: If it is missing or not what UnityEyes writes.
  """
  try:
    labels = json.loads(file.read_text())
    x, y, z = _numbers(labels['eye_details']['look_vec'])[:3]
    head_pose = _numbers(labels['head_pose'])
    return Labels(
        gaze=gaze_angles.unityeyes_gaze(np.array([x, y, z])),
        head_pose=gaze_angles.unityeyes_head_pose(head_pose),
        eye=points(labels['interior_margin_2d'] + labels['caruncle_2d']),
    )
  except FileNotFoundError:
    raise Damaged(f'{file}: the file is missing') from None
  except KeyError as error:
    raise Damaged(f'{file}: has no {error.args[0]}') from error
  except (AttributeError, TypeError, ValueError) as error:
    raise Damaged(
        f'{file}: is not the JSON UnityEyes writes ({error})'
    ) from error


def crop_box(
    labels: Labels, *, crop: str, image_height: int, height: int, width: int
) -> crops.Box:
  """Return the box to cut from an image.

  It is 1.5 times as wide as the box around the points of lids and caruncle.
  With 'box' both have one centre. With 'columbia' it is moved from there by
  gaze and head pose, so that the iris is where it is on average in Columbia's
  patches.

  Args:
    labels: Labels of the image.
    crop: 'box' or 'columbia'.
    image_height: Height of the whole image in pixels.
    height: Height of the cut and resized image in pixels.
    width: Width of the cut and resized image in pixels.
  """
  corners = labels.eye * np.array([1, -1]) + np.array([0, image_height])
  low, high = corners.min(axis=0), corners.max(axis=0)
  box_width = 1.5 * (high - low)[0]
  x, y = (low + high) / 2
  if crop == 'columbia':
    angles = np.degrees(
        [gaze_angles.angles_from_vector(labels.gaze), labels.head_pose]
    )
    terms = np.concatenate([np.ones((1, 2)), angles])  # by (x, y)
    shift = np.sum((_IN_BOX - _IN_COLUMBIA).T * terms, axis=0)
    x, y = np.array([x, y]) + shift * (box_width / _WIDTH)
  return crops.box_around(x, y, box_width, height, width)
