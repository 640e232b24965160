"""A data set before it is prepared: what refine.py reads, image by image."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from simgan_jax.data.entries import Entry, Sample


class Originals(NamedTuple):
  """The images of a source in its order, each read when it is needed."""

  source: str  # name of the source
  fingerprint: str  # of the request and of the files
  entries: Sequence[Entry]
  # Shapes of the labels that some image has, by their names in `Sample`.
  label_shapes: Mapping[str, tuple[int, ...]]
  label_table: (
      Path | None
  )  # file with the labels of all images, if there is one
  limit: int  # number of images to read at most, 0 means all
  # Yields each entry with its sample, or with the reason why it is left out.
  read: Callable[[Iterable[Entry]], Iterator[tuple[Entry, Sample | str]]]
