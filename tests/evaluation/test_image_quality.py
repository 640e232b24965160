"""How far an estimator's predictions move when images are refined."""

import jax
import numpy as np
import pytest

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.estimators import gaze as estimator
from simgan_jax.evaluation import image_quality, tasks
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import estimation_errors
from simgan_jax.settings import config as config_lib


def test_gaze_shift_is_the_angle_between_the_predictions():
  rng = np.random.default_rng(0)
  before, after = rng.integers(0, 256, (2, 6, 19, 23, 1), np.uint8)
  params = estimator.init_params(jax.random.key(0), image_shape=(19, 23, 1))
  mesh = mesh_lib.make_mesh(1)
  synthetic = LabelledImages(
      images=before,
      gaze=np.ones((6, 3), np.float32),
      head_pose=None,
      subjects=np.zeros(6, np.int32),
      names=np.arange(6).astype(str),
  )

  settings = config_lib.EvaluationConfig(estimator='paper')
  task = tasks.choose('gaze', synthetic, settings)

  def shift(refined):
    return image_quality.measure_label_shift(
        synthetic, refined, task=task, params=params, mesh=mesh
    )['gaze_shift_deg']

  assert shift(before)['mean'] < 1e-3
  predicted = [
      estimator.predict(params, images, mesh=mesh) for images in (before, after)
  ]
  angles = estimation_errors.angular_error_deg(*predicted)
  found = shift(after)
  assert found['mean'] == pytest.approx(angles.mean())
  assert found['median'] == pytest.approx(np.median(angles))
  assert found['mean'] > 0.1
