"""The built-in hand simulator: depth images of right hands with exact joints.

A kinematic hand of round cones, whose depth each pixel's ray meets in closed
form. The domain 'synthetic' is that depth; 'real' shows other persons, their
poses and views of the same ranges, as a structured-light sensor measures them.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt8

from simgan_jax.machine import pixels
from simgan_jax.machine.errors import InputError
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

  joints: Float[Array, '14 3']  # of hands.JOINTS: u px, v px, distance mm
  intrinsics: Float[Array, '4']  # fx, fy, cx, cy, px


class Scene(NamedTuple):
  """Everything one image shows."""

  shape: HandShape
  pose: HandPose
  view: HandView
  clutter: Cones  # in the camera's frame; none of it has no rows


def sample_scene(
    subject_key: Key[Array, ''], key: Key[Array, ''], *, domain: str
) -> Scene:
  """Draws a person and a shot of that person.

  Args:
    subject_key: decides the person.
    key: decides pose, view and clutter.
    domain: 'synthetic' or 'real', which shows clutter.

  Returns:
    The scene, without a batch dimension.

  Raises:
    InputError: the domain has another name.
  """
  _check_domain(domain)
  pose, view, clutter = jax.random.split(key, 3)
  view = sample_view(view)
  nothing = Cones(*(jnp.zeros((0, 3)),) * 2, *(jnp.zeros(0),) * 2)
  return Scene(
      shape=sample_shape(subject_key),
      pose=sample_pose(pose),
      view=view,
      clutter=sample_clutter(clutter, view) if domain == 'real' else nothing,
  )


def render(
    scene: Scene, *, height: int = 224, width: int = 224
) -> tuple[Float[Array, 'h w'], HandLabels]:
  """Renders the true depth of one hand; pure, jittable and vmappable.

  Args:
    scene: what to show.
    height: of the image, px.
    width: of the image, px.

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


def _check_domain(domain: str) -> None:
  if domain not in tiles.DOMAINS:
    raise InputError(
        f'unknown hand domain {domain!r}: choose one of '
        f'{", ".join(map(repr, tiles.DOMAINS))}'
    )


def generate(
    num: int,
    *,
    seed: int,
    domain: str = 'synthetic',
    num_subjects: int = 32,
    height: int = 224,
    width: int = 224,
    batch_size: int = 256,
    first: int = 0,
) -> tuple[UInt8[np.ndarray, 'n h w 1'], HandLabels, Int[np.ndarray, ' n']]:
  """Makes a data set of hands on all local devices.

  Image i depends on (seed, domain, i) and the number of subjects only, so a
  larger set begins with the smaller one. The persons of the two domains differ.

  Args:
    num: of images.
    seed: of everything.
    domain: 'synthetic' or 'real'.
    num_subjects: persons, who take turns.
    height: of the images, px.
    width: of the images, px.
    batch_size: images on the devices at a time, before the next copy to host.
    first: number of the first image.

  Returns:
    images: [n, h, w, 1] uint8, depth as `hands.encode_depth` has it.
    labels: HandLabels of float32 arrays with a leading n.
    subjects: [n] int32 in 1..num_subjects.

  Raises:
    InputError: the domain is unknown or a number is not positive.
  """
  _check_domain(domain)
  tiles.check_sizes(
      num=num,
      num_subjects=num_subjects,
      height=height,
      width=width,
      batch_size=batch_size,
  )
  make = _make_tiles(
      domain, height, width, num_devices=jax.local_device_count()
  )
  (images, labels), subjects = tiles.collect(
      *(make, num),
      seed=seed,
      num_subjects=num_subjects,
      batch_size=batch_size,
      first=first,
  )
  return images, labels, subjects


@functools.cache
def _make_tiles(domain: str, height: int, width: int, *, num_devices: int):
  """Returns the compiled function from image numbers to images and labels."""

  def one(subject, key):
    shot, sensor = jax.random.split(key)
    scene = sample_scene(subject, shot, domain=domain)
    depth, labels = render(scene, height=height, width=width)
    if domain == 'real':
      depth = observe(sensor, depth, labels.intrinsics)
    image = hand_images.encode_depth(depth, scene.view.centre[2])[..., None]
    return pixels.to_integers(image), labels

  return tiles.compile_tiles(one, domain, num_devices=num_devices)
