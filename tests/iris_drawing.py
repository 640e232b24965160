"""Eyes with known irises, drawn for tests of the iris search."""

import numpy as np
from scipy import ndimage


def draw_eyes(centres, radii, *, height=35, width=55):
  """Return eyes of skin, white, iris and pupil, [n, h, w, 1] uint8.

  Lids cover a part of each iris; edges are smooth between pixels.
  """
  n = 6
  y, x = np.mgrid[: height * n, : width * n] / n + 0.5 / n - 0.5
  scale, images = width / 55, []
  for (centre_x, centre_y), radius in zip(centres, radii, strict=True):
    u = (x - width / 2) / (19 * scale)
    opening = np.abs(y - height / 2) < 7.5 * scale * np.maximum(1 - u**2, 0)
    image = np.where(opening, 190.0, 130.0)
    distance = np.hypot(x - centre_x, y - centre_y)
    image[opening & (distance < radius)] = 75
    image[opening & (distance < radius * 0.4)] = 25
    fine = image.reshape(height, n, width, n).mean(axis=(1, 3))
    images.append(ndimage.gaussian_filter(fine, 0.5 * scale))
  return np.uint8(np.round(images))[..., None]


def random_irises(num, *, seed=0, scale=1.0):
  rng = np.random.default_rng(seed)
  centres = rng.uniform((20, 15), (34, 19), (num, 2))
  radii = rng.uniform(7.5, 9.5, num)
  return (centres + 0.5) * scale - 0.5, radii * scale


def distances(fit, centres):
  return np.linalg.norm(fit.centre - centres, axis=1)
