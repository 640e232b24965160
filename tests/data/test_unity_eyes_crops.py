"""Where UnityEyes' images are cut."""

import numpy as np
import pytest

from simgan_jax.data import gaze_angles, unity_eyes
from simgan_jax.machine.errors import InputError

SOURCE = 'unity_eyes'
EYE = np.array([(40.0, 80.0), (100.0, 80.0), (60.0, 95.0), (60.0, 65.0)])


def _box(crop, yaw=0.0, pitch=0.0, head_yaw=0.0, head_pitch=0.0):
  labels = unity_eyes.Labels(
      gaze=gaze_angles.vector_from_angles(*np.radians([yaw, pitch])),
      head_pose=np.radians([head_yaw, head_pitch]),
      eye=EYE,
  )
  source = unity_eyes.UnityEyes(crop=crop, height=35, width=55)
  return np.array(source.crop_box(labels, image_height=180))


def test_the_box_is_centred_on_the_eye_whatever_the_gaze():
  box = _box('box')
  np.testing.assert_allclose(box[[0, 2]], (70 - 45, 70 + 45))
  np.testing.assert_allclose((box[1] + box[3]) / 2, 180 - 80)
  np.testing.assert_allclose((box[3] - box[1]) / (box[2] - box[0]), 35 / 55)
  np.testing.assert_array_equal(_box('box', 10, 5, 20, -7), box)


@pytest.mark.parametrize(
    ('angles', 'seen'),
    [
        # Where the iris is seen in Columbia's patches, less in the renders.
        ((0, 0, 0, 0), (26.98 - 29.28, 15.2 - 15.83)),
        ((10, 0, 0, 0), (26.98 - 2.29 - 29.28 + 2.70, 15.2 - 15.83)),
        ((0, 10, 0, 0), (26.98 - 29.28, 15.2 - 15.83 + 1.59)),
        ((0, 0, -20, 0), (26.98 - 1.52 - 29.28 + 3.06, 15.2 - 15.83)),
        ((0, 0, 0, 10), (26.98 - 29.28, 15.2 - 15.83 - 1.65)),
    ],
)
def test_crops_like_those_of_columbia_move_against_the_iris(angles, seen):
  moved = _box('columbia', *angles) - _box('box', *angles)
  # Of a width of 90 px; what the crop moves, the iris in it moves back.
  np.testing.assert_allclose(moved[:2] * 55 / 90, -np.array(seen), atol=1e-9)
  np.testing.assert_allclose(moved[2:], moved[:2])


def test_an_unknown_crop_is_an_error(load, tmp_path):
  with pytest.raises(InputError, match=r"crop='oval': choose one of"):
    load(tmp_path, crop='oval')
