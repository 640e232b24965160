"""What a source of images is; each one has a module of its own.

A source is a request: which files, and how their images are wanted. It lists
its images and reads them one by one. It knows nothing of TensorFlow: `cache`
stores what it reads, and `inputs` chooses it by its name in the settings.
"""

import abc
import dataclasses
import functools
import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, UInt

from simgan_jax.data import companions, crops, decoding
from simgan_jax.data import subjects as subject_ranges
from simgan_jax.data.entries import Damaged, Entry, LeftOut, Sample, printable
from simgan_jax.data.label_tables import LabelTable
from simgan_jax.data.pixel_labels import PixelLabels, Transform
from simgan_jax.machine.errors import InputError
from simgan_jax.settings.config import CHOICES


@dataclasses.dataclass(kw_only=True)
class Source(abc.ABC):
  """A data set of images; a subclass lists and reads them.

  Every field but `path` is part of the fingerprint.
  """

  name: ClassVar[str]
  LABELS: ClassVar[Mapping[str, tuple[int, ...]]] = {
      'gaze': (3,),
      'head_pose': (2,),
  }

  path: Path = Path()  # folder or file; unused by the built-in simulators
  height: int  # pixels
  width: int  # pixels
  channels: int = 1  # 1 grey (by luma), 3 RGB
  subjects: str = ''  # ranges such as '1-24'; empty means all
  limit: int = 0  # number of images, the first in order; 0 means all
  on_error: str = 'stop'  # at damaged files: 'stop', or 'skip' them

  def __post_init__(self) -> None:
    """Raise an InputError if an option has a value that is not allowed."""
    for field in dataclasses.fields(self):
      value = getattr(self, field.name)
      allowed = CHOICES.get(field.name)
      if allowed and value not in allowed:
        raise InputError(f'{field.name}={value!r}: choose one of {allowed}.')
    if min(self.height, self.width) < 1 or self.limit < 0:
      raise InputError(
          f'{self.name}: height={self.height} and width={self.width} must be at'
          f' least 1, limit={self.limit} not negative.'
      )

  def __str__(self) -> str:
    """Return what messages call this source."""
    return f'{self.name} in {self.path}'

  @abc.abstractmethod
  def list_entries(self) -> Iterator[Entry]:
    """Yield every image of the source in its order, not yet read."""

  @abc.abstractmethod
  def stamp(self) -> str:
    """Return a text that changes when the source's content may have."""

  @property
  def place(self) -> str:
    """The folder or file, the same however its path is written."""
    return os.path.realpath(self.path) if str(self.path) != '.' else ''

  @property
  def origin(self) -> str:
    """Name of the source that the images come from in the end."""
    return self.name

  @property
  def label_shapes(self) -> Mapping[str, tuple[int, ...]]:
    """Shapes of the labels that some image has, by their names in `Sample`."""
    return self.LABELS

  @property
  def files(self) -> companions.Sorted:
    """The files by their roles, where the source tells them apart."""
    return companions.Sorted([], {}, [])

  @property
  def label_tables(self) -> Sequence[LabelTable]:
    """Files with the labels of many images, by file name."""
    return ()

  @property
  def pixel_labels(self) -> PixelLabels:
    """The labels that are points and boxes in pixels of the originals."""
    return PixelLabels()

  def find_pixel_labels(self, size: int) -> list[str]:
    """Return names of other labels that look like pixels, up to `size`."""
    del size
    return []

  @property
  def notes(self) -> Sequence[str]:
    """What was decided about the files and their labels, to tell the user."""
    return ()

  def companions(self, entry: Entry) -> list[Path]:
    """Return the files beside an image that have its name but the ending."""
    image = entry.file or entry.label_file or self.path / entry.name
    return self._list_beside(image.parent).get(image.stem, [])

  @functools.cached_property
  def _list_beside(self) -> Callable[[Path], Mapping[str, list[Path]]]:
    return functools.cache(companions.list_beside)

  @property
  def label_columns(self) -> tuple[str, ...]:
    """Columns or keys of the files of labels."""
    return ()

  def read_cells(self) -> Mapping[str, Mapping[str, Any]]:
    """Return the cells of a row of labels.csv by the images' names.

    Estimators learn from these whatever `evaluation.labels` names. Columns are
    written as `tables.normalize` writes them; values may be text or numbers.
    """
    return {}

  @property
  def label_warning(self) -> str:
    """Sentence about labels that cannot be used; empty if there are none."""
    return ''

  def iris_centres(
      self, names: Collection[str]
  ) -> Float[np.ndarray, 'n 2'] | None:
    """Return the iris centres [n, 2] px of images, None if they are unknown.

    The centre of the first pixel is (0, 0).
    """
    return None

  @functools.cached_property
  def entries(self) -> list[Entry]:
    """Result of `select_entries`, kept as long as this source."""
    return self.select_entries()

  def select_entries(self) -> list[Entry]:
    """Return the images of the wanted subjects in order, or raise InputError.

    They may hold open files and blocks of images.
    """
    entries = list(self.list_entries())
    subjects = [entry.subject for entry in entries]
    places = subject_ranges.select(self.subjects, subjects, str(self))
    return [entries[place] for place in places]

  @functools.cached_property
  def fingerprint(self) -> str:
    """Name of this request on this content: the size and a digest."""
    fields = dataclasses.asdict(self) | {'path': None}
    content = f'{fields}\n{self.stamp()}'.encode(errors='surrogateescape')
    digest = hashlib.sha256(content).hexdigest()
    return f'{self.height}x{self.width}x{self.channels}-{digest[:16]}'

  def read(self, entry: Entry) -> Sample | str:
    """Return the sample of an entry, or the reason why it is left out.

    Raises:
      InputError: If the file is damaged and `on_error` is 'stop'.
    """
    try:
      name = printable(entry.name)
      if name != entry.name:
        raise Damaged(f'{name}: the name of the file is not UTF-8')
      return entry.read()
    except LeftOut as rule:
      return str(rule)
    except Damaged as damage:
      if self.on_error == 'stop':
        raise InputError(
            f'{damage}; repair or remove it, or leave such files out with'
            ' --on_error=skip (train.py and prepare.py:'
            ' --config.data.on_error=skip).'
        ) from damage
      return str(damage)

  def _cut(
      self, image: crops.Pixels, box: crops.Box | None = None
  ) -> UInt[np.ndarray, '{self.height} {self.width} {self.channels}']:
    """Return a box of an image, or its middle, in the wanted size."""
    return crops.cut(
        image,
        box or crops.fit_box(image, 'crop', self.height, self.width),
        height=self.height,
        width=self.width,
        channels=self.channels,
    )


@dataclasses.dataclass(kw_only=True)
class FittedSource(Source):
  """A source whose images have any size and are brought to one by `fit`."""

  LABELS = {**Source.LABELS, 'transform': (4,)}

  fit: str = 'crop'  # see `crops.fit_box`

  def _fit(self, decoded: decoding.Decoded, gaze: Any) -> Sample:
    image = decoded.pixels
    box = crops.fit_box(image, self.fit, self.height, self.width)
    deep = image.dtype == np.uint16
    left, upper, right, lower = box
    transform = Transform(
        left, upper, self.width / (right - left), self.height / (lower - upper)
    )
    return Sample(
        self._cut(image, box),
        gaze,
        size=f'{image.shape[1]} x {image.shape[0]}',
        channels=image.shape[2],
        levels=(int(image.min()), int(image.max())) if deep else None,
        transform=transform,
        notes=decoded.notes,
    )
