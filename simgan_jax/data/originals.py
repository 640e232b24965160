"""A data set before it is prepared: what refine.py reads, image by image."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from simgan_jax.data.entries import Entry, Sample


class Originals(NamedTuple):
  """The images of a source in its order, each read when it is needed."""

  source: str  # its name
  fingerprint: str  # of what was asked, and of the files
  entries: Sequence[Entry]
  # Of the fields of `Sample` that the source knows, by name.
  label_shapes: Mapping[str, tuple[int, ...]]
  label_table: Path | None  # the source's own, by file name
  limit: int  # images to read at most, 0 means all
  # Yields each entry with its sample or, left out, the reason.
  read: Callable[[Iterable[Entry]], Iterator[tuple[Entry, Sample | str]]]
