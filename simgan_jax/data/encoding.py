"""One image as the cache stores it, with what the import report needs."""

import io
from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from simgan_jax.data import crops
from simgan_jax.data.entries import Entry, printable
from simgan_jax.data.labelled_images import ImportReport
from simgan_jax.data.source import Source


class Encoded(NamedTuple):
  """What is stored of an entry, or why it is left out."""

  example: dict[str, Any] | None = None
  size: str = ''  # such as '640 x 480', before the cut
  left_out: str = ''  # 'name: reason'
  levels: tuple[int, int] | None = None  # range of 16-bit values before the cut
  name: str = ''
  notes: tuple[str, ...] = ()  # what was decided about the file


def encode(source: Source, entry: Entry) -> Encoded:
  """Return what is stored of an entry: a PNG of 8 bits, and labels.

  Raises:
    InputError: If the file is damaged, unless `on_error` is 'skip'.
  """
  sample = source.read(entry)
  if isinstance(sample, str):
    return Encoded(left_out=f'{printable(entry.name)}: {sample}')
  png = io.BytesIO()
  image = crops.to_pillow(crops.to_8_bits(sample.image))
  image.save(png, 'PNG', compress_level=1)
  example: dict[str, Any] = {
      name: np.asarray(getattr(sample, name), np.float32)
      for name in source.LABELS
  }
  example.update(image=png.getvalue(), name=entry.name, subject=entry.subject)
  return Encoded(
      example,
      sample.size,
      levels=sample.levels,
      name=entry.name,
      notes=sample.notes,
  )


def make_report(encoded: Collection[Encoded], source: Source) -> dict[str, Any]:
  """Return the fields of the `ImportReport`; examples are not needed."""
  levels = [level for found in encoded for level in found.levels or ()]
  deep = sum(found.levels is not None for found in encoded)
  names: dict[str, list[str]] = {}
  for found in encoded:
    for note in found.notes:
      names.setdefault(note, []).append(found.name)
  used = sum(not found.left_out for found in encoded)
  report = ImportReport(
      left_out=tuple(found.left_out for found in encoded if found.left_out),
      sizes=Counter(found.size for found in encoded if found.size),
      sixteen_bit=(deep, min(levels), max(levels)) if levels else (),
      label_warning=source.label_warning,
      label_columns=tuple(source.label_columns),
      notes=(
          *source.notes,
          *(
              f'{len(those):,} of {used:,} images: {note}, first {those[0]}'
              for note, those in names.items()
          ),
      ),
  )
  return report._asdict()


def describe_pixel_labels(
    source: Source, sizes: Collection[str]
) -> tuple[str, ...]:
  """Return a sentence on labels that no longer fit their resized images.

  `sizes` are those of the originals, such as '640 x 480'.
  """
  sides = [tuple(map(int, size.split(' x '))) for size in sizes]
  if all(side == (source.width, source.height) for side in sides):
    return ()
  names = source.find_pixel_labels(max(map(max, sides)))
  if not names:
    return ()
  return (
      f'the labels {", ".join(names)} look like pixels of the originals, which'
      ' are resized: refine.py copies them as they are, unless you declare them'
      ' with data.synthetic.points or data.synthetic.boxes (docs/formats.md)',
  )
