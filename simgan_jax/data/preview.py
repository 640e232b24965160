"""A look at a data set without preparing it: what is read, and how."""

import collections
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from simgan_jax.data import check, crops, encoding, label_ranges, workers
from simgan_jax.data import marks as marks_lib
from simgan_jax.data.encoding import Encoded
from simgan_jax.data.entries import Damaged, Entry, Sample, printable
from simgan_jax.data.labelled_images import ImportReport, LabelledImages
from simgan_jax.data.source import Source
from simgan_jax.machine import progress
from simgan_jax.machine.errors import InputError

_LISTED = 20  # damaged images that are named
_NAMED = 5  # sizes that are named


class Preview(NamedTuple):
  """What was found in a data set."""

  lines: list[str]  # to print
  problems: list[str]  # sentences on what keeps a run from reading the set
  names: Sequence[str] = ()  # of the images that can be read
  images: UInt8[np.ndarray, 'n h w c'] | None = None  # None if there are none
  marks: Sequence[marks_lib.Marks] = ()  # of each image


class _Read(NamedTuple):
  """What became of an image: a sample, or a reason why there is none."""

  entry: Entry
  sample: Sample | None = None  # its image is of 8 bits
  kind: str = ''  # such as '8 bits grey'
  marks: marks_lib.Marks = marks_lib.Marks()
  left_out: str = ''
  damage: str = ''


def look(kind: str, source: Source) -> Preview:
  """Read all images of a data set and return what is found.

  Damaged images do not end it, whatever `source.on_error` is.

  Args:
    kind: Name of the data set for messages, such as 'synthetic'.
    source: Source of the images.
  """
  try:
    find = marks_lib.make_finder(source)
    entries = source.entries
    read = functools.partial(_read, source, find)
    found = list(_read_all(read, entries, source.limit))
    return _describe(kind, source, found)
  except InputError as error:
    return Preview([f'{kind}: {source}'], [f'{kind}: {error}'])


def _read(source: Source, find: Callable[..., Any], entry: Entry) -> _Read:
  try:
    sample = source.read(entry)
    if isinstance(sample, str):
      return _Read(entry, left_out=f'{printable(entry.name)}: {sample}')
    marks = find(entry, sample.transform)
  except InputError as error:
    damaged = isinstance(error.__cause__, Damaged)
    return _Read(entry, damage=str(error.__cause__ if damaged else error))
  colour = {0: '', 1: ' grey'}.get(sample.channels, ' RGB')
  kind = f'{8 * sample.image.itemsize} bits{colour}'
  sample = sample._replace(image=crops.to_8_bits(sample.image))
  return _Read(entry, sample, kind, marks)


def _read_all(
    read: Callable[[Entry], _Read], entries: Sequence[Entry], limit: int
) -> Iterator[_Read]:
  """Yield what became of the images, until `limit` of them are read."""
  most = min(limit or len(entries), len(entries))
  count = 0
  with progress.make_bar(most, 'check', 'image') as bar:
    for found in workers.map_in_order(read, entries):
      yield found
      if found.sample:
        count += 1
        bar.update(1)
      if count == most:
        return


def _describe(kind: str, source: Source, found: Sequence[_Read]) -> Preview:
  used = [x for x in found if x.sample]
  report = encoding.make_report(
      [
          Encoded(
              size=x.sample.size,
              levels=x.sample.levels,
              name=x.entry.name,
              notes=x.sample.notes,
          )
          for x in used
          if x.sample
      ],
      source,
  )
  lines = [f'{kind}: {source}', f'  files: {_count_files(source, found)}']
  if used:
    sizes = collections.Counter(x.sample.size for x in used if x.sample)
    depths = collections.Counter(x.kind for x in used)
    lines.append(f'  originals: {_count(sizes, " pixels")}{_count(depths)}')
  samples = [x.sample for x in used if x.sample]
  entries = [x.entry for x in used]
  described = label_ranges.describe(source, entries, samples)
  lines += [f'  labels: {line}' for line in described]
  marked = sum(bool(x.marks.points or x.marks.boxes) for x in used)
  if source.pixel_labels.names:
    lines.append(
        f'  points: {", ".join(source.pixel_labels.points) or "none"}; boxes:'
        f' {", ".join(source.pixel_labels.boxes) or "none"}; {marked:,} images'
        ' have some'
    )
  notes = list(report['notes'])
  if kind == 'synthetic':  # whose labels refine.py writes
    notes += encoding.describe_pixel_labels(source, report['sizes'])
  lines += [f'  note: {note}' for note in notes]
  if report['label_warning']:
    lines.append(f'  warning: {report["label_warning"]}')
  problems = []
  for what, reasons in (
      ('left out', [x.left_out for x in found if x.left_out]),
      ('damaged', [x.damage for x in found if x.damage]),
  ):
    lines += [f'  {what}: {reason}' for reason in reasons[:_LISTED]]
    if len(reasons) > _LISTED:
      lines.append(f'  {what}: {len(reasons) - _LISTED:,} others')
    if reasons and what == 'damaged':
      problems.append(
          f'{kind}: {len(reasons):,} of {len(found):,} images cannot be read,'
          f' the first because {reasons[0]}; repair or remove them, or set'
          ' on_error=skip.'
      )
  if not used:
    if not problems:
      problems = [f'{kind}: none of the images can be used; replace them.']
    return Preview(lines, problems)
  names = [x.entry.name for x in used]
  images = np.stack([x.sample.image for x in used if x.sample])
  findings = check.check_set(
      kind,
      LabelledImages(
          images=images,
          subjects=np.array([x.entry.subject for x in used], np.int32),
          names=np.array(names),
          report=ImportReport(**report),
      ),
  )
  lines += [f'  {x.removeprefix(f"{kind}: ")}' for x in findings.facts]
  lines += [
      f'  warning: {x.removeprefix(f"{kind}: ")}' for x in findings.warnings
  ]
  return Preview(lines, problems, names, images, [x.marks for x in used])


def _count(counts: collections.Counter[str], unit: str = '') -> str:
  """Return such as '12 of 80 x 60 pixels, 3 of 64 x 64 pixels; '."""
  ordered = [pair for pair in counts.most_common() if pair[0]]
  parts = [f'{count:,} of {text}{unit}' for text, count in ordered[:_NAMED]]
  if len(ordered) > _NAMED:
    parts.append(f'{len(ordered) - _NAMED:,} other sizes')
  return ', '.join(parts) + ('; ' if unit and parts else '')


def _count_files(source: Source, found: Sequence[_Read]) -> str:
  files, tables = source.files, source.label_tables
  in_tables = {
      source.path / image for table in tables for image in table.images.values()
  }
  without = [
      x
      for x in found
      if not x.entry.label_file and x.entry.file not in in_tables
  ]
  companions = {x for names in files.companions.values() for x in names}
  counts = {
      'images': len(found),
      'companions': len(companions),
      'files with the labels of one image': len(
          {x.entry.label_file for x in found} - {None}
      ),
      'tables of labels': len(tables),
      'rows in them': sum(len(table.table.rows) for table in tables),
      'images without labels': len(without) if files.pictures else 0,
      'files not read': len(files.left),
  }
  return ', '.join(f'{what} {x:,}' for what, x in counts.items() if x)
