"""Prepared data sets on disk: when to prepare one, and how to read it.

A source is prepared once: the name of its cache holds a fingerprint of the
request and of the folder's file names, sizes and modification times. TFDS
writes into a temporary folder and renames it, so a half-written cache is never
read.
"""

import contextlib
import dataclasses
import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.source import Source, SourceConfig
from simgan_jax.machine.errors import InputError

tfds.disable_progress_bar()


def fingerprint(config: SourceConfig, stamp: str) -> str:
  """Returns a name for the cache of a request: its size and a digest."""
  fields = dataclasses.asdict(config) | {'path': None}
  content = f'{fields}\n{stamp}'.encode(errors='surrogateescape')
  digest = hashlib.sha256(content).hexdigest()
  return f'{config.height}x{config.width}x{config.channels}-{digest[:16]}'


def open_builder(
    source: type[Source], config: SourceConfig, data_dir: Path, **how: Any
) -> Source:
  """Returns a builder that prepares as `how` says; its cache may be absent."""
  config.name = fingerprint(config, source.stamp(config))
  with _quiet():
    return source(config=config, data_dir=str(data_dir), **how)


def prepare(
    source: type[Source],
    config: SourceConfig,
    data_dir: Path,
    *,
    num_workers: int = 0,
    beam_options: Sequence[str] = (),
) -> Source:
  """Returns a builder whose cache is written, unless it is there already.

  Args:
    source: What is read.
    config: What is asked of it.
    data_dir: Folder of the caches.
    num_workers: Threads that read files; 0 is one a core.
    beam_options: Flags of a Beam pipeline that reads them instead.

  Raises:
    InputError: As the source raised it, or Beam, or if `data_dir` cannot be
      written.
  """
  builder = open_builder(
      *(source, config, data_dir),
      num_workers=num_workers,
      on_beam=bool(beam_options),
  )
  with _quiet():
    if not builder.is_prepared():
      _check_writable(data_dir)
    try:
      if not beam_options:
        builder.download_and_prepare()
      elif not builder.is_prepared():
        beam = _import_beam()
        beam.prepare(builder, beam_options)
    except OSError:
      # Another process may have been first to rename its own into place.
      if not builder.is_prepared():
        raise
      builder = source(config=config, data_dir=str(data_dir))
  return builder


def _check_writable(data_dir: Path) -> None:
  try:
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=data_dir):
      pass
  except OSError as error:
    raise InputError(
        f'{data_dir} cannot be written ({error.strerror}), where data are'
        ' prepared; give another --data_dir.'
    ) from error


def _import_beam() -> Any:
  try:
    from simgan_jax.data import beam
  except ImportError as error:
    raise InputError(
        f'beam_options need Apache Beam ({error}): pip install apache-beam, or'
        ' leave them out.'
    ) from error
  return beam


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Keeps off the terminal what TFDS prints and warns of, to no use here."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    with contextlib.redirect_stdout(io.StringIO()):
      yield
  finally:
    logging.set_verbosity(verbosity)


def read(builder: Source) -> LabelledImages:
  """Returns a prepared data set."""
  arrays = tfds.as_numpy(builder.as_dataset(split='train', batch_size=-1))
  known = {
      key: None if np.isnan(arrays[key]).all() else arrays[key]
      for key in builder.LABELS
  }
  return LabelledImages(
      images=arrays['image'],
      gaze=known.get('gaze'),
      head_pose=known.get('head_pose'),
      subjects=arrays['subject'],
      names=np.array([name.decode() for name in arrays['name']]),
      left_out=tuple(builder.info.metadata['left_out']),
      source=builder.name,
      joints=known.get('joints'),
      intrinsics=known.get('intrinsics'),
      # Not in those that an earlier version prepared.
      sizes=builder.info.metadata.get('sizes'),
      deep=tuple(builder.info.metadata.get('deep', ())),
      label_warning=builder.info.metadata.get('label_warning', ''),
  )
