"""Preparing a data set on Apache Beam, on as many machines as it has.

They must see the files of the source and the folder of the prepared data.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions

from simgan_jax.data.source import Encoded, Source, summarise_levels
from simgan_jax.machine.errors import InputError, RunError

_PART = 256  # entries a machine reads one after another


class _Encode(beam.DoFn):
  """Reads a part of the entries; yields them with their numbers."""

  def __init__(self, builder: Source):
    self._builder = builder
    self._entries: list[Any] = []

  def setup(self) -> None:
    self._entries = self._builder.selected()

  def process(self, first: int) -> Iterator[tuple[int, Encoded]]:
    for number in range(first, min(first + _PART, len(self._entries))):
      yield number, self._builder.encode(self._entries[number])


def _list_left_out(found: list[tuple[int, Encoded]]) -> list[str]:
  return [encoded.left_out for _, encoded in sorted(found)]


class Read(beam.PTransform):
  """Gives TFDS the examples of a source by number, and notes the rest."""

  def __init__(self, builder: Source):
    """Take the builder, which TFDS has told to prepare itself."""
    super().__init__()
    self._builder = builder

  def expand(self, input_or_inputs: Any) -> Any:
    """See base class."""
    firsts = range(0, len(self._builder.selected()), _PART)
    encoded = (
        input_or_inputs
        | beam.Create(firsts)
        | beam.Reshuffle()
        | beam.ParDo(_Encode(self._builder))
    )
    metadata = self._builder.info.metadata
    metadata['left_out'] = (
        encoded
        | 'left_out' >> beam.Filter(lambda pair: pair[1].example is None)
        | 'list_left_out' >> beam.combiners.ToList()
        | 'sort_left_out' >> beam.Map(_list_left_out)
    )
    metadata['sizes'] = (
        encoded
        | 'sized' >> beam.Filter(lambda pair: pair[1].size)
        | 'sizes' >> beam.Map(lambda pair: pair[1].size)
        | 'count_sizes' >> beam.combiners.Count.PerElement()
        | 'all_sizes' >> beam.combiners.ToDict()
    )
    metadata['deep'] = (
        encoded
        | 'deep' >> beam.Filter(lambda pair: pair[1].levels)
        | 'levels' >> beam.Map(lambda pair: pair[1].levels)
        | 'list_levels' >> beam.combiners.ToList()
        | 'summarise_levels' >> beam.Map(summarise_levels)
    )
    metadata['label_warning'] = self._builder.label_warning
    return (
        encoded
        | 'kept' >> beam.Filter(lambda pair: pair[1].example is not None)
        | 'examples' >> beam.MapTuple(lambda i, kept: (i, kept.example))
    )


def prepare(builder: Source, options: Sequence[str]) -> None:
  """Prepares a data set by a pipeline.

  Args:
    builder: Made with `on_beam`.
    options: Flags of Beam, such as '--runner=DirectRunner'.

  Raises:
    InputError: At a damaged file, unless `on_error` is 'skip', or if a part of
      the data set was asked for.
    RunError: If the pipeline fails.
  """
  if builder.builder_config.limit:
    raise InputError(
        'Beam reads whole data sets: leave out'
        f' limit={builder.builder_config.limit}, or Beam.'
    )
  try:
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            beam_options=PipelineOptions(list(options))
        )
    )
  except Exception as error:
    # A runner may raise anything, with all that was raised before as its text.
    text = f'{type(error).__name__}: {error}'.strip()
    found = re.findall(r'InputError: (.*?)(?: \[while running|\n|$)', text)
    if found:
      raise InputError(found[-1]) from error
    raise RunError(
        f'Beam could not prepare {builder.name}: {text.splitlines()[-1]}'
    ) from error
