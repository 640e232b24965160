"""The drawn eyes of the tests show the signs that the tests rely on."""

import numpy as np
from eye_drawing import draw_eye, iris_correlations, random_gazes


def test_the_measure_sees_signs():
  gaze = random_gazes(40)
  images = np.stack([draw_eye(one, height=35, width=55) for one in gaze])
  assert (iris_correlations(images[..., None], gaze) > 0.9).all()
  flipped = images[:, :, ::-1, None]
  x, y = iris_correlations(flipped, gaze)
  assert x < -0.9 < 0.9 < y
