"""The built-in eye simulator: images of eyes with exact labels.

An anatomical model, shaded in closed form: the eyeball and the cornea are
spheres met by each pixel's ray, the iris is seen through the refracting cornea,
the lids are curves on a height field of the face that follow the gaze. The
domain 'synthetic' is a clean rendering; 'real' shows the same anatomy, gaze and
head pose with other skin, light and glasses, through a camera.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt8

from simgan_jax.machine import pixels
from simgan_jax.simulators import tiles
from simgan_jax.simulators.camera import photograph
from simgan_jax.simulators.eye_geometry import (
    EyeLabels,
    direction,
    frame,
    head_rotation,
    iris_axes,
)
from simgan_jax.simulators.eye_parameters import (
    EyeParameters,
    check_domain,
    sample_parameters,
)
from simgan_jax.simulators.eye_scene import Scene, Vector
from simgan_jax.simulators.eye_shading import shade

__all__ = [
    'EyeLabels',
    'EyeParameters',
    'generate',
    'photograph',
    'render',
    'sample_parameters',
]

_OVERSAMPLING = 2


def render(
    key: Key[Array, ''],
    parameters: EyeParameters,
    *,
    height: int = 35,
    width: int = 55,
) -> tuple[Float[Array, 'h w 1'], EyeLabels]:
  """Renders one eye; pure, jittable and vmappable.

  Args:
    key: of the patches of light in this shot.
    parameters: the person and the shot.
    height: of the image, px.
    width: of the image, px.

  Returns:
    The image, [h, w, 1] float32 in [-1, 1], and its labels.
  """
  p = parameters
  crop, labels = frame(p, height=height, width=width)
  n = _OVERSAMPLING

  def spread(size, axis):
    pixel = (jnp.arange(size * n) + 0.5) / n - 0.5 - crop.middle[axis]
    return crop.centre[axis] + pixel / crop.focal

  x = jnp.broadcast_to(spread(width, 0)[None, :], (height * n, width * n))
  y = jnp.broadcast_to(spread(height, 1)[:, None], x.shape)
  rotation = head_rotation(p)

  def in_head(vector):
    return Vector(*(rotation[:, i] @ jnp.stack(vector) for i in range(3)))

  columns = [Vector(*rotation[:, i]) for i in range(3)]
  ray = Vector(x, y, jnp.ones_like(x))
  ray = ray.times(jax.lax.rsqrt(ray.dot(ray)))
  start = Vector(x, y, jnp.zeros_like(x)).times(p.distance)
  gaze = Vector(*(rotation.T @ labels.gaze))
  side, up = iris_axes(jnp.stack(gaze))
  scene = Scene(
      parameters=p,
      start=Vector(*(start.dot(c) for c in columns)),
      ray=Vector(*(ray.dot(c) for c in columns)),
      gaze=gaze,
      side=Vector(*side),
      up=Vector(*up),
      light=in_head(direction(p.light_yaw, p.light_pitch)),
      sky=in_head(jnp.array([0.0, -1.0, 0.0])),
  )
  light = shade(scene, key).reshape(height, n, width, n).mean((1, 3))
  grey = jnp.clip(light, 0, 1) ** (1 / 2.2)
  return (2 * grey - 1)[..., None], labels


def generate(
    num: int,
    *,
    seed: int,
    domain: str = 'synthetic',
    num_subjects: int = 32,
    height: int = 35,
    width: int = 55,
    batch_size: int = 256,
    first: int = 0,
) -> tuple[UInt8[np.ndarray, 'n h w 1'], EyeLabels, Int[np.ndarray, ' n']]:
  """Makes a data set of eyes on all local devices.

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
    images: [n, h, w, 1] uint8.
    labels: EyeLabels of float32 arrays with a leading n.
    subjects: [n] int32 in 1..num_subjects.

  Raises:
    InputError: the domain is unknown or a number is not positive.
  """
  check_domain(domain)
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
    shot, light, camera = jax.random.split(key, 3)
    parameters = sample_parameters(subject, shot, domain=domain)
    image, labels = render(light, parameters, height=height, width=width)
    if domain == 'real':
      image = photograph(camera, image, parameters.camera)
    return pixels.to_integers(image), labels

  return tiles.compile_tiles(one, domain, num_devices=num_devices)
