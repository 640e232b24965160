"""UnityEyes: rendered eyes, a JPEG and a JSON of labels each.

Source: Wood et al., "Learning an appearance-based gaze estimator from one
million synthesised images", ETRA 2016.
"""

import dataclasses
import functools
from pathlib import Path

from simgan_jax.data import crops, folders, source, unity_eyes_labels
from simgan_jax.data.entries import Entry, Sample
from simgan_jax.machine.errors import InputError


@dataclasses.dataclass(kw_only=True)
class UnityEyesConfig(source.SourceConfig):
  """What is asked of UnityEyes."""

  crop: str = 'box'  # one of unity_eyes_labels.CROPS


class UnityEyes(source.Source):
  """Images by number, cropped around the eye; tear duct on the left.

  See `unity_eyes_labels.crop_box` for the crops. Subjects are unknown.
  """

  CONFIG = UnityEyesConfig

  @classmethod
  def stamp(cls, config: UnityEyesConfig) -> str:
    """See base class."""
    if config.crop not in unity_eyes_labels.CROPS:
      raise InputError(
          f'crop={config.crop!r}: choose one of {unity_eyes_labels.CROPS}.'
      )
    folder = unity_eyes_labels.images_folder(config.path)
    files = folders.list_files(folder, ('.jpg', '.json'))
    return folders.stamp(folder, files)

  def entries(self) -> list[Entry]:
    """See base class."""
    folder = unity_eyes_labels.images_folder(self.builder_config.path)
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
            folder / f'{number}.json',
        )
        for number in sorted(numbers)
    ]

  def _read(self, file: Path) -> Sample:
    config = self.builder_config
    image = crops.read_image(file)
    labels = unity_eyes_labels.read(file.with_suffix('.json'))
    box = unity_eyes_labels.crop_box(
        labels,
        crop=config.crop,
        image_height=image.shape[0],
        height=config.height,
        width=config.width,
    )
    return Sample(self._cut(image, box), labels.gaze, labels.head_pose)
