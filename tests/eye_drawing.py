"""Drawn eyes, and where their iris is: what tests of gaze signs lean on."""

import numpy as np


def draw_eye(gaze: np.ndarray, *, height: int, width: int) -> np.ndarray:
  """An eye [height, width] uint8 whose iris is displaced along the gaze."""
  y, x = np.mgrid[:height, :width].astype(float)
  x, y = x - (width - 1) / 2, y - (height - 1) / 2
  eye_width = width / 1.5
  image = np.full((height, width), 150.0)
  image[(x / eye_width) ** 2 + (y / eye_width * 2) ** 2 < 0.25] = 230
  iris_x, iris_y = gaze[0] * eye_width * 0.5, gaze[1] * eye_width * 0.5
  image[np.hypot(x - iris_x, y - iris_y) < eye_width * 0.15] = 20
  return image.astype(np.uint8)


def iris_correlations(images: np.ndarray, gaze: np.ndarray) -> np.ndarray:
  """Correlation of the dark blob's centre with gaze, (x, y)."""
  height, width = images.shape[1:3]
  top, left = height // 5, width // 5
  centre = images[:, top : height - top, left : width - left].mean(axis=3)
  threshold = np.quantile(centre, 0.2, axis=(1, 2))
  dark = np.maximum(threshold[:, None, None] + 1 - centre, 0)
  total = dark.sum(axis=(1, 2))
  y, x = np.mgrid[: centre.shape[1], : centre.shape[2]]
  return np.array(
      [
          np.corrcoef((dark * grid).sum(axis=(1, 2)) / total, gaze[:, axis])[
              0, 1
          ]
          for axis, grid in enumerate((x, y))
      ]
  )


def random_gazes(num: int) -> np.ndarray:
  """Unit vectors [num, 3] in the camera frame, all directions alike."""
  xy = np.random.default_rng(0).uniform(-0.3, 0.3, (num, 2))
  return np.concatenate(
      [xy, -np.sqrt(1 - (xy**2).sum(axis=1, keepdims=True))], axis=1
  )
