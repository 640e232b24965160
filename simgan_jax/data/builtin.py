"""What the built-in simulators share as sources."""

import abc
import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simgan_jax.data import source
from simgan_jax.data.samples import Entry, Sample


@dataclasses.dataclass(kw_only=True)
class BuiltinConfig(source.SourceConfig):
  """What is asked of a simulator."""

  domain: str = 'synthetic'  # or 'real', the stand-in for real images
  num_images: int
  num_subjects: int
  seed: int = 0


class Builtin(source.Source):
  """Simulated images by number; there is no folder to read.

  They are prepared again when the text of the simulator changes.
  """

  CONFIG = BuiltinConfig

  @classmethod
  @abc.abstractmethod
  def files(cls) -> Sequence[Path]:
    """Returns the files of the simulator."""

  @abc.abstractmethod
  def generate(self, num: int, **options: Any) -> tuple[np.ndarray, Any, Any]:
    """Returns images, labels with the fields of `LABELS`, and persons."""

  @classmethod
  def stamp(cls, config: BuiltinConfig) -> str:
    """See base class."""
    del config
    return '\n'.join(file.read_text() for file in cls.files())

  def entries(self) -> list[Entry]:
    """See base class."""
    config = self.builder_config
    images, labels, subjects = self.generate(
        config.num_images,
        seed=config.seed,
        domain=config.domain,
        num_subjects=config.num_subjects,
        height=config.height,
        width=config.width,
    )
    return [
        Entry(
            f'{number:07d}',
            int(subject),
            functools.partial(
                self._read,
                images[number],
                {name: getattr(labels, name)[number] for name in self.LABELS},
            ),
        )
        for number, subject in enumerate(subjects)
    ]

  def _read(self, image: np.ndarray, labels: dict[str, np.ndarray]) -> Sample:
    mode = 'L' if self.builder_config.channels == 1 else 'RGB'
    return Sample(Image.fromarray(image[..., 0]).convert(mode), **labels)
