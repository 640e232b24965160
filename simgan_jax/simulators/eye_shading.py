"""What things look like: skin, lids, lashes, eyeball, iris, glasses.

All functions work element by element on arrays of samples, so that one compiled
loop makes a picture.
"""

import jax
import jax.numpy as jnp

from simgan_jax.simulators import eye_geometry
from simgan_jax.simulators.eye_parameters import EyeParameters
from simgan_jax.simulators.eye_scene import (
    Scene,
    Vector,
    bell,
    noise,
    smooth,
    wave,
)


def shade(scene: Scene, key) -> jax.Array:
  """Return the light that each sample sees, linear in [0, inf)."""
  p = scene.parameters
  shape = jnp.shape(scene.start.x)
  # The ray meets the face's height field: a few fixed-point steps suffice.
  height = jnp.full(shape, 10.0)
  for _ in range(3):
    length = (-height - scene.start.z) / scene.ray.z
    point = scene.start.along(scene.ray, length)
    height, slope_x, slope_y = eye_geometry.surface(p, point.x, point.y)
  x, y = point.x, point.y
  normal = Vector(-slope_x, -slope_y, jnp.full(shape, -1.0))
  normal = normal.times(jax.lax.rsqrt(normal.dot(normal)))
  upper, lower, fold = eye_geometry.lid_curves(p, jnp.stack(scene.gaze), x)
  under, over = y - upper, lower - y  # mm inside the opening

  patches = noise(key, shape, (4, 5))
  direct = p.light * (1 + p.uneven * patches) * _cast_shadow(scene, x, y)
  skin = _skin(scene, x, y, normal, direct, upper, lower, fold)
  ball = _eyeball(scene, x, under, over, direct)
  opening = smooth(jnp.minimum(under, over), 0.35)
  light = skin + opening * (ball - skin)
  light *= 1 - _lashes(p, x, under, over)
  return _glasses(scene, light)


def _cast_shadow(scene: Scene, x, y):
  """Return the share of the directed light that passes brow and nose."""
  p = scene.parameters
  # The steeper the light, the further down the brow's shadow reaches.
  edge = -12.0 + 1.1 * p.brow * jnp.maximum(-scene.light.y, 0.0)
  brow = 1 - smooth(y - edge, 9.0)
  nose = 1 - smooth(
      x + 0.5 * y + 22 - 1.2 * p.nose * jnp.maximum(-scene.light.x, 0.0), 14.0
  )
  return 1 - p.shadow * jnp.maximum(brow, nose)


def _skin(scene: Scene, x, y, normal, direct, upper, lower, fold):
  """Return the skin's light: tone, wrinkles, folds, shine."""
  p = scene.parameters
  shape = x.shape
  coarse, fine, pores = (
      noise(jax.random.fold_in(p.person, i), shape, grid)
      for i, grid in enumerate(((5, 7), (14, 22), (36, 56)))
  )
  texture = 0.5 * coarse + 0.5 * fine + 0.6 * pores
  # Fine lines run along the lower lid.
  below = y - lower
  lines = wave(0.42 * below + 0.04 * x + 0.25 * coarse)
  texture += 0.7 * lines * bell((below - 4) / 3.0)
  albedo = p.skin_tone * (1 + p.skin_roughness * texture)
  # The socket is darker than brow and cheek, most of all beside the nose.
  t = (x - p.inner_x) / (p.outer_x - p.inner_x)
  albedo *= (
      1
      - 0.3 * bell((y - upper + 3) / 4.0)
      - 0.3 * bell((t + 0.1) / 0.25) * bell((y + 2) / 6)
  )
  # The fold and the bag: a dark groove with a lit edge above it.
  groove = bell((y - fold) / 0.6) - 0.4 * bell((y - fold + 1.5) / 0.9)
  bag = bell((below - 5.5 - 0.02 * x * x) / 0.9)
  span = smooth(t + 0.1, 0.3) * smooth(1.2 - t, 0.4)
  albedo *= 1 - span * (
      0.6 * p.crease_depth * groove + 0.25 * p.bag_depth * bag
  )
  # Lids are darker at their edge, where the lashes grow.
  at_edge = bell((y - upper + 0.2) / 0.9) + 0.3 * bell(below / 0.6)
  albedo *= 1 - 0.7 * smooth(t, 0.1) * smooth(1.1 - t, 0.15) * at_edge
  lambert = jnp.maximum(normal.dot(scene.light) * 0.85 + 0.15, 0.0)
  fill = 0.6 + 0.4 * normal.dot(scene.sky) - 0.25 * normal.z - 0.25
  mirror = _reflect(scene.ray, normal).dot(scene.light)
  shine = p.skin_shine * jnp.maximum(mirror, 0.0) ** 6
  return albedo * (direct * lambert + p.ambient * fill) + shine * direct


