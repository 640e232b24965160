"""The parameters of one eye image, and how persons and shots are drawn."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from simgan_jax.simulators import eye_ranges, tiles
from simgan_jax.simulators.camera import CameraParameters

Scalar = Float[Array, '']
_MAX_EYE_IN_HEAD = jnp.pi * 38 / 180  # a comfortable eye rotation, radians


class EyeParameters(NamedTuple):
  """Everything one image needs: float32 scalars and one key.

  Lengths are millimetres in the head's frame (x right, y down, z into the
  head, origin in the eyeball's centre), angles radians, albedos and strengths
  linear and without unit. Yaw and pitch follow the package's gaze convention.
  """

  # The person's anatomy, the same distribution in both domains.
  eyeball_radius: Scalar
  cornea_radius: Scalar
  limbus_radius: Scalar
  iris_depth: Scalar  # from the limbus plane back to the iris
  inner_x: Scalar  # the two corners of the lids
  inner_y: Scalar
  outer_x: Scalar
  outer_y: Scalar
  upper_height: Scalar  # of the upper lid over the line between the corners
  lower_height: Scalar  # of the lower lid under it
  upper_skew: Scalar  # > 0: the lid is highest towards the outer corner
  lower_skew: Scalar
  lid_fullness: Scalar  # 0 a parabola, 0.7 nearly a box
  crease_height: Scalar  # of the upper lid's fold over the lid's edge
  crease_depth: Scalar  # 0 no fold, 1 a deep one
  bag_depth: Scalar  # the fold under the lower lid
  bulge: Scalar  # height of the lids over the face
  brow: Scalar  # height of the brow ridge
  nose: Scalar  # height of the nose's flank
  lash_length: Scalar
  lash_density: Scalar  # 0 none, 1 a closed fringe
  # The person's looks.
  skin_tone: Scalar  # albedo
  skin_roughness: Scalar  # contrast of pores and wrinkles
  skin_shine: Scalar
  sclera_albedo: Scalar
  vein: Scalar  # contrast of the veins
  iris_albedo: Scalar
  iris_fibre: Scalar  # contrast of the radial fibres
  iris_crypt: Scalar  # contrast of the dark gaps
  iris_furrow: Scalar  # contrast of the rings
  iris_collarette: Scalar  # > 0 a bright, < 0 a dark ring round the pupil
  limbus_width: Scalar
  limbus_ring: Scalar  # darkness of the iris' edge
  glasses: Scalar  # 0 or 1
  glasses_x: Scalar  # centre of the lens
  glasses_y: Scalar
  glasses_width: Scalar  # half the lens
  glasses_height: Scalar
  glasses_rim: Scalar  # thickness
  glasses_albedo: Scalar
  person: Key[Array, '']  # decides the textures of skin, iris and lashes
  # The shot.
  gaze_yaw: Scalar
  gaze_pitch: Scalar
  head_yaw: Scalar
  head_pitch: Scalar
  head_roll: Scalar
  openness: Scalar  # how far the lids are open, 1 at rest
  pupil_radius: Scalar
  distance: Scalar  # from the camera to the eyeball's centre
  offset_x: Scalar  # the landmark detector's error, shares of the eye's width
  offset_y: Scalar
  zoom: Scalar  # the detector's error of scale, 1 is exact
  light_yaw: Scalar  # where the directed light comes from
  light_pitch: Scalar
  light: Scalar  # its strength
  ambient: Scalar
  uneven: Scalar  # contrast of the patches of light on the face
  shadow: Scalar  # darkness of the shadows that lids, brow and nose cast
  glint: Scalar  # strength of the light's mirror image on the cornea
  glint_size: Scalar  # its angular radius
  reflection: Scalar  # of the surroundings on the cornea
  lens_reflection: Scalar  # on glasses
  camera: CameraParameters


def _draw(key, ranges: dict[str, tuple[float, float]]) -> dict[str, Scalar]:
  """Draw one uniform number from each range."""
  low, high = jnp.array(list(ranges.values()), jnp.float32).T
  values = low + (high - low) * jax.random.uniform(key, low.shape)
  return dict(zip(ranges, values, strict=True))


def sample_parameters(
    subject_key: Key[Array, ''], key: Key[Array, ''], *, domain: str
) -> EyeParameters:
  """Draw a person and a shot of that person, without a batch dimension.

  Anatomy, gaze, head pose, lids and framing have the same distribution in both
  domains; looks, light and camera differ.

  Args:
    subject_key: Key of the person: anatomy, skin, iris, glasses.
    key: Key of the shot: gaze, head pose, lids, pupil, light, camera.
    domain: 'synthetic' or 'real'.

  Raises:
    InputError: If the domain is unknown.
  """
  tiles.check_domain(domain)
  glasses, person = (jax.random.fold_in(subject_key, i) for i in range(2))
  shot = _draw(key, eye_ranges.SHOT | eye_ranges.LIGHT[domain])
  # The head never turns further than the eye can turn back.
  gaze = shot['gaze_yaw']
  most, least = gaze + _MAX_EYE_IN_HEAD, gaze - _MAX_EYE_IN_HEAD
  shot['head_yaw'] = jnp.clip(shot['head_yaw'], least, most)
  camera = _draw(jax.random.fold_in(key, 1), eye_ranges.CAMERA[domain])
  wears_glasses = jax.random.bernoulli(
      glasses, eye_ranges.GLASSES_SHARE[domain]
  )
  return EyeParameters(
      **_draw(subject_key, eye_ranges.ANATOMY | eye_ranges.LOOKS[domain]),
      glasses=wears_glasses.astype(jnp.float32),
      person=person,
      **shot,
      camera=CameraParameters(**camera),
  )
