"""The built-in hand simulator as a source."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
from PIL import Image

from simgan_jax import hands, simulators
from simgan_jax.data import source
from simgan_jax.data.samples import Entry, Sample


@dataclasses.dataclass(kw_only=True)
class BuiltinHandsConfig(source.SourceConfig):
  """What is asked of the simulator."""

  domain: str = 'synthetic'  # or 'real', the stand-in for a depth sensor
  num_images: int
  num_subjects: int
  seed: int = 0


class BuiltinHands(source.Source):
  """Simulated depth images by number; there is no folder to read.

  They are prepared again when the text of the simulator changes.
  """

  CONFIG = BuiltinHandsConfig
  LABELS = {'joints': (len(hands.JOINTS), 3), 'intrinsics': (4,)}

  @classmethod
  def stamp(cls, config: BuiltinHandsConfig) -> str:
    """See base class."""
    del config
    folder = Path(simulators.__path__[0])
    shared = [Path(hands.__file__), folder / 'tiles.py']
    files = [*shared, *sorted(folder.glob('hand*.py'))]
    return '\n'.join(file.read_text() for file in files)

  def entries(self) -> list[Entry]:
    """See base class."""
    # Here and not above: the simulator imports jax, other sources do not.
    from simgan_jax.simulators import hands as simulator

    config = self.builder_config
    images, labels, subjects = simulator.generate(
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
            functools.partial(self._read, image, joints, intrinsics),
        )
        for number, (image, joints, intrinsics, subject) in enumerate(
            zip(images, labels.joints, labels.intrinsics, subjects, strict=True)
        )
    ]

  def _read(
      self, image: np.ndarray, joints: np.ndarray, intrinsics: np.ndarray
  ) -> Sample:
    mode = 'L' if self.builder_config.channels == 1 else 'RGB'
    grey = Image.fromarray(image[..., 0])
    return Sample(grey.convert(mode), joints=joints, intrinsics=intrinsics)
