"""Prepared data sets on disk, by TFDS: read once from a source, then from here.

The name of a prepared data set holds the fingerprint of its source: of the
request and of the files' names, sizes and modification times. TFDS writes into
a temporary folder and renames it, so a half-written data set is never read.
"""

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from simgan_jax.data import encoding, tfds_writer, workers
from simgan_jax.data.labelled_images import ImportReport, LabelledImages
from simgan_jax.data.source import Source
from simgan_jax.machine import files
from simgan_jax.machine.errors import InputError

tfds.disable_progress_bar()


class Prepared(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """The TFDS builder of any source."""

  VERSION = tfds.core.Version('1.1.0')
  # TFDS looks for checksums of downloads beside the code, and needs a package
  # for it that it does not require; there are no downloads.
  code_path = None

  def __init__(
      self, source: Source, data_dir: Path, num_workers: int, on_beam: bool
  ):
    """Take the arguments of `prepare`; the data set need not be on disk."""
    self.name = source.name
    self.source = source
    self._num_workers, self._on_beam = num_workers, on_beam
    config = tfds.core.BuilderConfig(name=source.fingerprint)
    super().__init__(config=config, data_dir=str(data_dir))

  def _info(self) -> tfds.core.DatasetInfo:
    source = self.source
    size = source.height, source.width, source.channels
    core, on_beam = tfds.core, self._on_beam
    return core.DatasetInfo(
        builder=self,
        features=tfds_writer.make_features(size, np.uint8, source.LABELS),
        metadata=core.BeamMetadataDict() if on_beam else core.MetadataDict(),
        disable_shuffling=True,
    )

  def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
    del dl_manager
    if self._on_beam:
      return {'train': _import_beam().read(self.source, self.info.metadata)}
    return {'train': self._generate_examples()}

  def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
    source, count, notes = self.source, 0, []
    for encoded in workers.map_in_order(
        lambda entry: encoding.encode(source, entry),
        source.select_entries(),
        self._num_workers,
    ):
      notes.append(encoded._replace(example=None))
      if encoded.example is not None:
        yield count, encoded.example
        count += 1
        if count == source.limit:
          break
    report = encoding.make_report(notes, source)
    if not count:
      left_out = report['left_out'][:1]
      reason = ''.join(f', the first because {r}' for r in left_out)
      raise InputError(
          f'{source}: none of the images can be used{reason}; replace them.'
      )
    self.info.metadata['report'] = report

  def read(self) -> LabelledImages:
    """Return the prepared data set."""
    arrays = tfds.as_numpy(self.as_dataset(split='train', batch_size=-1))
    known = {
        name: arrays[name]
        for name in self.source.LABELS
        if not np.isnan(arrays[name]).all()
    }
    report = ImportReport(**self.info.metadata['report'])
    return LabelledImages(
        images=arrays['image'],
        subjects=arrays['subject'],
        names=np.array([name.decode() for name in arrays['name']]),
        source=self.name,
        # JSON has no tuples.
        report=report._replace(
            left_out=tuple(report.left_out),
            sixteen_bit=tuple(report.sixteen_bit),
            label_columns=tuple(report.label_columns),
            notes=tuple(report.notes),
        ),
        **known,
    )


def prepare(
    source: Source,
    data_dir: str | Path,
    *,
    num_workers: int = 0,
    beam_options: Sequence[str] = (),
) -> Prepared:
  """Prepare a data set, unless that is done.

  Args:
    source: Source of the images.
    data_dir: Folder of the prepared data sets.
    num_workers: Number of threads that read files; 0 means one a core.
    beam_options: Flags of an Apache Beam pipeline that reads them instead.

  Raises:
    InputError: If the source cannot be used, or `data_dir` not be written.
    RunError: If Beam fails.
  """
  try:
    data_dir = Path(data_dir).expanduser().absolute()
  except RuntimeError as error:
    raise InputError(
        f'{data_dir} cannot be written (the user has no home folder); give'
        ' another --data_dir.'
    ) from error
  with _quiet():
    builder = Prepared(source, data_dir, num_workers, bool(beam_options))
    if builder.is_prepared():
      return builder
    try:
      data_dir.mkdir(parents=True, exist_ok=True)
      with tempfile.TemporaryFile(dir=data_dir):
        pass
    except OSError as error:
      raise files.cannot_write(str(data_dir), error, '--data_dir') from error
    try:
      if beam_options:
        _import_beam().prepare(builder, source, beam_options)
      else:
        builder.download_and_prepare()
    except OSError:
      # Another process may have been first to rename its own into place.
      if not builder.is_prepared():
        raise
      builder = Prepared(source, data_dir, num_workers, on_beam=False)
  return builder


def load(source: Source, data_dir: str | Path) -> LabelledImages:
  """Return a data set, and tell the user what was noticed when it was read.

  Arguments and errors are those of `prepare`; the source is read on the first
  call only. The images are in its order.
  """
  loaded = prepare(source, data_dir).read()
  left_out, warning = loaded.report.left_out, loaded.report.label_warning
  if left_out:
    print(
        f'{source.name}: {len(loaded.names)} images, {len(left_out)} left out,'
        f' the first: {left_out[0]}'
    )
  for note in loaded.report.notes:
    print(f'{source}: {note}')
  if warning:
    text = f'warning: {source.name}: {warning}; only eval.py needs them.'
    print(text, file=sys.stderr)
  return loaded


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
  """Keep off the terminal what TFDS prints and warns of."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    with contextlib.redirect_stdout(io.StringIO()):
      yield
  finally:
    logging.set_verbosity(verbosity)
