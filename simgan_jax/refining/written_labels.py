"""The table of labels beside refined images, labels.csv."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from simgan_jax.data import label_arrays, pixel_labels
from simgan_jax.data.label_tables import LabelTable
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.pixel_labels import PixelLabels, Transform
from simgan_jax.machine import files as files_lib
from simgan_jax.simulators import hand_images

TARGETS = 'labels.npz'
_COLUMNS = {
    'gaze': ('gaze_x', 'gaze_y', 'gaze_z'),  # as `data.image_folder` reads them
    'head_pose': ('head_yaw', 'head_pitch'),
    'joints': tuple(
        f'{joint}_{axis}'
        for joint in hand_images.JOINTS
        for axis in ('u', 'v', 'mm')
    ),
    'intrinsics': ('fx', 'fy', 'cx', 'cy'),
}


def row(
    file: str, subject: int, labels: Sequence[Float[np.ndarray, '...']]
) -> list[str]:
  """Return the cells of an image: the shortest numbers, '' for NaN."""
  numbers = (number for values in labels for number in values.ravel())
  return [file, str(subject), *('' if np.isnan(x) else str(x) for x in numbers)]


def write(
    path: Path, labels: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
  """Write a table: file, subject and the columns of labels.

  `labels` are names of fields of `data.entries.Sample`, `rows` as from `row`.
  """
  header = ['file', 'subject', *(c for name in labels for c in _COLUMNS[name])]
  text = io.StringIO()
  csv.writer(text, lineterminator='\n').writerows([header, *rows])
  # Bytes that are no UTF-8 stay what they are.
  content = text.getvalue().encode(errors='surrogateescape')
  files_lib.write_bytes(str(path), content)


def write_targets(
    folder: Path, originals: LabelledImages, names: Mapping[str, str]
) -> None:
  """Write classes, numbers, points or masks of arrays as `labels.npz`.

  It has the fields `names` and those of `data.label_arrays`, in the order of
  `names`, which maps refined images to originals. Without such labels nothing
  is written.
  """
  if originals.targets is None:
    return
  places = {name: i for i, name in enumerate(originals.names.tolist())}
  kept = originals.take(np.array([places[old] for old in names.values()]))
  fields = {
      'names': np.array(list(names), np.str_),
      **label_arrays.make_fields(kept.targets),
  }
  files_lib.write_arrays(str(folder / TARGETS), fields)


class Kept(NamedTuple):
  """An image that was refined."""

  name: str
  new_name: str
  transform: Transform | None = None


def carry_over(
    table: LabelTable,
    folder: Path,
    kept: Mapping[str, Sequence[Kept]],
    declared: PixelLabels,
) -> None:
  """Write the rows of a table of the originals beside refined images.

  Names of files change where they have to, points and boxes move with their
  images, and the rows of other images go. All other bytes stay.

  Args:
    table: Table of the originals.
    folder: Folder of the refined images.
    kept: What became of each image file that the table may name: nothing, one
      image, or one a page.
    declared: Columns of points and boxes.
  """
  content = table.table
  rows = [content.start]
  for row in content.lines:
    if not row.cells:
      rows.append(row.raw)
      continue
    image = table.find_image(row)
    for name, new_name, transform in kept.get(image, ()):
      cells = {}
      if declared.names and transform:
        where = f'{table.path}, line {row.line}'
        cells = pixel_labels.move_cells(declared, row.cells, transform, where)
      if {image} != {name, new_name}:
        relative = PurePosixPath(new_name).relative_to(table.folder)
        cells[content.file_column] = str(relative)
      rows.append(content.replace(row, cells) if cells else row.raw)
  path = folder / table.folder / table.path.name
  files_lib.write_bytes(str(path), content.source.encode(''.join(rows)))
