"""One convention for gaze and head pose, and conversions into it.

A gaze is a unit vector in the camera frame: x right, y down, z away from the
camera. An eye that looks into the lens has (0, 0, -1). Its angles are
yaw = atan2(-x, -z) and pitch = asin(-y) in radians, MPIIGaze's convention
(Zhang et al., CVPR 2015): looking to the image's right is a negative yaw,
looking up a positive pitch. A head pose holds the angles of the direction in
which the face points.
"""

import numpy as np
from jaxtyping import Float


def vector_from_angles(
    yaw: Float[np.ndarray, '*n'] | float, pitch: Float[np.ndarray, '*n'] | float
) -> Float[np.ndarray, '*n 3']:
  """Return unit vectors of yaw and pitch in radians.

  >>> vector_from_angles(0., 0.).tolist()
  [-0.0, -0.0, -1.0]
  """
  x, y = -np.cos(pitch) * np.sin(yaw), -np.sin(pitch)
  return np.stack([x, y, -np.cos(pitch) * np.cos(yaw)], axis=-1)


def angles_from_vector(
    vector: Float[np.ndarray, '*n 3'],
) -> Float[np.ndarray, '*n 2']:
  """Return (yaw, pitch) in radians of vectors of any length but zero."""
  x, y, z = np.moveaxis(vector, -1, 0)
  return np.stack([np.arctan2(-x, -z), np.arctan2(-y, np.hypot(x, z))], axis=-1)


def mirror(
    gaze: Float[np.ndarray, '*n 3'], head_pose: Float[np.ndarray, '*n 2']
) -> tuple[Float[np.ndarray, '*n 3'], Float[np.ndarray, '*n 2']]:
  """Return the labels of images flipped left to right."""
  return gaze * np.array([-1, 1, 1]), head_pose * np.array([-1, 1])


def unityeyes_gaze(look_vec: Float[np.ndarray, '3']) -> Float[np.ndarray, '3']:
  """Return the gaze of UnityEyes' `look_vec`, whose y points up."""
  return look_vec * np.array([1, -1, 1]) / np.linalg.norm(look_vec)


def unityeyes_head_pose(
    degrees: Float[np.ndarray, '3'],
) -> Float[np.ndarray, '2']:
  """Return (yaw, pitch) of UnityEyes' `head_pose`.

  The three numbers are Unity's Euler angles of a *camera* before a head that
  looks along +z: (0, 180, 0) is a face pointing into the lens. Unity turns by
  the third angle, the roll, first.
  """
  x, y, roll = np.radians(degrees)
  right, down = -np.sin(y), -np.cos(y) * np.sin(x)
  if roll:
    cosine, sine = np.cos(roll), np.sin(roll)
    right, down = right * cosine - down * sine, right * sine + down * cosine
  return angles_from_vector(np.array([right, down, np.cos(y) * np.cos(x)]))


def columbia_labels(
    head_yaw: float, vertical: float, horizontal: float
) -> tuple[Float[np.ndarray, '3'], Float[np.ndarray, '2']]:
  """Return gaze and head pose of Columbia Gaze's P, V and H in degrees.

  P and H count to the image's right, V upwards, all from the line to the
  camera; heads were held upright.
  """
  gaze = vector_from_angles(np.radians(-horizontal), np.radians(vertical))
  return gaze, np.array([np.radians(-head_yaw), 0.0])


def mpiigaze_head_pose(
    rotation_vector: Float[np.ndarray, '3'],
) -> Float[np.ndarray, '2']:
  """Return (yaw, pitch) of MPIIGaze's head pose, a Rodrigues vector.

  With v the third column of the rotation matrix, which points into the head,
  yaw = atan2(v0, v2) and pitch = asin(v1).
  """
  angle = np.linalg.norm(rotation_vector)
  kx, ky, kz = rotation_vector / max(angle, 1e-12)
  sine, rest = np.sin(angle), 1 - np.cos(angle)
  inwards = [
      ky * sine + kx * kz * rest,
      -kx * sine + ky * kz * rest,
      np.cos(angle) + kz * kz * rest,
  ]
  return angles_from_vector(-np.array(inwards))
