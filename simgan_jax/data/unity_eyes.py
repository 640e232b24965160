"""UnityEyes: rendered eyes, a JPEG and a JSON of labels each.

Source: Wood et al., "Learning an appearance-based gaze estimator from one
million synthesised images", ETRA 2016.
"""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from simgan_jax.data import crops, folders, gaze, source
from simgan_jax.data.samples import Damaged, Entry, Sample


def _images_folder(path: Path) -> Path:
  return path / 'imgs' if (path / 'imgs').is_dir() else path


def _numbers(text: str) -> np.ndarray:
  """Returns the numbers of "(x, y, z)"."""
  return np.array([float(part) for part in text.strip('()').split(',')])


class UnityEyes(source.Source):
  """Images by number, cropped around the eye; tear duct on the left.

  The crop is 1.5 times as wide as the box around the points of lids and
  caruncle, and centred on it. Subjects are unknown.
  """

  @classmethod
  def stamp(cls, config: source.SourceConfig) -> str:
    """See base class."""
    folder = _images_folder(config.path)
    files = folders.list_files(folder, ('.jpg', '.json'))
    return folders.stamp(folder, files)

  def entries(self) -> list[Entry]:
    """See base class."""
    folder = _images_folder(self.builder_config.path)
    numbers = {
        int(file.stem)
        for file in folders.list_files(folder, ('.jpg', '.json'))
        if file.stem.isdecimal()
    }
    return [
        Entry(
            str(number),
            0,
            functools.partial(self._read, folder / f'{number}.jpg'),
        )
        for number in sorted(numbers)
    ]

  def _read(self, file: Path) -> Sample:
    config = self.builder_config
    image = crops.read_image(file)
    labels = _read_labels(file.with_suffix('.json'))
    points = labels['points'] * np.array([1, -1]) + np.array([0, image.height])
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = (low + high) / 2
    box_width = 1.5 * (high - low)[0]
    box = crops.box_around(x, y, box_width, config.height, config.width)
    return Sample(self._cut(image, box), labels['gaze'], labels['head_pose'])


def _read_labels(file: Path) -> dict[str, Any]:
  """Returns gaze, head pose and eye points ([23, 2], y up) of a JSON."""
  try:
    labels = json.loads(file.read_text())
    points = labels['interior_margin_2d'] + labels['caruncle_2d']
    return {
        'gaze': gaze.unityeyes_gaze(
            _numbers(labels['eye_details']['look_vec'])[:3]
        ),
        'head_pose': gaze.unityeyes_head_pose(_numbers(labels['head_pose'])),
        'points': np.array([_numbers(point)[:2] for point in points]),
    }
  except FileNotFoundError:
    raise Damaged(f'{file}: the file is missing') from None
  except KeyError as error:
    raise Damaged(f'{file}: has no {error.args[0]}') from error
  except (AttributeError, TypeError, ValueError) as error:
    raise Damaged(
        f'{file}: is not the JSON UnityEyes writes ({error})'
    ) from error
