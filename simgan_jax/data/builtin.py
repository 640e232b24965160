"""The built-in simulators as sources: images by number, without any files."""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from simgan_jax import simulators
from simgan_jax.data import workers
from simgan_jax.data.entries import Entry, Sample
from simgan_jax.data.source import Source
from simgan_jax.simulators import hand_images

_SIMULATORS = Path(simulators.__path__[0])
_BLOCK = 4_096  # images simulated at a time
_NUM_IMAGES = 4_000  # without a limit
# The synthetic people vary as a simulator's do; the real ones, which stand in
# for a data set of people, are few.
NUM_PEOPLE = {'synthetic': 1_000, 'real': 32}


@dataclasses.dataclass(kw_only=True)
class Builtin(Source):
  """Simulated images; they change with the text of the simulator.

  `limit` is the number of images that are simulated.
  """

  MODULE: ClassVar[str]  # of the simulator; it has `generate`
  FILES: ClassVar[Sequence[Path]]  # that the images depend on

  domain: str = 'synthetic'  # or 'real', the stand-in for real images
  num_subjects: int = 0  # 0 means as many as the domain has
  seed: int = 0

  def __post_init__(self) -> None:
    """Check the options, and replace zeros by their meaning."""
    super().__post_init__()
    self.limit = self.limit or _NUM_IMAGES
    self.num_subjects = self.num_subjects or NUM_PEOPLE[self.domain]

  def __str__(self) -> str:
    """Return what messages call this source, which has no path."""
    return self.name

  def stamp(self) -> str:
    """Return the text of the simulator."""
    return '\n'.join(file.read_text() for file in self.FILES)

  def list_entries(self) -> Iterator[Entry]:
    """Yield `limit` images by number."""
    # Two blocks only, so that a large set does not stay in memory.
    make_block = workers.remember_last(
        lambda first: self._simulate(first, min(_BLOCK, self.limit - first))
    )
    for number in range(self.limit):
      subject = number % self.num_subjects + 1  # as the simulators have it
      read = functools.partial(self._read, make_block, number)
      yield Entry(f'{number:07d}', subject, read)

  def _simulate(self, first: int, num: int) -> tuple[Any, Any]:
    # Imported here because it imports jax, which other sources do not need.
    simulator = importlib.import_module(self.MODULE)
    images, labels, _ = simulator.generate(
        num,
        first=first,
        seed=self.seed,
        domain=self.domain,
        num_subjects=self.num_subjects,
        height=self.height,
        width=self.width,
    )
    return images, labels

  def _read(self, make_block: Callable[..., Any], number: int) -> Sample:
    place = number % _BLOCK
    images, labels = make_block(number - place)
    return Sample(
        np.repeat(images[place], self.channels, axis=-1),
        **{name: getattr(labels, name)[place] for name in self.LABELS},
    )


class BuiltinEyes(Builtin):
  """Simulated eyes."""

  name = 'builtin_eyes'
  MODULE = 'simgan_jax.simulators.eyes'
  FILES = sorted(
      set(_SIMULATORS.glob('*.py')) - set(_SIMULATORS.glob('hand*.py'))
  )

  def iris_centres(self, names: Collection[str]) -> Float[np.ndarray, 'n 2']:
    """Return the centres of the limbus, by drawing the images once more."""
    numbers = [int(name) for name in names]
    if not numbers:
      return np.zeros((0, 2), np.float32)
    _, labels = self._simulate(0, max(numbers) + 1)
    return np.asarray(labels.iris_centre)[numbers]


class BuiltinHands(Builtin):
  """Simulated depth images of hands."""

  name = 'builtin_hands'
  MODULE = 'simgan_jax.simulators.hands'
  LABELS = {'joints': (len(hand_images.JOINTS), 3), 'intrinsics': (4,)}
  FILES = [_SIMULATORS / 'tiles.py', *sorted(_SIMULATORS.glob('hand*.py'))]
