"""Conventions of gaze against values computed by hand."""

import numpy as np
import pytest

from simgan_jax.data import gaze_angles

HALF, ROOT = 0.5, np.sqrt(0.75)  # sine and cosine of 30 degrees
THIRTY = np.pi / 6


@pytest.mark.parametrize(
    ('yaw', 'pitch', 'vector'),
    [
        (0.0, 0.0, (0, 0, -1)),
        (THIRTY, 0.0, (-HALF, 0, -ROOT)),
        (0.0, THIRTY, (0, -HALF, -ROOT)),
        (-THIRTY, THIRTY, (ROOT * HALF, -HALF, -ROOT * ROOT)),
    ],
)
def test_vectors_and_angles(yaw, pitch, vector):
  np.testing.assert_allclose(
      gaze_angles.vector_from_angles(yaw, pitch), vector, atol=1e-12
  )
  # The length of the vector is of no matter.
  np.testing.assert_allclose(
      gaze_angles.angles_from_vector(3.0 * np.array(vector)),
      (yaw, pitch),
      atol=1e-12,
  )


def test_vectors_and_angles_of_many():
  angles = np.random.default_rng(0).uniform(-1.5, 1.5, (20, 2))
  vectors = gaze_angles.vector_from_angles(angles[:, 0], angles[:, 1])
  np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1)
  np.testing.assert_allclose(gaze_angles.angles_from_vector(vectors), angles)


def test_mirroring_turns_x_and_yaw():
  vector, head_pose = gaze_angles.mirror(
      np.array([0.1, 0.2, -0.9]), np.array([0.3, 0.4])
  )
  np.testing.assert_array_equal(vector, [-0.1, 0.2, -0.9])
  np.testing.assert_array_equal(head_pose, [-0.3, 0.4])


def test_unityeyes_look_vec_has_y_up():
  # To the image's right and up, of length 2.
  vector = gaze_angles.unityeyes_gaze(np.array([2 * HALF, 2 * ROOT, 0.0]))
  np.testing.assert_allclose(vector, [HALF, -ROOT, 0], atol=1e-12)


@pytest.mark.parametrize(
    ('degrees', 'yaw', 'pitch'),
    [
        ((0, 180, 0), 0, 0),
        # The camera has turned 30 degrees to its right around the head, which
        # therefore points to the right of the image.
        ((0, 210, 0), -THIRTY, 0),
        # The camera looks down: the face points below it.
        ((30, 180, 0), 0, -THIRTY),
        ((330, 180, 0), 0, THIRTY),
        # The camera has rolled onto its left side, so that the image has turned
        # clockwise: what was right of the middle is below it.
        ((0, 210, 90), 0, -THIRTY),
        ((30, 180, 90), THIRTY, 0),
    ],
)
def test_unityeyes_head_pose(degrees, yaw, pitch):
  np.testing.assert_allclose(
      gaze_angles.unityeyes_head_pose(np.array(degrees, float)),
      (yaw, pitch),
      atol=1e-12,
  )


def test_columbia_angles_count_to_the_right_and_up():
  vector, head_pose = gaze_angles.columbia_labels(30, 0, 0)
  np.testing.assert_allclose(vector, (0, 0, -1), atol=1e-12)
  np.testing.assert_allclose(head_pose, (-THIRTY, 0), atol=1e-12)
  vector, head_pose = gaze_angles.columbia_labels(0, 30, 0)
  np.testing.assert_allclose(vector, (0, -HALF, -ROOT), atol=1e-12)
  vector, _ = gaze_angles.columbia_labels(0, 0, 30)
  np.testing.assert_allclose(vector, (HALF, 0, -ROOT), atol=1e-12)


@pytest.mark.parametrize(
    ('rotation_vector', 'yaw', 'pitch'),
    [
        ((0, 0, 0), 0, 0),
        # A turn about y (down) moves the third column from z towards x.
        ((0, THIRTY, 0), THIRTY, 0),
        # A turn about x moves it from z towards -y.
        ((THIRTY, 0, 0), 0, -THIRTY),
        # A roll leaves it alone.
        ((0, 0, THIRTY), 0, 0),
    ],
)
def test_mpiigaze_head_pose(rotation_vector, yaw, pitch):
  np.testing.assert_allclose(
      gaze_angles.mpiigaze_head_pose(np.array(rotation_vector, float)),
      (yaw, pitch),
      atol=1e-12,
  )


def test_mpiigaze_head_pose_is_the_third_column():
  from scipy.spatial.transform import Rotation

  vector = np.array([0.3, -0.5, 0.2])
  v = Rotation.from_rotvec(vector).as_matrix()[:, 2]
  np.testing.assert_allclose(
      gaze_angles.mpiigaze_head_pose(vector),
      (np.arctan2(v[0], v[2]), np.arcsin(v[1])),
  )
