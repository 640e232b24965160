"""What the sources share: a TFDS builder that reports its damaged files."""

import abc
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from simgan_jax.data import crops
from simgan_jax.data import subjects as subject_ranges
from simgan_jax.data.samples import Damaged, Entry, LeftOut
from simgan_jax.errors import InputError


@dataclasses.dataclass(kw_only=True)
class SourceConfig(tfds.core.BuilderConfig):
  """What is asked of a source; every field but `path` names the cache."""

  name: str = ''
  path: Path
  height: int  # pixels
  width: int  # pixels
  channels: int  # 1 grey, 3 RGB
  subjects: str  # ranges; empty means all
  limit: int  # number of images, the first in the source's order; 0 means all
  on_error: str  # 'stop' or 'skip' at damaged files


class Source(tfds.core.GeneratorBasedBuilder):
  """A data set of images; a subclass lists and reads its entries."""

  VERSION = tfds.core.Version('1.0.0')
  CONFIG = SourceConfig
  LABELS: dict[str, tuple[int, ...]] = {'gaze': (3,), 'head_pose': (2,)}
  # TFDS looks for checksums of downloads beside the code, and needs a package
  # for it that it does not require; there are no downloads.
  code_path = None
  builder_config: Any

  @classmethod
  @abc.abstractmethod
  def stamp(cls, config: Any) -> str:
    """Returns a text that changes when the source's content may have."""

  @abc.abstractmethod
  def entries(self) -> list[Entry]:
    """Returns every sample of the source in its order."""

  def _info(self) -> tfds.core.DatasetInfo:
    config = self.builder_config
    return tfds.core.DatasetInfo(
        builder=self,
        features=tfds.features.FeaturesDict(
            {
                'image': tfds.features.Image(
                    shape=(config.height, config.width, config.channels),
                    encoding_format='png',
                ),
                'subject': np.int32,
                'name': tfds.features.Text(),
            }
            | {
                name: tfds.features.Tensor(shape=shape, dtype=np.float32)
                for name, shape in self.LABELS.items()
            }
        ),
        metadata=tfds.core.MetadataDict(left_out=[]),
        disable_shuffling=True,
    )

  def _split_generators(self, dl_manager: Any) -> dict[str, Iterator]:
    del dl_manager
    return {'train': self._generate_examples()}

  def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
    config, count, left_out = self.builder_config, 0, []
    for entry in self._selected():
      if config.limit and count == config.limit:
        break
      try:
        sample = entry.read()
      except LeftOut as rule:
        left_out.append(f'{entry.name}: {rule}')
        continue
      except Damaged as damage:
        if config.on_error == 'stop':
          raise InputError(
              f'{damage}; repair or remove it, or set on_error=skip.'
          ) from damage
        left_out.append(f'{entry.name}: {damage}')
        continue
      png = io.BytesIO()
      sample.image.save(png, 'PNG', compress_level=1)
      yield count, {
          'image': png.getvalue(),
          'subject': entry.subject,
          'name': entry.name,
      } | {
          name: np.asarray(getattr(sample, name), np.float32)
          for name in self.LABELS
      }
      count += 1
    if not count:
      raise InputError(
          f'{config.path}: none of the images can be used, the first because'
          f' {left_out[0]}; replace them.'
      )
    self.info.metadata['left_out'] = left_out

  def _selected(self) -> list[Entry]:
    config, entries = self.builder_config, self.entries()
    if not config.subjects:
      return entries
    subjects = [entry.subject for entry in entries]
    places = subject_ranges.select(config.subjects, subjects, self.name)
    return [entries[place] for place in places]

  def _cut(
      self, image: Image.Image, box: crops.Box | None = None
  ) -> Image.Image:
    config = self.builder_config
    return crops.cut(
        image,
        box or crops.centre_box(image, config.height, config.width),
        height=config.height,
        width=config.width,
        channels=config.channels,
    )
