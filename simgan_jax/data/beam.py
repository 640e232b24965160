"""Preparing a data set on Apache Beam, on as many machines as it has.

The machines must see the files of the source and the folder of prepared data.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions

from simgan_jax.data.encoding import Encoded, encode, summarise_levels
from simgan_jax.data.source import Source
from simgan_jax.machine.errors import InputError, RunError

_PART = 256  # entries that a machine reads one after another


class _Encode(beam.DoFn):
  """Reads a part of the entries and yields them with their numbers."""

  def __init__(self, source: Source):
    # A copy, without what the source remembers of its files: this is pickled.
    self._source = dataclasses.replace(source)
    self._entries: list[Any] = []

  def setup(self) -> None:
    self._entries = self._source.selected()

  def process(self, first: int) -> Iterator[tuple[int, Encoded]]:
    for number in range(first, min(first + _PART, len(self._entries))):
      yield number, encode(self._source, self._entries[number])


def _list_left_out(found: list[tuple[int, Encoded]]) -> list[str]:
  return [encoded.left_out for _, encoded in sorted(found)]


class Read(beam.PTransform):
  """Gives TFDS the examples of a source by number, and fills the metadata."""

  def __init__(self, source: Source, metadata: Any):
    """Take a source and the `BeamMetadataDict` for its import report."""
    super().__init__()
    self._source, self._metadata = source, metadata

  def expand(self, input_or_inputs: Any) -> Any:
    """Return the examples of all entries that can be used."""
    firsts = range(0, len(self._source.selected()), _PART)
    encoded = (
        input_or_inputs
        | beam.Create(firsts)
        | beam.Reshuffle()
        | beam.ParDo(_Encode(self._source))
    )
    self._metadata['left_out'] = (
        encoded
        | 'left_out' >> beam.Filter(lambda pair: pair[1].example is None)
        | 'list_left_out' >> beam.combiners.ToList()
        | 'sort_left_out' >> beam.Map(_list_left_out)
    )
    self._metadata['sizes'] = (
        encoded
        | 'sized' >> beam.Filter(lambda pair: pair[1].size)
        | 'sizes' >> beam.Map(lambda pair: pair[1].size)
        | 'count_sizes' >> beam.combiners.Count.PerElement()
        | 'all_sizes' >> beam.combiners.ToDict()
    )
    self._metadata['sixteen_bit'] = (
        encoded
        | 'sixteen_bit' >> beam.Filter(lambda pair: pair[1].levels)
        | 'levels' >> beam.Map(lambda pair: pair[1].levels)
        | 'list_levels' >> beam.combiners.ToList()
        | 'summarise_levels' >> beam.Map(summarise_levels)
    )
    self._metadata['label_warning'] = self._source.label_warning
    return (
        encoded
        | 'kept' >> beam.Filter(lambda pair: pair[1].example is not None)
        | 'examples' >> beam.MapTuple(lambda i, kept: (i, kept.example))
    )


def prepare(
    builder: tfds.core.DatasetBuilder, source: Source, options: Sequence[str]
) -> None:
  """Prepare a data set by a pipeline.

  Args:
    builder: Builder whose examples come from `Read`.
    source: Source that is read.
    options: Flags of Beam, such as '--runner=DirectRunner'.

  Raises:
    InputError: If a file is damaged, unless `on_error` is 'skip', or if a part
      of the data set was asked for.
    RunError: If the pipeline fails.
  """
  if 0 < source.limit < len(source.selected()):
    raise InputError(
        f'Beam reads whole data sets: leave out limit={source.limit}, or Beam.'
    )
  try:
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            beam_options=PipelineOptions(list(options))
        )
    )
  except Exception as error:
    # A runner may raise anything, with the text of all earlier errors.
    text = f'{type(error).__name__}: {error}'.strip()
    found = re.findall(r'InputError: (.*?)(?: \[while running|\n|$)', text)
    if found:
      raise InputError(found[-1]) from error
    raise RunError(
        f'Beam could not prepare {source.name}: {text.splitlines()[-1]}'
    ) from error
