"""What the sources share: a TFDS builder that reports its damaged files."""

import abc
import dataclasses
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from simgan_jax.data import crops
from simgan_jax.data import subjects as subject_ranges
from simgan_jax.data.samples import Entry, read_entries
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


@dataclasses.dataclass(kw_only=True)
class FittedConfig(SourceConfig):
  """What is asked of a source whose images are of any size."""

  fit: str = 'crop'  # one of crops.FITS

  def __post_init__(self) -> None:  # noqa: D105
    if self.fit not in crops.FITS:
      raise InputError(f'fit={self.fit!r}: choose one of {crops.FITS}.')


class Source(tfds.core.GeneratorBasedBuilder):
  """A data set of images; a subclass lists and reads its entries."""

  VERSION = tfds.core.Version('1.0.0')
  CONFIG = SourceConfig
  LABELS: dict[str, tuple[int, ...]] = {'gaze': (3,), 'head_pose': (2,)}
  # TFDS looks for checksums of downloads beside the code, and needs a package
  # for it that it does not require; there are no downloads.
  code_path = None
  builder_config: Any

  @property
  def known_labels(self) -> dict[str, tuple[int, ...]]:
    """Those of `LABELS` that not all images lack, with their shapes."""
    return self.LABELS

  @property
  def label_table(self) -> Path | None:
    """The file with the labels of all images, by file name, if there is one."""
    return None

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
        metadata=tfds.core.MetadataDict(left_out=[], sizes={}),
        disable_shuffling=True,
    )

  def _split_generators(self, dl_manager: Any) -> dict[str, Iterator]:
    del dl_manager
    return {'train': self._generate_examples()}

  def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
    config, count, left_out = self.builder_config, 0, []
    sizes: Counter[str] = Counter()
    for entry, sample in read_entries(
        self.selected(), on_error=config.on_error
    ):
      if isinstance(sample, str):
        left_out.append(f'{entry.name}: {sample}')
        continue
      png = io.BytesIO()
      crops.to_8_bits(sample.image).save(png, 'PNG', compress_level=1)
      yield count, {
          'image': png.getvalue(),
          'subject': entry.subject,
          'name': entry.name,
      } | {
          name: np.asarray(getattr(sample, name), np.float32)
          for name in self.LABELS
      }
      count += 1
      if sample.size:
        sizes[f'{sample.size[0]} x {sample.size[1]}'] += 1
      if count == config.limit:
        break
    if not count:
      reason = f', the first because {left_out[0]}' if left_out else ''
      raise InputError(
          f'{config.path}: none of the images can be used by'
          f' {self.name}{reason}; replace them.'
      )
    self.info.metadata['left_out'] = left_out
    self.info.metadata['sizes'] = sizes

  def selected(self) -> list[Entry]:
    """Returns the entries of the subjects that were asked for."""
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
        box or crops.fit_box(image, 'crop', config.height, config.width),
        height=config.height,
        width=config.width,
        channels=config.channels,
    )
