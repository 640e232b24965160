"""A thousand images at a time: read, refined with their bit depth, written."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jax.sharding import Mesh
from jaxtyping import UInt

from simgan_jax.data.entries import Entry, Sample
from simgan_jax.data.source import Source
from simgan_jax.refining import companions, formats, written_labels
from simgan_jax.settings import config as config_lib
from simgan_jax.training import refiners

_BATCH_SIZE = 128  # images a device and call

Images = list[UInt[np.ndarray, 'h w c']]  # uint8 or uint16
# From the number of the first refined image, and images, to refined ones.
Refine = Callable[[int, Images], Images]


class Record(NamedTuple):
  """What was written of a shard, in JSON's types."""

  files: dict[str, str]  # by name of the original
  bits: list[int]  # of each image, 8 or 16
  rows: list[list[str]]  # of the table of labels
  left_out: list[str]  # 'name: reason'
  notes: dict[str, int]  # number of images by what was decided about them
  # How images with points and boxes were cut, by name of the original.
  transforms: dict[str, list[float]]
  sizes: list[str]  # of the originals, such as '640 x 480'


def read_record(path: Path) -> Record:
  """Return the record in a file."""
  return Record(**json.loads(path.read_text()))


def make_refine(
    config: config_lib.Config,
    refiner: Any,
    *,
    workdir: str,
    mesh: Mesh,
    num_samples: int = 1,
) -> Refine:
  """Return the function that refines images and keeps their bit depth.

  It gets each image `num_samples` times, one after the other.
  """

  def refine(first: int, images: Images) -> Images:
    refined = list(images)
    for dtype in (np.uint8, np.uint16):
      places = [i for i, image in enumerate(images) if image.dtype == dtype]
      if not places:
        continue
      given = np.stack([images[i] for i in places])
      numbers, samples = np.divmod(first + np.array(places), num_samples)
      given = refiners.match_histograms(
          config, given, workdir=workdir, numbers=numbers
      )
      size = _BATCH_SIZE * mesh.size
      found = refiners.refine_images(
          refiner,
          given,
          mesh=mesh,
          batch_size=size,
          dtype=dtype,
          seed=config.seed,
          numbers=numbers,
          samples=samples,
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


class Writer(NamedTuple):
  """Refines shards and writes them with their labels."""

  files: Mapping[str, str]  # name to write, by name of the original
  labels: Sequence[str]  # fields of `Sample` that are known
  refine: Refine
  image_writer: formats.Format
  companions: companions.Companions
  folder: Path  # for the files beside the images
  keep_transforms: bool = False

  def write(
      self,
      number: int,
      first: int,
      used: Sequence[tuple[Entry, Sample]],
      left_out: list[str],
  ) -> Record:
    """Write a shard, and return the record of it.

    Args:
      number: Number of the shard.
      first: Number of its first image among all that are used.
      used: Images of one size.
      left_out: Images that are not used, as 'name: reason'.
    """
    files = {entry.name: self.files[entry.name] for entry, _ in used}
    images = self.refine(first, [sample.image for _, sample in used])
    labels = {
        name: np.array([getattr(x, name) for _, x in used], np.float32)
        for name in self.labels
    }
    subjects = np.array([entry.subject for entry, _ in used], np.int32)
    if used:
      names, new = list(files), list(files.values())
      self.image_writer.write(
          formats.Shard(number, names, new, images, subjects, labels)
      )
    rows = []
    for i, (entry, sample) in enumerate(used):
      values = [of_images[i] for of_images in labels.values()]
      rows.append(written_labels.row(files[entry.name], entry.subject, values))
      self.companions.write(entry, self.folder, sample.transform)
    bits = [8 * image.itemsize for image in images]
    transforms = {
        entry.name: list(sample.transform)
        for entry, sample in used
        if sample.transform and self.keep_transforms
    }
    return Record(
        files,
        bits,
        rows,
        left_out,
        notes=Counter(note for _, sample in used for note in sample.notes),
        transforms=transforms,
        sizes=sorted({sample.size for _, sample in used if sample.size}),
    )
