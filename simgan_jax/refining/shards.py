"""A thousand images at a time: read, refined with their bit depth, written."""

import pathlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.sharding import Mesh
from jaxtyping import UInt

from simgan_jax.data.entries import Entry, Sample
from simgan_jax.data.source import Source
from simgan_jax.refining import companions, formats, label_tables
from simgan_jax.settings import config as config_lib
from simgan_jax.training import refiners

_BATCH_SIZE = 128  # images a device and call

Images = list[UInt[np.ndarray, 'h w c']]  # uint8 or uint16
# From the number of the first image, and images, to refined ones.
Refine = Callable[[int, Images], Images]


class Record(NamedTuple):
  """What was written of a shard, of JSON's types."""

  files: dict[str, str]  # by name of the original
  bits: list[int]  # of each image, 8 or 16
  rows: list[list[str]]  # of the table of labels
  left_out: list[str]  # 'name: reason'


def make_refine(
    config: config_lib.Config, refiner: Any, *, workdir: str, mesh: Mesh
) -> Refine:
  """Return the function that refines images and keeps their bit depth."""

  def refine(first: int, images: Images) -> Images:
    refined = list(images)
    for dtype in (np.uint8, np.uint16):
      places = [i for i, image in enumerate(images) if image.dtype == dtype]
      if places:
        given = refiners.match_histograms(
            *(config, np.stack([images[i] for i in places])),
            workdir=workdir,
            numbers=first + np.array(places),
        )
        found = refiners.refine_images(
            *(refiner, given),
            mesh=mesh,
            batch_size=_BATCH_SIZE * mesh.size,
            dtype=dtype,
        )
        for place, image in zip(places, found, strict=True):
          refined[place] = image
    return refined

  return refine


def read(
    originals: Source, entries: Iterable[Entry], most: int
) -> tuple[list[tuple[Entry, Sample]], list[str]]:
  """Return up to `most` images, and those left out with the reasons."""
  used: list[tuple[Entry, Sample]] = []
  left_out = []
  for entry in entries:
    sample = originals.read(entry)
    if isinstance(sample, str):
      left_out.append(f'{entry.name}: {sample}')
    else:
      used.append((entry, sample))
    if len(used) == most:
      break
  return used, left_out


def write(
    number: int,
    first: int,
    used: Sequence[tuple[Entry, Sample]],
    *,
    files: dict[str, str],
    labels: Sequence[str],
    refine: Refine,
    writer: formats.Format,
    find_beside: companions.FindBeside,
    folder: pathlib.Path,
) -> Record:
  """Refine images and write them with their labels.

  Args:
    number: of the shard.
    first: number of its first image among all that are used.
    used: images of one size, at least one.
    files: names to write by names of the originals.
    labels: fields of `Sample` that are known.
    refine: of `make_refine`.
    writer: of the images.
    find_beside: of `source_files.make_find_beside`.
    folder: for the files beside the images.
  """
  entries = [entry for entry, _ in used]
  values = {
      name: np.array([getattr(sample, name) for _, sample in used], np.float32)
      for name in labels
  }
  shard = formats.Shard(
      number=number,
      names=[entry.name for entry in entries],
      files=[files[entry.name] for entry in entries],
      images=refine(first, [sample.image for _, sample in used]),
      subjects=np.array([entry.subject for entry in entries], np.int32),
      labels=values,
  )
  writer.write(shard)
  for entry, file in zip(entries, shard.files, strict=True):
    for beside in find_beside(entry):
      copy = folder / companions.rename_beside(file, beside)
      copy.parent.mkdir(parents=True, exist_ok=True)
      shutil.copyfile(beside, copy)
  return Record(
      files=dict(zip(shard.names, shard.files, strict=True)),
      bits=[8 * image.itemsize for image in shard.images],
      rows=[
          label_tables.row(file, entry.subject, [v[i] for v in values.values()])
          for i, (entry, file) in enumerate(
              zip(entries, shard.files, strict=True)
          )
      ],
      left_out=[],
  )
