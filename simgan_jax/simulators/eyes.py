"""The built-in eye simulator: images of eyes with exact labels.

An anatomical model, shaded in closed form: each pixel's ray meets the eyeball
and the cornea, two spheres; the iris is seen through the refracting cornea; the
lids are curves on a height field of the face and follow the gaze. The domain
'synthetic' is a clean rendering; 'real' shows the same anatomy, gaze and head
pose with other skin, light and glasses, through a camera.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt8

from simgan_jax.machine import pixels
from simgan_jax.simulators import eye_geometry, tiles
from simgan_jax.simulators.camera import photograph
from simgan_jax.simulators.eye_geometry import EyeLabels
from simgan_jax.simulators.eye_parameters import (
    EyeParameters,
    sample_parameters,
)
from simgan_jax.simulators.eye_scene import Scene, Vector
from simgan_jax.simulators.eye_shading import shade

_OVERSAMPLING = 2


def render(
    key: Key[Array, ''],
    parameters: EyeParameters,
    *,
    height: int = 35,
    width: int = 55,
) -> tuple[Float[Array, 'h w 1'], EyeLabels]:
  """Render one eye.

  Args:
    key: Key of the patches of light in this shot.
    parameters: Parameters of the person and the shot.
    height: Height of the image, px.
    width: Width of the image, px.

  Returns:
    The image, [h, w, 1] float32 in [-1, 1], and its labels.
  """
  p = parameters
  crop, labels = eye_geometry.frame(p, height=height, width=width)
  n = _OVERSAMPLING

  def spread(size, axis):
    pixel = (jnp.arange(size * n) + 0.5) / n - 0.5 - crop.middle[axis]
    return crop.centre[axis] + pixel / crop.focal

  x = jnp.broadcast_to(spread(width, 0)[None, :], (height * n, width * n))
  y = jnp.broadcast_to(spread(height, 1)[:, None], x.shape)
  rotation = eye_geometry.head_rotation(p)

  def in_head(vector):
    return Vector(*(rotation[:, i] @ jnp.stack(vector) for i in range(3)))

  columns = [Vector(*rotation[:, i]) for i in range(3)]
  ray = Vector(x, y, jnp.ones_like(x))
  ray = ray.times(jax.lax.rsqrt(ray.dot(ray)))
  start = Vector(x, y, jnp.zeros_like(x)).times(p.distance)
  gaze = Vector(*(rotation.T @ labels.gaze))
  side, up = eye_geometry.iris_axes(jnp.stack(gaze))
  scene = Scene(
      parameters=p,
      start=Vector(*(start.dot(c) for c in columns)),
      ray=Vector(*(ray.dot(c) for c in columns)),
      gaze=gaze,
      side=Vector(*side),
      up=Vector(*up),
      light=in_head(eye_geometry.direction(p.light_yaw, p.light_pitch)),
      sky=in_head(jnp.array([0.0, -1.0, 0.0])),
  )
  light = shade(scene, key).reshape(height, n, width, n).mean((1, 3))
  grey = jnp.clip(light, 0, 1) ** (1 / 2.2)
  return (2 * grey - 1)[..., None], labels


def generate(
    num: int, *, height: int = 35, width: int = 55, **options: Any
) -> tuple[UInt8[np.ndarray, 'n h w 1'], EyeLabels, Int[np.ndarray, ' n']]:
  """Return a data set of eyes: images, labels, persons; see `tiles.generate`.

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
    shot, light, camera = jax.random.split(key, 3)
    parameters = sample_parameters(subject, shot, domain=domain)
    image, labels = render(light, parameters, height=height, width=width)
    if domain == 'real':
      image = photograph(camera, image, parameters.camera)
    return pixels.to_integers(image), labels

  return tiles.compile_tiles(one, domain, num_devices=num_devices)
