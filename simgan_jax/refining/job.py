"""Refining a data set into a folder, so that a kill costs no more than a shard.

The folder's `manifest.json` says from the start what is written there, and at
the end that it is complete. Until then `.progress` has a file for each shard
that is. Only one shard is in memory.
"""

import collections
import functools
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from simgan_jax.data import inputs
from simgan_jax.data.source import Source
from simgan_jax.machine import errors, progress
from simgan_jax.machine import files as files_lib
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.refining import (
    companions,
    formats,
    label_tables,
    manifest,
    naming,
    shards,
)
from simgan_jax.settings import config as config_lib
from simgan_jax.training import refiners

_SHARD = 1_024  # images


def _read_record(path: pathlib.Path) -> shards.Record:
  return shards.Record(**json.loads(path.read_text()))


def _write_shards(
    originals: Source,
    files: dict[str, str],
    write: Callable[..., shards.Record],
    folder: pathlib.Path,
    kind: str,
) -> list[pathlib.Path]:
  """Write every shard that is not there yet; return the files of progress."""
  entries = originals.entries
  most = min(originals.limit or len(entries), len(entries))
  count, bits, paths = 0, set(), []
  with progress.make_bar(most, 'refine', 'image') as bar:
    for number, start in enumerate(range(0, len(entries), _SHARD)):
      if count == most:
        break
      path = folder / naming.PROGRESS / f'{number:05d}.json'
      if path.exists():
        record = _read_record(path)
      else:
        record = shards.Record({}, [], [], [])
        used, left_out = shards.read(
            originals, entries[start : start + _SHARD], most - count
        )
        bits |= {8 * sample.image.itemsize for _, sample in used}
        formats.check_depths(kind, bits)
        if used:
          record = write(number, count, used)
        record = record._replace(left_out=left_out)
        files_lib.write_text(str(path), json.dumps(record._asdict()))
      paths.append(path)
      bits.update(record.bits)
      count += len(record.files)
      bar.update(len(record.files))
  return paths


def _finish(
    originals: Source,
    writer: formats.Format,
    folder: pathlib.Path,
    progress_files: list[pathlib.Path],
) -> dict[str, Any]:
  """Write what there is one of; return what was found."""
  lengths, files, left_out = [], {}, []
  bits: collections.Counter = collections.Counter()
  for record in map(_read_record, progress_files):
    lengths.append(len(record.files))
    files |= record.files
    left_out += record.left_out
    bits.update(record.bits)
  if not files:
    raise errors.InputError(
        f'none of {len(originals.entries):,} images can be used, the first'
        f' because {left_out[0]}; replace them.'
    )
  writer.finish(lengths, np.dtype(f'uint{max(bits)}'))
  table = folder / label_tables.NAME
  if originals.label_table:
    label_tables.carry_over(originals.label_table, table, files)
  elif originals.label_shapes:
    label_tables.write(
        table,
        tuple(originals.label_shapes),
        (row for path in progress_files for row in _read_record(path).rows),
    )
  return {
      'images': len(files),
      'bits': dict(bits),
      'left_out': left_out,
  }


def _digest(params: Any) -> str:
  digest = hashlib.sha256()
  for leaf in jax.tree.leaves(jax.device_get(params)):
    digest.update(np.ascontiguousarray(leaf).tobytes())
  return digest.hexdigest()


def _check_outside(output: pathlib.Path, *paths: str) -> None:
  """Check that refined images will not be taken for originals or real ones.

  Raises:
    InputError: when the folder lies in one of those that images are read from.
  """
  place = pathlib.Path(os.path.realpath(output))
  for path in filter(None, paths):
    folder = pathlib.Path(os.path.realpath(os.path.expanduser(path)))
    if folder.is_dir() and place.is_relative_to(folder):
      raise errors.InputError(
          f'{output} lies in {path}, whose images it would be among; give an'
          ' --output outside of it.'
      )


def refine_data_set(
    *, workdir: str, output: str, kind: str, data_dir: str, path: str = ''
) -> dict[str, Any]:
  """Write the refined images of a run, each once, with names and labels.

  Killed, it goes on where it was when called again.

  Args:
    workdir: of the run.
    output: folder for the images, empty or new.
    kind: one of `formats.FORMATS`.
    data_dir: folder of the prepared data sets.
    path: of other images than the run's synthetic ones.

  Returns:
    What `manifest.json` says.

  Raises:
    InputError: when there is no trained checkpoint, an image cannot be read,
      two have one name, or `output` holds something else, lies among images
      or is in use.
  """
  folder = pathlib.Path(output)
  config = config_lib.read(str(pathlib.Path(workdir, 'config.json')))
  data = config.data
  _check_outside(
      folder, path, *(data.synthetic.path, data.real.path, data.test.path)
  )
  originals = inputs.open_synthetic(config, path=path)
  path = path or data.synthetic.path
  drawn = originals.origin in config_lib.BUILTIN
  find_beside = companions.make_find_beside(
      originals, None if drawn else pathlib.Path(path).expanduser()
  )
  files = naming.name_files([entry.name for entry in originals.entries])
  if kind != 'folder':  # images keep their names, and so in the table
    files = {name: name for name in files}
  reserved = *naming.RESERVED, *formats.FORMATS[kind].FILES
  companions.check_beside(originals.entries, files, find_beside, reserved)
  mesh = mesh_lib.make_mesh()
  refiner, chosen = refiners.load_refiner(config, workdir=workdir, mesh=mesh)
  size = data.height, data.width, data.channels
  identity = {
      'format': kind,
      'images_of': {
          'source': originals.origin,
          'fingerprint': originals.fingerprint,
      },
      'size': list(size),
      'checkpoint': {
          'round': chosen.round,
          'rule': chosen.rule,
          'sha256': _digest(refiner.params),
      },
      'config': json.loads(config_lib.to_json(config)),
  }
  manifest.check(folder, identity)
  with files_lib.hold(output, '--output'):
    manifest.begin(folder, identity)
    writer = formats.FORMATS[kind](
        folder, size=size, label_shapes=originals.label_shapes
    )
    write = functools.partial(
        shards.write,
        files=files,
        labels=tuple(originals.label_shapes),
        refine=shards.make_refine(config, refiner, workdir=workdir, mesh=mesh),
        writer=writer,
        find_beside=find_beside,
        folder=folder,
    )
    progress_files = _write_shards(originals, files, write, folder, kind)
    found = _finish(originals, writer, folder, progress_files)
    content = identity | {'workdir': workdir, 'path': path} | found
    manifest.complete(folder, content)
    shutil.rmtree(folder / naming.PROGRESS)
    (folder / naming.LOCK).unlink(missing_ok=True)
  return content
