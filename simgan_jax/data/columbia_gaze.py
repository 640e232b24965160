"""Columbia Gaze: photographed eyes, their labels in the file names.

Source: Smith et al., "Gaze locking: passive eye contact detection for
human-object interaction", UIST 2013.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from simgan_jax.data import crops, decoding, folders, gaze_angles
from simgan_jax.data.entries import Damaged, Entry, LeftOut, Sample
from simgan_jax.data.source import Source

_NAME = re.compile(r'(\d+)_2m_(-?\d+)P_(-?\d+)V_(-?\d+)H_([LR])\.jpg')
_ONE_LABEL_IS_WRONG = re.compile(r'0007_2m_-15P_-10V_[05]H_[LR]\.jpg')
_MIN_CONTRAST = 10  # standard deviation of grey values at 35x55


class ColumbiaGaze(Source):
  """Eye patches by sorted name, cut to the aspect ratio; tear duct on the left.

  L eyes (on the image's left) are mirrored, image and labels. Left out are the
  four byte-identical files, of which two labels must be wrong, and patches
  whose grey-value standard deviation is below 10 at 35x55: they show no eye.
  """

  name = 'columbia_gaze'

  def stamp(self) -> str:
    """Return the state of all patches."""
    return folders.stamp(self.path, folders.list_files(self.path, ('.jpg',)))

  def list_entries(self) -> Iterator[Entry]:
    """Yield the patches by name."""
    for file in folders.list_files(self.path, ('.jpg',)):
      match = _NAME.fullmatch(file.name)
      read = functools.partial(self._read, file, match)
      subject = int(match[1]) if match else 0
      yield Entry(file.name, subject, read, file=file)

  def _read(self, file: Path, match: re.Match[str] | None) -> Sample:
    if match is None:
      raise Damaged(f'{file}: the name is not like 0001_2m_-15P_10V_5H_L.jpg')
    if _ONE_LABEL_IS_WRONG.fullmatch(file.name):
      raise LeftOut('the same bytes under two labels')
    image, notes = decoding.read_image(file)
    box = crops.fit_box(image, 'crop', 35, 55)
    patch = crops.cut(image, box, height=35, width=55, channels=1)
    if patch.std() < _MIN_CONTRAST:
      raise LeftOut(f'shows no eye (contrast below {_MIN_CONTRAST})')
    image = self._cut(image)
    labels = gaze_angles.columbia_labels(*(int(match[i]) for i in (2, 3, 4)))
    if match[5] == 'L':
      image = image[:, ::-1]
      labels = gaze_angles.mirror(*labels)
    return Sample(image, *labels, notes=notes)
