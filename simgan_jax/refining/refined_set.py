"""Refining a data set into a folder; a kill costs no more than one shard.

The folder's `manifest.json` says from the start what is written there, and at
the end that it is complete. Until then `.progress` has a file for each finished
shard. Only one shard is in memory.
"""

import collections
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from simgan_jax.data import arrays, encoding, inputs, tables
from simgan_jax.data.entries import Entry
from simgan_jax.data.pixel_labels import Transform
from simgan_jax.data.source import Source
from simgan_jax.machine import errors, progress
from simgan_jax.machine import files as files_lib
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.refining import (
    companions,
    formats,
    manifest,
    naming,
    shards,
    written_labels,
)
from simgan_jax.settings import stored
from simgan_jax.training import refiners

_SHARD = 1_024  # images


def _make_records(
    originals: Source,
    entries: Sequence[Entry],
    most: int,
    writer: shards.Writer,
    folder: Path,
    kind: str,
) -> Iterator[Path]:
  """Write every shard that is not there yet; yield the file of each record."""
  count, bits = 0, set()
  with progress.make_bar(most, 'refine', 'image') as bar:
    for number, start in enumerate(range(0, len(entries), _SHARD)):
      if count == most:
        break
      path = folder / naming.PROGRESS / f'{number:05d}.json'
      if not path.exists():
        used, left_out = shards.read(
            originals, entries[start : start + _SHARD], most - count
        )
        bits |= {8 * sample.image.itemsize for _, sample in used}
        if kind != 'folder' and len(bits) > 1:
          raise errors.InputError(
              'images of 8 and of 16 bits fit in one folder, but not in one'
              ' array: use --format=folder.'
          )
        record = writer.write(number, count, used, left_out)
        files_lib.write_text(str(path), json.dumps(record._asdict()))
      record = shards.read_record(path)
      bits.update(record.bits)
      count += len(record.files)
      bar.update(len(record.files))
      yield path


