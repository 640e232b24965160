"""Whether an image shows the iris where its landmarks are.

Landmarks alone cannot tell an image that was resized from one of which a part
was cut out. The iris is darker than the white of the eye beside it.
"""

import numpy as np
from jaxtyping import Float

from simgan_jax.data import crops

# Circles inside and outside the edge of the iris, as factors of its radius.
_INSIDE, _OUTSIDE = (0.6, 0.75, 0.9), (1.1, 1.2, 1.3)
_LEAST_PIXELS = 8


def iris_contrast(image: crops.Pixels, edge: Float[np.ndarray, 'n 2']) -> float:
  """Return how much darker the iris is than what is beside it.

  Only its left and right sides count, because lids cover the others.

  Args:
    image: Image with the eye, [h, w, c] uint8 or uint16.
    edge: Points on the edge of the iris, (x, y up) [px].

  Returns:
    Difference of mean grey values, of 255; 0 if the image lacks the place.
  """
  centre = edge.mean(axis=0)
  spokes = edge - centre
  spokes = spokes[abs(spokes[:, 1]) < np.hypot(*spokes.T) / 2]
  means = []
  for factors in _INSIDE, _OUTSIDE:
    points = np.concatenate([centre + spokes * factor for factor in factors])
    size = np.array(image.shape[1::-1])
    places = np.floor(points * [1, -1] + [0, image.shape[0]])
    columns, rows = places[((places >= 0) & (places < size)).all(axis=1)].T
    if len(rows) < _LEAST_PIXELS:
      return 0.0
    means.append(image[rows.astype(int), columns.astype(int)].mean())
  return float(means[1] - means[0]) * 255 / np.iinfo(image.dtype).max
