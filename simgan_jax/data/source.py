"""What the sources share: a TFDS builder that reports its damaged files."""

import abc
import dataclasses
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from simgan_jax.data import crops, workers
from simgan_jax.data import subjects as subject_ranges
from simgan_jax.data.entries import Entry, printable, read_entry
from simgan_jax.machine.errors import InputError


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


class Encoded(NamedTuple):
  """What is stored of an entry, or why it is left out."""

  example: dict[str, Any] | None = None
  size: str = ''  # such as '640 x 480', before the cut
  left_out: str = ''
  levels: tuple[int, int] | None = None  # of 16-bit values, before the cut


def summarise_levels(levels: Sequence[tuple[int, int]]) -> list[int]:
  """Returns how many images have 16 bits, and their range; [] of none."""
  if not levels:
    return []
  least, greatest = zip(*levels, strict=True)
  return [len(levels), min(least), max(greatest)]


class Source(tfds.core.GeneratorBasedBuilder):
  """A data set of images; a subclass lists and reads its entries."""

  VERSION = tfds.core.Version('1.0.0')
  CONFIG = SourceConfig
  LABELS: dict[str, tuple[int, ...]] = {'gaze': (3,), 'head_pose': (2,)}
  # TFDS looks for checksums of downloads beside the code, and needs a package
  # for it that it does not require; there are no downloads.
  code_path = None
  builder_config: Any

  def __init__(
      self, *, num_workers: int = 0, on_beam: bool = False, **arguments: Any
  ):
    """Says how to prepare; `arguments` are those of TFDS.

    Args:
      num_workers: Threads that read files; 0 is one a core.
      on_beam: Whether Apache Beam reads them, where TFDS is told to.
      **arguments: `config` and `data_dir`.
    """
    self.num_workers, self._on_beam = num_workers, on_beam
    super().__init__(**arguments)

  @property
  def known_labels(self) -> dict[str, tuple[int, ...]]:
    """Those of `LABELS` that not all images lack, with their shapes."""
    return self.LABELS

  @property
  def label_table(self) -> Path | None:
    """The file with the labels of all images, by file name, if there is one."""
    return None

  @property
  def label_warning(self) -> str:
    """What is wrong with labels that count as unknown, if any are."""
    return ''

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
        metadata=(
            tfds.core.BeamMetadataDict()
            if self._on_beam
            else tfds.core.MetadataDict()
        ),
        disable_shuffling=True,
    )

  def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
    del dl_manager
    if not self._on_beam:
      return {'train': self._generate_examples()}
    from simgan_jax.data import beam  # which need not be installed

    return {'train': beam.Read(self)}

  def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
    limit, count, left_out = self.builder_config.limit, 0, []
    sizes: Counter[str] = Counter()
    levels: list[tuple[int, int]] = []
    for encoded in workers.map_in_order(
        self.encode, self.selected(), self.num_workers
    ):
      if encoded.example is None:
        left_out.append(encoded.left_out)
        continue
      yield count, encoded.example
      count += 1
      sizes[encoded.size] += 1
      if encoded.levels:
        levels.append(encoded.levels)
      if count == limit:
        break
    if not count:
      reason = f', the first because {left_out[0]}' if left_out else ''
      raise InputError(
          f'{self.builder_config.path}: none of the images can be used by'
          f' {self.name}{reason}; replace them.'
      )
    del sizes['']  # of those that have none
    self.info.metadata.update(
        left_out=left_out,
        sizes=sizes,
        deep=summarise_levels(levels),
        label_warning=self.label_warning,
    )

  def encode(self, entry: Entry) -> Encoded:
    """Returns what is stored of an entry.

    Raises:
      InputError: At a damaged file, unless `on_error` is 'skip'.
    """
    sample = read_entry(entry, on_error=self.builder_config.on_error)
    if isinstance(sample, str):
      return Encoded(left_out=f'{printable(entry.name)}: {sample}')
    png = io.BytesIO()
    image = crops.to_pillow(crops.to_8_bits(sample.image))
    image.save(png, 'PNG', compress_level=1)
    example = {
        'image': png.getvalue(),
        'subject': entry.subject,
        'name': entry.name,
    } | {
        name: np.asarray(getattr(sample, name), np.float32)
        for name in self.LABELS
    }
    size = f'{sample.size[0]} x {sample.size[1]}' if sample.size else ''
    return Encoded(example, size, levels=sample.levels)

  def selected(self) -> list[Entry]:
    """Returns the entries of the subjects that were asked for."""
    config, entries = self.builder_config, self.entries()
    if not config.subjects:
      return entries
    subjects = [entry.subject for entry in entries]
    places = subject_ranges.select(config.subjects, subjects, self.name)
    return [entries[place] for place in places]

  def _cut(
      self, image: crops.Pixels, box: crops.Box | None = None
  ) -> crops.Pixels:
    config = self.builder_config
    return crops.cut(
        image,
        box or crops.fit_box(image, 'crop', config.height, config.width),
        height=config.height,
        width=config.width,
        channels=config.channels,
    )
