"""UnityEyes: rendered eyes, a JPEG and a JSON of labels each.

Source: Wood et al., "Learning an appearance-based gaze estimator from one
million synthesised images", ETRA 2016.
"""

import dataclasses
import functools
from pathlib import Path

from simgan_jax.data import crops, folders, unity_eyes_labels
from simgan_jax.data.entries import Entry, Sample
from simgan_jax.data.source import Source


@dataclasses.dataclass(kw_only=True)
class UnityEyes(Source):
  """Images by number, cropped around the eye; tear duct on the left.

  Subjects are unknown, 0.
  """

  name = 'unity_eyes'

  crop: str = 'box'  # see `unity_eyes_labels.crop_box`

  def _list_files(self) -> list[Path]:
    folder = unity_eyes_labels.images_folder(self.path)
    return folders.list_files(folder, ('.jpg', '.json'))

  def stamp(self) -> str:
    """Return the state of all images and labels."""
    folder = unity_eyes_labels.images_folder(self.path)
    return folders.stamp(folder, self._list_files())

  def entries(self) -> list[Entry]:
    """Return the images by number, also those that lack one of two files."""
    folder = unity_eyes_labels.images_folder(self.path)
    stems = {file.stem for file in self._list_files()}
    entries = []
    for number in sorted({int(stem) for stem in stems if stem.isdecimal()}):
      read = functools.partial(self._read, folder / f'{number}.jpg')
      entries.append(Entry(str(number), 0, read, folder / f'{number}.json'))
    return entries

  def _read(self, file: Path) -> Sample:
    image = crops.read_image(file)
    labels = unity_eyes_labels.read(file.with_suffix('.json'))
    box = unity_eyes_labels.crop_box(
        labels,
        crop=self.crop,
        image_height=image.shape[0],
        height=self.height,
        width=self.width,
    )
    return Sample(self._cut(image, box), labels.gaze, labels.head_pose)
