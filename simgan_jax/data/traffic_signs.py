"""Speed-limit signs of the German Traffic Sign Recognition Benchmark.

Source: Stallkamp et al., "Man vs. computer: benchmarking machine learning
algorithms for traffic sign recognition", Neural Networks 32, 2012.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from simgan_jax.data import decoding, folders, tables
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.data.source import FittedSource
from simgan_jax.machine.errors import InputError

# Limits in km/h by the benchmark's numbers of classes; 6 ends a limit.
LIMITS = {0: 20, 1: 30, 2: 50, 3: 60, 4: 70, 5: 80, 7: 100, 8: 120}
_TRACK = re.compile(r'(\d+)_\d+\.\w+')
_COLUMNS = ('filename', 'width', 'height', 'classid')


class _Sign(NamedTuple):
  """A row of a table."""

  file: Path
  subject: int  # 0 when unknown
  limit: int  # km/h
  size: tuple[str, str]  # width and height in pixels, as the table has them


class TrafficSigns(FittedSource):
  """Whole images of the eight speed limits, by sorted name.

  The benchmark's cut leaves about a tenth of the sign's size around it. It is
  read as it comes: training images in folders of classes,
  `00001/00000_00000.ppm`, each with a `GT-00001.csv`; test images in one
  folder with `GT-final_test.csv`. The label `limit` is in km/h.

  A subject is a physical sign: 1 + 10,000 classes + the number of the track in
  its class. Test images have no tracks, so theirs is 0.
  """

  name = 'traffic_signs'

  @functools.cached_property
  def _signs(self) -> Mapping[str, _Sign]:
    return {
        sign.file.relative_to(self.path).as_posix(): sign
        for table in self._tables
        for sign in _read_table(table)
    }

  @functools.cached_property
  def _tables(self) -> list[Path]:
    found = [
        file
        for file in folders.list_files(self.path, ('.csv',), recursive=True)
        if file.name.startswith('GT-') and not file.name.endswith('.test.csv')
    ]
    if not found:
      raise InputError(
          f'{self.path} holds no GT-*.csv with classes; set path to the folder'
          ' Final_Training/Images, or put GT-final_test.csv beside the test'
          ' images.'
      )
    return found

  def stamp(self) -> str:
    """Return the state of the tables and of the images they name."""
    files = [sign.file for sign in self._signs.values()]
    return folders.stamp(self.path, [*self._tables, *sorted(files)])

  def list_entries(self) -> Iterator[Entry]:
    """Yield the images by name."""
    if not self._signs:
      raise InputError(
          f'{self.path} holds no speed-limit signs, which are the classes'
          f' {", ".join(map(str, LIMITS))}; set path to a folder with some.'
      )
    for name, sign in sorted(self._signs.items()):
      read = functools.partial(self._read, sign)
      yield Entry(name, sign.subject, read, file=sign.file)

  def read_cells(self) -> Mapping[str, Mapping[str, str]]:
    """Return the limit of every image, by its name."""
    return {x: {'limit': str(sign.limit)} for x, sign in self._signs.items()}

  def _read(self, sign: _Sign) -> Sample:
    decoded = decoding.read_image(sign.file)
    height, width = decoded.pixels.shape[:2]
    if sign.size != (str(width), str(height)):
      raise Damaged(
          f'{sign.file}: is {width} x {height} pixels, but its table says'
          f' {" x ".join(sign.size)}'
      )
    return self._fit(decoded, Sample(decoded.pixels).gaze)


def _read_table(path: Path) -> Iterator[_Sign]:
  """Yield the speed limits in a table."""
  table = tables.read(path, _COLUMNS)
  missing = set(_COLUMNS).difference(table.columns)
  if missing:
    raise InputError(
        f'{path} has no column {min(missing)!r}, only'
        f' {", ".join(table.columns)}; restore the file of the benchmark, which'
        ' has Filename;Width;Height;...;ClassId.'
    )
  for row in table.rows:
    cell = row.cells['classid']
    if not cell.isdecimal() or int(cell) > 42:
      raise InputError(
          f'{path}, line {row.line}: the ClassId {cell!r} is no number from 0'
          ' to 42; correct it.'
      )
    if int(cell) not in LIMITS:
      continue
    track = _TRACK.fullmatch(row.file)
    subject = 1 + 10_000 * int(cell) + int(track[1]) if track else 0
    size = row.cells['width'], row.cells['height']
    yield _Sign(path.parent / row.file, subject, LIMITS[int(cell)], size)
