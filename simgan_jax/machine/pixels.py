"""Pixel values: integers in files and memory, [-1, 1] in the networks.

These are the only two places where one becomes the other. Both work on NumPy
and JAX arrays alike.
"""

from typing import Any

import numpy as np


def scale_images(images: Any) -> Any:
  """Return unsigned integers as float32 in [-1, 1]; floats stay as they are.

  Scaling on the device keeps the copy from the host at a byte a pixel.

  Args:
    images: [...] uint8, uint16, or float32 in [-1, 1].
  """
  if not np.issubdtype(images.dtype, np.unsignedinteger):
    return images
  middle = np.float32(np.iinfo(images.dtype).max / 2)
  return images.astype(np.float32) / middle - np.float32(1)


def to_integers(images: Any, dtype: type[np.unsignedinteger] = np.uint8) -> Any:
  """Return images in [-1, 1] as uint8 or uint16, never stretched.

  -1 becomes 0 and 1 the type's largest number. Values between are rounded,
  values outside are cut off.

  Args:
    images: [...] float32.
    dtype: Type of the result.
  """
  largest = np.iinfo(dtype).max
  values = ((images + 1.0) * (largest / 2)).round()
  return values.clip(0, largest).astype(dtype)
