"""The cumulative curve."""

import numpy as np
from PIL import Image

from simgan_jax.report import curves
from simgan_jax.report import rows as rows_lib


def test_percentages_at_and_between_the_errors():
  found = curves.cumulative(np.array([40.0, 0.0, 5.0, 10.0]), 30)
  at = dict(zip(curves.limits(30).tolist(), found.tolist(), strict=True))
  assert [at[d] for d in (0.0, 4.75, 5.0, 10.0, 30.0)] == [25, 25, 50, 75, 75]


def _pixels(folder, rows, test_name='test'):
  path = folder / 'eval' / 'curve.png'
  curves.draw(str(path), rows, test_name=test_name)
  assert [file.name for file in path.parent.iterdir()] == ['curve.png']
  return np.asarray(Image.open(path).convert('RGB')).astype(int)


def test_a_line_for_each_row_and_a_band_over_the_seeds(tmp_path):
  near, far = np.full(9, 5.0), np.full(9, 20.0)
  one = [rows_lib.Row('synthetic', 4, 9, {0: near})]
  two = [*one, rows_lib.Row('refined', 4, 9, {0: far})]
  band = [rows_lib.Row('synthetic', 4, 9, {0: near, 1: far})]

  def count(rows, color):
    distance = np.abs(_pixels(tmp_path, rows) - np.array(color)).sum(axis=-1)
    return int((distance < 12).sum())

  orange, pale_blue = (255, 127, 14), (210, 228, 240)
  assert count(one, orange) == 0
  assert count(two, orange) > 500
  assert count([*one, two[1]._replace(method='knn')], orange) == 0
  assert count(one, pale_blue) < 500
  assert count(band, pale_blue) > 10_000


def test_any_name_and_no_row_can_be_drawn(tmp_path):
  assert _pixels(tmp_path, [], test_name='$x_$ <a>').shape == (540, 1080, 3)
