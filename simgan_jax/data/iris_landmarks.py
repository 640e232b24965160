"""The centres of irises that simulators know, in the images of their source.

Pixels are (x, y) with the centre of the first one at (0, 0), in images as
`sources.load` returns them.
"""

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from simgan_jax.data import unity_eyes_labels
from simgan_jax.data.entries import Damaged
from simgan_jax.machine.errors import InputError


def unity_eyes_centres(
    path: str | Path,
    names: Collection[str],
    *,
    crop: str = 'box',
    height: int,
    width: int,
) -> Float[np.ndarray, 'n 2']:
  """Return the means of the landmarks on the edges of irises.

  Args:
    path: Folder of the source 'unity_eyes'.
    names: Numbers of its images, as in `LabelledImages.names`.
    crop: As given to the source.
    height: Of the images cut from them, in pixels.
    width: Of the images cut from them, in pixels.

  Returns:
    (x, y) in pixels, [n, 2] float64; also where lids cover the centre, or the
    border of the image.

  Raises:
    InputError: If a file is missing or is not what UnityEyes writes.
  """
  folder = unity_eyes_labels.images_folder(Path(path).expanduser())
  centres = [
      _unity_eyes_centre(folder / f'{name}.json', crop, height, width)
      for name in names
  ]
  return np.array(centres).reshape(-1, 2)


def _unity_eyes_centre(
    file: Path, crop: str, height: int, width: int
) -> np.ndarray:
  try:
    labels = unity_eyes_labels.read(file)
    with Image.open(file.with_suffix('.jpg')) as image:
      rows = image.height
    box = unity_eyes_labels.crop_box(
        labels, crop=crop, image_height=rows, height=height, width=width
    )
    iris = unity_eyes_labels.points(json.loads(file.read_text())['iris_2d'])
    centre = iris.mean(axis=0) * np.array([1, -1]) + np.array([0, rows])
    return (centre - box[:2]) * (width / (box[2] - box[0])) - 0.5
  except KeyError as error:
    raise InputError(
        f'{file} has no {error.args[0]}; leave it out of the comparison.'
    ) from error
  except Damaged as error:
    raise InputError(f'{error}; leave it out of the comparison.') from error
  except (AttributeError, IndexError, OSError, TypeError, ValueError) as error:
    raise InputError(
        f'{file} or its image cannot be read ({error}); leave it out of the'
        ' comparison.'
    ) from error


def builtin_eyes_centres(
    names: Collection[str],
    *,
    num_subjects: int,
    domain: str = 'synthetic',
    seed: int = 0,
    height: int,
    width: int,
) -> Float[np.ndarray, 'n 2']:
  """Return the centres of the limbus, by drawing the images once more.

  Args:
    names: Numbers of the images, as in `LabelledImages.names`.
    num_subjects: As given to the source 'builtin_eyes'.
    domain: As given to the source.
    seed: As given to the source.
    height: Of the images, in pixels.
    width: Of the images, in pixels.

  Returns:
    (x, y) in pixels, [n, 2] float32.

  Raises:
    InputError: If the domain is unknown, or a number not positive.
  """
  # Here and not above: the simulator imports jax, other sources do not.
  from simgan_jax.simulators import eyes

  if not len(names):
    return np.zeros((0, 2), np.float32)
  numbers = [int(name) for name in names]
  _, labels, _ = eyes.generate(
      max(numbers) + 1,
      seed=seed,
      domain=domain,
      num_subjects=num_subjects,
      height=height,
      width=width,
  )
  return np.asarray(labels.iris_centre)[numbers]
