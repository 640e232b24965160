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

from simgan_jax.data.encoding import Encoded, encode, make_report
from simgan_jax.data.source import Source
from simgan_jax.machine.errors import InputError, RunError

_PART = 256  # entries that a machine reads one after another


def _encode_part(first: int, source: Source) -> Iterator[tuple[int, Encoded]]:
  """Yield entries with their numbers."""
  part = source.entries[first : first + _PART]
  for number, entry in enumerate(part, start=first):
    yield number, encode(source, entry)


@beam.ptransform_fn
def read(pipeline: Any, source: Source, metadata: Any) -> Any:
  """Return the examples of all entries that can be used, by number.

  The import report goes into `metadata`, which is a `BeamMetadataDict`.
  """
  firsts = range(0, len(source.select_entries()), _PART)
  # A copy, without what the source remembers of its files: this is pickled.
  encoded = (
      pipeline
      | beam.Create(firsts)
      | beam.Reshuffle()
      | beam.FlatMap(_encode_part, dataclasses.replace(source))
  )
  metadata['report'] = (
      encoded
      | 'notes' >> beam.MapTuple(lambda i, e: (i, e._replace(example=None)))
      | 'list_notes' >> beam.combiners.ToList()
      | 'in_order' >> beam.Map(lambda notes: [e for _, e in sorted(notes)])
      | 'report' >> beam.Map(make_report, source)
  )
  return (
      encoded
      | 'kept' >> beam.Filter(lambda pair: pair[1].example is not None)
      | 'examples' >> beam.MapTuple(lambda i, kept: (i, kept.example))
  )


def prepare(
    builder: tfds.core.DatasetBuilder, source: Source, options: Sequence[str]
) -> None:
  """Prepare a data set whose examples come from `read`.

  The options are flags of Beam, such as '--runner=DirectRunner'.

  Raises:
    InputError: If a file is damaged, or only a part is asked for.
    RunError: If the pipeline fails.
  """
  if 0 < source.limit < len(source.select_entries()):
    raise InputError(
        f'Beam reads whole data sets: leave out limit={source.limit}, or Beam.'
    )
  try:
    flags = PipelineOptions(list(options))
    config = tfds.download.DownloadConfig(beam_options=flags)
    builder.download_and_prepare(download_config=config)
  except Exception as error:
    # A runner may raise anything, with the text of all earlier errors.
    text = f'{type(error).__name__}: {error}'.strip()
    found = re.findall(r'InputError: (.*?)(?: \[while running|\n|$)', text)
    if found:
      raise InputError(found[-1]) from error
    raise RunError(
        f'Beam could not prepare {source.name}: {text.splitlines()[-1]}'
    ) from error