def _finish(
    originals: Source,
    entries: Sequence[Entry],
    writer: formats.Format,
    folder: Path,
    record_files: list[Path],
) -> dict[str, Any]:
  """Write what concerns all shards; return what was found in them."""
  lengths, files, left_out = [], {}, []
  bits: collections.Counter = collections.Counter()
  noted: collections.Counter = collections.Counter()
  transforms, sizes = {}, set()
  for record in map(shards.read_record, record_files):
    lengths.append(len(record.files))
    files |= record.files
    left_out += record.left_out
    bits.update(record.bits)
    noted.update(record.notes)
    transforms |= record.transforms
    sizes.update(record.sizes)
  if not files:
    raise errors.InputError(
        f'none of {len(originals.entries):,} images can be used, the first'
        f' because {left_out[0]}; replace them.'
    )
  writer.finish(lengths, np.dtype(f'uint{max(bits)}'))
  if originals.label_tables:
    kept = collections.defaultdict(list)
    for entry in entries:
      if entry.file and entry.name in files:
        transform = transforms.get(entry.name)
        kept[entry.file.relative_to(originals.path).as_posix()].append(
            written_labels.Kept(
                entry.name,
                files[entry.name],
                Transform(*transform) if transform else None,
            )
        )
    for table in originals.label_tables:
      written_labels.carry_over(table, folder, kept, originals.pixel_labels)
  elif originals.label_shapes:
    records = map(shards.read_record, record_files)
    rows = (row for record in records for row in record.rows)
    path = folder / tables.NAME
    written_labels.write(path, tuple(originals.label_shapes), rows)
  if isinstance(originals, arrays.Arrays):
    # The samples of an image stand side by side.
    old_names = [entry.name for entry in originals.entries]
    of_samples = np.repeat(old_names, len(entries) // len(old_names))
    names = dict(zip((e.name for e in entries), of_samples, strict=True))
    written_labels.write_targets(
        folder, originals.load(), {name: names[name] for name in files}
    )
  notes = [*originals.notes]
  notes += [f'{count:,} images: {note}' for note, count in noted.items()]
  notes += encoding.describe_pixel_labels(originals, sizes)
  return {
      'images': len(files),
      'bits': dict(bits),
      'left_out': left_out,
      'notes': notes,
  }


def _digest(params: Any) -> str:
  digest = hashlib.sha256()
  for leaf in jax.tree.leaves(jax.device_get(params)):
    digest.update(np.ascontiguousarray(leaf).tobytes())
  return digest.hexdigest()


def _check_outside(output: Path, *paths: str) -> None:
  """Check that the output lies in no folder that images are read from."""
  place = Path(os.path.realpath(output))
  for path in filter(None, paths):
    folder = Path(os.path.realpath(os.path.expanduser(path)))
    if folder.is_dir() and place.is_relative_to(folder):
      raise errors.InputError(
          f'{output} lies in {path}, whose images it would be among; give an'
          ' --output outside of it.'
      )


def write(
    *,
    workdir: str,
    output: str,
    kind: str,
    path: str = '',
    on_error: str = '',
    num_samples: int = 1,
) -> dict[str, Any]:
  """Write the refined images of a run; return the contents of manifest.json.

  Each image is written once, with its name and labels, or once a sample. After
  a kill, the next call continues.

  Args:
    workdir: Folder of the run.
    output: Folder for the images, empty or new.
    kind: One of `formats.FORMATS`.
    path: Folder or file of other images than the run's synthetic ones.
    on_error: What to do at damaged images, 'stop' or 'skip'; empty for what the
      run's settings say.
    num_samples: Number of refined images of each image; more than 1 for
      refiners with `noise_channels`.

  Raises:
    InputError: If there is no trained checkpoint, an image cannot be read, two
      have one name, or `output` holds something else, lies among images or is
      in use, or if a refiner without noise shall make several samples.
  """
  folder = Path(output)
  config = stored.read_run(workdir)
  if num_samples < 1 or num_samples > 1 and not config.refiner.noise_channels:
    raise errors.InputError(
        f'--samples={num_samples} needs a refiner with noise, else all samples'
        ' are the same: train one with --config.refiner.noise_channels=1.'
    )
  data = config.data
  _check_outside(
      folder, path, data.synthetic.path, data.real.path, data.test.path
  )
  originals = inputs.open_synthetic(config, path=path)
  source = {'source': originals.origin, 'fingerprint': originals.fingerprint}
  # After the fingerprint, so that refining which stopped at a damaged image can
  # continue and skip it.
  originals.on_error = on_error or originals.on_error
  path = path or data.synthetic.path
  entries = naming.repeat(originals.entries, num_samples)
  files = naming.name_files(entries, data.channels)
  if kind != 'folder':  # arrays and their table keep the names of the originals
    files = {name: name for name in files}
  beside = companions.Companions(originals, files)
  reserved = *naming.RESERVED, *formats.FORMATS[kind].FILES
  beside.check(entries, reserved)
  mesh = mesh_lib.make_mesh()
  refiner, chosen = refiners.load_refiner(config, workdir=workdir, mesh=mesh)
  size = data.height, data.width, data.channels
  identity = {
      'format': kind,
      'images_of': source,
      'size': list(size),
      'on_error': originals.on_error,
      'samples': num_samples,
      'checkpoint': {
          'round': chosen.round,
          'rule': chosen.rule,
          'sha256': _digest(refiner.params),
      },
      'config': json.loads(stored.to_json(config)),
  }
  manifest.check(folder, identity)
  with files_lib.hold(output, '--output'):
    manifest.begin(folder, identity)
    image_writer = formats.FORMATS[kind](folder, size, originals.label_shapes)
    writer = shards.Writer(
        files=files,
        labels=tuple(originals.label_shapes),
        refine=shards.make_refine(
            config,
            refiner,
            workdir=workdir,
            mesh=mesh,
            num_samples=num_samples,
        ),
        image_writer=image_writer,
        companions=beside,
        folder=folder,
        keep_transforms=bool(originals.pixel_labels.names),
    )
    most = min(originals.limit * num_samples or len(entries), len(entries))
    records = list(
        _make_records(originals, entries, most, writer, folder, kind)
    )
    found = _finish(originals, entries, image_writer, folder, records)
    content = identity | {'workdir': workdir, 'path': path} | found
    manifest.complete(folder, content)
    shutil.rmtree(folder / naming.PROGRESS)
    (folder / naming.LOCK).unlink(missing_ok=True)
  return content
