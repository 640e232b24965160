"""Joints between pixels and millimetres, and depth as an image."""

import numpy as np
import pytest

from simgan_jax.simulators import hand_images


def test_joints_are_those_of_the_evaluation():
  assert len(set(hand_images.JOINTS)) == 14


def test_depth_inside_outside_and_missing():
  depth = np.array([550.0, 700.0, 850.0, 549.0, 851.0, 0.0])
  np.testing.assert_allclose(
      hand_images.encode_depth(depth, np.float64(700.0)), [-1, 0, 1, 1, 1, 1]
  )


def test_pixels_and_millimetres_are_inverse_and_the_axis_is_the_middle():
  rng = np.random.default_rng(0)
  points = rng.uniform(-100, 100, (5, 14, 3)) + [0, 0, 700]
  intrinsics = np.tile([500.0, 510.0, 31.0, 33.0], (5, 1))
  joints = hand_images.to_pixels(points, intrinsics)
  np.testing.assert_allclose(
      hand_images.to_millimetres(joints, intrinsics), points
  )
  on_axis = hand_images.to_pixels(np.array([[0.0, 0.0, 300.0]]), intrinsics[0])
  np.testing.assert_allclose(on_axis, [[31.0, 33.0, 300.0]])


def test_the_camera_of_a_crop_puts_points_where_cutting_and_resizing_do():
  focal, middle = (588.0, 587.0), (320.0, 240.0)
  box = (101.5, 60.0, 301.5, 260.0)
  crop = hand_images.crop_intrinsics(focal, middle, box, height=100, width=50)
  point = np.array([[-60.0, 20.0, 650.0]])
  u, v, _ = hand_images.to_pixels(point, np.array([*focal, *middle]))[0]
  assert hand_images.to_pixels(point, crop)[0, :2] == pytest.approx(
      [(u + 0.5 - 101.5) / 4 - 0.5, (v + 0.5 - 60.0) / 2 - 0.5], abs=1e-4
  )
