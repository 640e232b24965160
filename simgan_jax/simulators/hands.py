"""The built-in hand simulator: depth images of right hands with exact joints.

A kinematic hand of round cones; where a pixel's ray meets them is known in
closed form. The domain 'synthetic' shows that depth. 'real' shows what a
structured-light sensor measures of other persons, whose poses and views are
drawn from the same ranges.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt8

from simgan_jax.machine import pixels
from simgan_jax.simulators import hand_images, tiles
from simgan_jax.simulators.hand_kinematics import (
    HandPose,
    HandShape,
    finger_joints,
    sample_pose,
    sample_shape,
)
from simgan_jax.simulators.hand_sensor import observe
from simgan_jax.simulators.hand_surface import Cones, cast, hand_cones, join
from simgan_jax.simulators.hand_view import (
    HandView,
    intrinsics,
    sample_clutter,
    sample_view,
    turned,
)

# The wrist's two sides and the palm's middle of the mean hand, mm.
_WRIST_AND_PALM = np.array([[-20, 2, 0], [20, 2, 0], [0, -55, -2]], np.float32)


class HandLabels(NamedTuple):
  """What is known about one image; float32, no batch dimension."""

  joints: Float[Array, '14 3']  # hand_images.JOINTS: u px, v px, distance mm
  intrinsics: Float[Array, '4']  # fx, fy, cx, cy, px


class Scene(NamedTuple):
  """Everything one image shows."""

  shape: HandShape
  pose: HandPose
  view: HandView
  clutter: Cones  # in the camera's frame; no rows if there is none


def sample_scene(
    subject_key: Key[Array, ''], key: Key[Array, ''], *, domain: str
) -> Scene:
  """Draw a person and a shot of that person, without a batch dimension.

  Args:
    subject_key: Key of the person.
    key: Key of pose, view and clutter.
    domain: 'synthetic', or 'real', which adds clutter.

  Raises:
    InputError: If the domain is unknown.
  """
  tiles.check_domain(domain)
  pose, view, clutter = jax.random.split(key, 3)
  view = sample_view(view)
  nowhere, none = jnp.zeros((0, 3)), jnp.zeros(0)
  nothing = Cones(nowhere, nowhere, none, none)
  return Scene(
      shape=sample_shape(subject_key),
      pose=sample_pose(pose),
      view=view,
      clutter=sample_clutter(clutter, view) if domain == 'real' else nothing,
  )


def render(
    scene: Scene, *, height: int = 224, width: int = 224
) -> tuple[Float[Array, 'h w'], HandLabels]:
  """Render the true depth of one hand.

  Args:
    scene: Scene to show.
    height: Height of the image, px.
    width: Width of the image, px.

  Returns:
    Depth, [h, w] float32 in mm, 0 where there is nothing, and the labels.
  """
  shape, pose, view, clutter = scene
  fingers = finger_joints(shape, pose)
  thumb, *others = fingers
  joints = jnp.stack(
      [
          *(finger[i] for finger in others[::-1] for i in (3, 1)),
          *(thumb[i] for i in (3, 2, 1)),
          *(_WRIST_AND_PALM * jnp.broadcast_to(shape.size, (3, 3))),
      ]
  )
  joints = turned(joints, view)
  shift = (view.centre + view.offset - joints.mean(0))[None]
  joints += shift
  cones = hand_cones(shape, pose, fingers, view.forearm)
  cones = cones._replace(
      start=turned(cones.start, view) + shift,
      end=turned(cones.end, view) + shift,
  )

  camera = intrinsics(view, height=height, width=width)
  focal, middle = camera[None, :2], camera[None, 2:]
  x, y = jnp.meshgrid(
      (jnp.arange(width) - camera[2]) / camera[0],
      (jnp.arange(height) - camera[3]) / camera[1],
  )
  depth = cast(join(cones, clutter), x, y, view.centre[2])
  pixels = joints[:, :2] / joints[:, 2:] * focal + middle
  return depth, HandLabels(
      joints=jnp.concatenate([pixels, joints[:, 2:]], axis=1),
      intrinsics=camera,
  )


def generate(
    num: int, *, height: int = 224, width: int = 224, **options: Any
) -> tuple[UInt8[np.ndarray, 'n h w 1'], HandLabels, Int[np.ndarray, ' n']]:
  """Return a data set of hands: images, labels, persons; see `tiles.generate`.

  The images show depth as `hand_images.encode_depth` encodes it.

  Args:
    num: Number of images.
    height: Height of the images, px.
    width: Width of the images, px.
    **options: `seed` and further arguments of `tiles.generate`.
  """
  return tiles.generate(_make_tiles, num, height=height, width=width, **options)


@functools.cache
def _make_tiles(domain: str, height: int, width: int, *, num_devices: int):
  """Return the compiled function from image numbers to images and labels."""

  def one(subject, key):
    shot, sensor = jax.random.split(key)
    scene = sample_scene(subject, shot, domain=domain)
    depth, labels = render(scene, height=height, width=width)
    if domain == 'real':
      depth = observe(sensor, depth, labels.intrinsics)
    image = hand_images.encode_depth(depth, scene.view.centre[2])[..., None]
    return pixels.to_integers(image), labels

  return tiles.compile_tiles(one, domain, num_devices=num_devices)
