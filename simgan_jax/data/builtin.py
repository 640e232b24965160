"""What the built-in simulators share as sources."""

import abc
import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simgan_jax.data import source, workers
from simgan_jax.data.entries import Entry, Sample

_BLOCK = 4_096  # images simulated at a time


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
  def simulator(self) -> Any:
    """Returns the module, which has `generate`; it imports jax, this not."""

  @classmethod
  def stamp(cls, config: BuiltinConfig) -> str:
    """See base class."""
    del config
    return '\n'.join(file.read_text() for file in cls.files())

  def entries(self) -> list[Entry]:
    """See base class."""
    config = self.builder_config
    # The blocks that were read last: a large set does not stay in memory.
    make_block = workers.remember_last(self._make_block)
    return [
        Entry(
            f'{number:07d}',
            number % config.num_subjects + 1,  # as the simulators have it
            functools.partial(self._read, make_block, number),
        )
        for number in range(config.num_images)
    ]

  def _make_block(self, first: int) -> tuple[Any, Any]:
    config = self.builder_config
    images, labels, _ = self.simulator().generate(
        min(_BLOCK, config.num_images - first),
        first=first,
        seed=config.seed,
        domain=config.domain,
        num_subjects=config.num_subjects,
        height=config.height,
        width=config.width,
    )
    return images, labels

  def _read(self, make_block: Callable[..., Any], number: int) -> Sample:
    place = number % _BLOCK
    images, labels = make_block(number - place)
    return Sample(
        np.repeat(images[place], self.builder_config.channels, axis=-1),
        **{name: getattr(labels, name)[place] for name in self.LABELS},
    )