def _reflect(ray: Vector, normal: Vector) -> Vector:
  return ray.along(normal, -2 * ray.dot(normal))


def _hit(start: Vector, ray: Vector, centre: Vector, radius):
  """Return where the ray enters a sphere, and the normal there."""
  away = start.along(centre, -1.0)
  half = away.dot(ray)
  root = half * half - away.dot(away) + radius * radius
  point = start.along(ray, -half - jnp.sqrt(jnp.maximum(root, 0.0)))
  return point, point.along(centre, -1.0).times(1 / radius)


def _eyeball(scene: Scene, x, under, over, direct):
  """Return the light of sclera, iris, caruncle and the lower lid's rim."""
  p, ray, gaze = scene.parameters, scene.ray, scene.gaze
  point, normal = _hit(scene.start, ray, gaze.times(0.0), p.eyeball_radius)
  from_axis = jnp.sqrt(
      jnp.maximum(point.dot(point) - point.dot(gaze) ** 2, 0.0)
  )
  depth = eye_geometry.limbus_depth(p)
  in_iris = smooth(p.limbus_radius - from_axis, p.limbus_width)
  front, front_normal = _hit(
      scene.start,
      ray,
      gaze.times(eye_geometry.cornea_centre(p)),
      p.cornea_radius,
  )
  # Snell's law at the cornea, then on to the iris plane.
  ratio = 1 / eye_geometry.REFRACTIVE_INDEX
  cosine = -ray.dot(front_normal)
  bend = ratio * cosine - jnp.sqrt(
      jnp.maximum(1 - ratio**2 * (1 - cosine * cosine), 0.0)
  )
  bent = ray.times(ratio).along(front_normal, bend)
  reach = (depth - p.iris_depth - front.dot(gaze)) / bent.dot(gaze)
  seen = front.along(bent, reach)
  iris = _iris(scene, seen.dot(scene.side), seen.dot(scene.up))

  # Veins run from the corners towards the iris and fade there.
  course = 0.2 * point.y + 0.06 * point.x + 0.16 * wave(0.14 * point.x)
  line = bell(3.0 * wave(course + 0.1 * wave(0.33 * point.y)))
  far = smooth(from_axis - 8.5, 5.0)
  sclera = p.sclera_albedo * (1 - p.vein * far * (0.4 + 0.6 * line))
  albedo = sclera + in_iris * (iris - sclera)
  # The caruncle and the fold beside it fill the inner corner.
  corner = x - p.inner_x
  flesh = smooth(3.8 - corner, 1.8)
  albedo += flesh * (0.15 * p.sclera_albedo + 0.4 * p.skin_tone - albedo)

  # Lids shade the eyeball, the upper one far down.
  shaded = 1 - p.shadow * jnp.exp(-jnp.maximum(under, 0.0) / 2.2)
  shaded *= 1 - 0.5 * p.shadow * jnp.exp(-jnp.maximum(over, 0.0) / 1.5)
  lambert = jnp.maximum(0.3 + 0.7 * normal.dot(scene.light), 0.0)
  fill = 0.5 - 0.5 * jnp.maximum(normal.z, -1.0)
  light = albedo * shaded * (direct * lambert + p.ambient * fill)
  # The lower lid's wet rim.
  rim = smooth(0.8 - over, 0.5) * smooth(corner - 2.0, 2.0)
  light += rim * (p.skin_tone * (direct * 0.5 + p.ambient) - light)

  # The cornea mirrors the light and the sky, the wet sclera a little.
  mirror = _reflect(ray, front_normal)
  cosine = mirror.dot(scene.light)
  size = p.glint_size
  glint = smooth(cosine - jnp.cos(size), 0.6 * size * size + 1e-3)
  wet = _reflect(ray, normal).dot(scene.light)
  film = 0.15 * p.glint * jnp.maximum(wet, 0.0) ** 64
  window = p.reflection * smooth(mirror.dot(scene.sky) - 0.15, 0.3)
  light += in_iris * (1.4 * p.glint * glint + window * shaded)
  return light + (1 - in_iris) * film * shaded


