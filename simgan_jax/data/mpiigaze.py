"""MPIIGaze: eyes photographed at laptops, normalised, in MATLAB files.

Source: Zhang et al., "Appearance-based gaze estimation in the wild",
CVPR 2015.
"""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import scipy.io

from simgan_jax.data import folders, gaze_angles, workers
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.data.source import Source
from simgan_jax.machine.errors import InputError

_NORMALIZED = Path('Data', 'Normalized')
_LISTS = Path('Evaluation Subset', 'sample list for eye image')
_NAME = re.compile(
    r'(?P<day>p(?P<person>\d\d)/day\d+)/(?P<file>\S+) (?P<side>left|right)'
)


# The samples of a day by file name and side: image [36, 60, 1], gaze [3] and
# rotation vector of the head [3].
_Day = dict[tuple[str, str], tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclasses.dataclass(kw_only=True)
class Mpiigaze(Source):
  """Samples by sorted name, `p00/day01/0001.jpg left`; subject NN of pNN.

  Right eyes are mirrored, image and labels, so that the tear duct is on the
  left as in left eyes.
  """

  name = 'mpiigaze'

  samples: str = 'evaluation'  # those of the lists, or 'all' in the .mat files

  def stamp(self) -> str:
    """Return the state of the .mat files, and of the lists if they are used."""
    folder = self.path / _NORMALIZED
    files = folders.list_files(folder, ('.mat',), recursive=True)
    if self.samples == 'evaluation':
      files += folders.list_files(self.path / _LISTS, ('.txt',))
    return folders.stamp(self.path, files)

  def list_entries(self) -> Iterator[Entry]:
    """Yield the samples by name."""
    if self.samples == 'evaluation':
      names = [
          f'{file.stem}/{line.strip()}'
          for file in folders.list_files(self.path / _LISTS, ('.txt',))
          for line in file.read_text().splitlines()
          if line.strip()
      ]
    else:
      names = _all_names(self.path / _NORMALIZED)
    # Names are sorted, so the samples of a day are read one after another.
    read_day = workers.remember_last(_read_day)
    for name in sorted(set(names)):
      match = _NAME.fullmatch(name)
      if match is None:
        raise InputError(
            f'{self.path}: the sample {name!r} is not named like'
            ' "p00/day01/0001.jpg left"; restore the file that names it.'
        )
      read = functools.partial(self._read, read_day, match)
      yield Entry(name, int(match['person']), read)

  def _read(
      self, read_day: Callable[[Path], _Day], name: re.Match[str]
  ) -> Sample:
    file = self.path / _NORMALIZED / f'{name["day"]}.mat'
    sample = read_day(file).get((name['file'], name['side']))
    if sample is None:
      raise Damaged(f'{file}: has no sample {name["file"]}')
    image, gaze, rotation_vector = sample
    image = self._cut(image)
    labels = gaze, gaze_angles.mpiigaze_head_pose(rotation_vector)
    if name['side'] == 'right':
      image = image[:, ::-1]
      labels = gaze_angles.mirror(*labels)
    return Sample(image, *labels)


def _all_names(folder: Path) -> list[str]:
  names = []
  for file in folders.list_files(folder, ('.mat',), recursive=True):
    day = file.relative_to(folder).with_suffix('').as_posix()
    try:
      samples = list(_read_day(file))
    except Damaged:
      samples = [('*.jpg', 'left')]  # reading this name reports the damage
    names += [f'{day}/{filename} {side}' for filename, side in samples]
  return names


def _read_day(file: Path) -> _Day:
  """Return the samples of a dayNN.mat, or raise Damaged."""
  try:
    with file.open('rb') as mat:
      content = scipy.io.loadmat(mat, squeeze_me=True, struct_as_record=False)
    filenames = [str(name) for name in np.atleast_1d(content['filenames'])]
    day: _Day = {}
    for side in ('left', 'right'):
      eyes = getattr(content['data'], side)
      fields = (
          # A day of one sample has no leading axis.
          eyes.image.astype(np.uint8, casting='safe').reshape(-1, 36, 60, 1),
          eyes.gaze.reshape(-1, 3),
          eyes.pose.reshape(-1, 3),
      )
      lengths = [len(filenames), *map(len, fields)]
      if len(set(lengths)) > 1:
        raise ValueError(f'its arrays have the lengths {lengths}')
      samples = zip(filenames, *fields, strict=True)
      day |= {(name, side): tuple(values) for name, *values in samples}
  except FileNotFoundError:
    raise Damaged(f'{file}: the file is missing') from None
  except (KeyError, AttributeError) as error:
    raise Damaged(f'{file}: lacks a field: {error}') from error
  # Damaged files raise almost anything.
  except Exception as error:
    raise Damaged(
        f'{file}: is not a .mat file of MPIIGaze ({error})'
    ) from error
  return day
