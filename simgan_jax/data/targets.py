"""What an estimator learns of every image, for any task."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Shaped


class Targets(NamedTuple):
  """The labels of one data set that an estimator learns or is tested on.

  `values` by task; an unknown number is NaN, an unknown class -1:

      class       [n] int32, place of the class in `names`
      regression  [n, k] float32, one column a name
      points      [n, k, 2] float32, (x, y) px of the images; the centre of the
                  first pixel is (0, 0)
      mask        [n, h, w] int32, place of each pixel's class in `names`
  """

  task: str  # 'class', 'regression', 'points' or 'mask'
  values: Shaped[np.ndarray, 'n ...']
  names: tuple[str, ...]  # of classes, columns or points

  def find_known(self) -> Bool[np.ndarray, 'n']:
    """Return which images are labelled.

    One point or one pixel is enough, of several columns all are needed.
    """
    rows = self.values.reshape(len(self.values), -1)
    is_number = self.task in ('regression', 'points')
    known = np.logical_not(np.isnan(rows)) if is_number else rows >= 0
    enough = np.all if self.task == 'regression' else np.any
    return np.asarray(enough(known, axis=1))