def _iris(scene: Scene, side, up):
  """Return the iris' albedo at a point of its plane, in mm."""
  p = scene.parameters
  radius = jnp.sqrt(side * side + up * up + 1e-6)
  ring = (radius - p.pupil_radius) / (p.limbus_radius - p.pupil_radius)
  turns = jnp.arctan2(up, side) / (2 * jnp.pi)
  phase = jax.random.uniform(jax.random.fold_in(p.person, 3), (4,))
  wobble = wave(3 * turns + phase[0] + 0.3 * ring)
  fibre = wave(23 * turns + 0.3 * wobble + phase[1])
  fibre += wave(37 * turns - 0.5 * wobble + phase[2] + 0.5 * ring)
  crypt = jnp.maximum(wave(7 * turns + 0.2 * wobble + phase[3]), 0.0)
  crypt *= bell((ring - 0.45) / 0.15)
  furrow = wave(3.5 * ring + 0.2 * wobble)
  collarette = bell((ring - 0.25 - 0.04 * wobble) / 0.1)
  texture = 0.5 * p.iris_fibre * fibre - p.iris_crypt * crypt
  texture += p.iris_furrow * furrow + p.iris_collarette * collarette
  # The cornea bends light towards the side away from the lamp.
  across = scene.light.dot(scene.side) * side + scene.light.dot(scene.up) * up
  albedo = p.iris_albedo * jnp.maximum(1 + texture, 0.15)
  albedo *= 1 - 0.06 * across
  albedo *= 1 - p.limbus_ring * smooth(ring - 0.85, 0.3)
  return 0.012 + albedo * smooth(radius - p.pupil_radius, 0.3)


def _lashes(p: EyeParameters, x, under, over):
  """Return the share that the lashes cover, in [0, 1]."""
  t = (x - p.inner_x) / (p.outer_x - p.inner_x)
  on_lid = smooth(t - 0.08, 0.15) * smooth(1.06 - t, 0.12)
  phase = jax.random.uniform(jax.random.fold_in(p.person, 4), (2,))

  def fringe(out, length, spacing, phase):
    # Lashes lean away from the middle and thin out towards their tips.
    lean = x + (0.45 - t) * 2.2 * out
    comb = wave(lean / spacing + phase + 0.2 * wave(0.27 * lean + phase))
    rest = 1 - out / length
    return smooth(comb + 2 * rest - 1.3, 1.0) * smooth(rest, 0.3)

  growing = p.lash_length * (0.5 + 0.7 * t)
  upper = fringe(jnp.maximum(-under, 0.0), growing, 1.0, phase[0])
  upper *= smooth(under + growing, 0.5) * smooth(0.9 - under, 0.8)
  lower = fringe(jnp.maximum(-over, 0.0), 0.45 * growing, 1.7, phase[1])
  lower *= smooth(0.2 - over, 0.4)
  return on_lid * p.lash_density * jnp.maximum(upper, 0.45 * lower)


def _glasses(scene: Scene, light):
  """Return the light through lens and rim, if the person wears glasses."""
  p = scene.parameters
  length = (-25.0 - scene.start.z) / scene.ray.z
  point = scene.start.along(scene.ray, length)
  u = jnp.abs(point.x - p.glasses_x) / p.glasses_width
  v = jnp.abs(point.y - p.glasses_y) / p.glasses_height
  out = (jnp.sqrt(jnp.sqrt(u**4 + v**4)) - 1) * p.glasses_height
  rim = smooth(p.glasses_rim / 2 - jnp.abs(out), 0.4)
  shine = p.glasses_albedo + 0.5 * bell((out + 0.3) / 0.3) * p.light
  stripe = smooth(3.0 - jnp.abs(u * 9 - v * 4 + 3 * scene.light.x), 3.0)
  lens = p.lens_reflection * (0.15 + 0.5 * stripe) * smooth(-out, 0.4)
  return light + p.glasses * (lens + rim * (shine * p.ambient - light))
