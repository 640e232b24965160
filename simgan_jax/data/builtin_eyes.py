"""The built-in eye simulator as a source."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
from PIL import Image

from simgan_jax import simulators
from simgan_jax.data import source
from simgan_jax.data.samples import Entry, Sample


@dataclasses.dataclass(kw_only=True)
class BuiltinEyesConfig(source.SourceConfig):
  """What is asked of the simulator."""

  domain: str = 'synthetic'  # or 'real', the stand-in for photographs
  num_images: int
  num_subjects: int
  seed: int = 0


class BuiltinEyes(source.Source):
  """Simulated images by number; there is no folder to read.

  They are prepared again when the text of the simulator changes.
  """

  CONFIG = BuiltinEyesConfig

  @classmethod
  def stamp(cls, config: BuiltinEyesConfig) -> str:
    """See base class."""
    del config
    folder = Path(simulators.__path__[0])
    files = set(folder.glob('*.py')) - set(folder.glob('hand*.py'))
    return '\n'.join(file.read_text() for file in sorted(files))

  def entries(self) -> list[Entry]:
    """See base class."""
    # Here and not above: the simulator imports jax, other sources do not.
    from simgan_jax.simulators import eyes

    config = self.builder_config
    images, labels, subjects = eyes.generate(
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
            functools.partial(self._read, image, gaze, head_pose),
        )
        for number, (image, gaze, head_pose, subject) in enumerate(
            zip(images, labels.gaze, labels.head_pose, subjects, strict=True)
        )
    ]

  def _read(
      self, image: np.ndarray, gaze: np.ndarray, head_pose: np.ndarray
  ) -> Sample:
    mode = 'L' if self.builder_config.channels == 1 else 'RGB'
    grey = Image.fromarray(image[..., 0])
    return Sample(grey.convert(mode), gaze, head_pose)
