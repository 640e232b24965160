"""The depth of round cones, against closed forms and many spheres."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.simulators import hand_surface


def cones(start, end, start_radius, end_radius):
  return hand_surface.Cones(
      *(jnp.array([v], jnp.float32) for v in (start, end)),
      *(jnp.array([v], jnp.float32) for v in (start_radius, end_radius)),
  )


cast = jax.jit(hand_surface.cast)


def grid(size=41):
  axis = jnp.linspace(-0.1, 0.1, size)
  return jnp.meshgrid(axis, axis)


def test_a_capsule_across_the_view_has_the_depth_of_a_cylinder():
  x, y = grid()
  capsule = cones([-50, 0, 700], [50, 0, 700], 20, 20)
  depth = cast(capsule, x, y, jnp.float32(700))
  # y z along the ray; (y z)^2 + (z - 700)^2 = 20^2.
  a, b, c = 1 + y**2, -700.0, 700.0**2 - 400
  root = b**2 - a * c
  expected = jnp.where(root > 0, (-b - jnp.sqrt(jnp.abs(root))) / a, 0)
  inside = abs(x) * 700 < 45
  np.testing.assert_allclose(
      np.asarray(depth)[inside], np.asarray(expected)[inside], atol=0.05
  )


@pytest.mark.parametrize(
    'ends',
    [
        ([0, 0, 700], [0, 0, 700], 30, 30),
        ([-30, 10, 690], [40, -20, 720], 18, 9),
        ([0, 5, 760], [3, 0, 660], 10, 16),
        ([0, 0, 660], [10, 0, 760], 8, 25),
    ],
)
def test_a_round_cone_is_the_union_of_its_spheres(ends):
  x, y = (np.asarray(v, np.float64) for v in grid())
  start, end, first, last = ends
  depth = np.asarray(cast(cones(*ends), *grid(), jnp.float32(700)))
  share = np.linspace(0, 1, 2001)[:, None, None, None]
  ray = np.stack([x, y, np.ones_like(x)], axis=-1)
  expected = np.full(x.shape, np.inf)
  for part in share:
    centre = np.array(start) + part * (np.array(end) - start)
    radius = first + part[..., 0] * (last - first)
    a, b = (ray**2).sum(-1), (ray * centre).sum(-1)
    root = b**2 - a * ((centre**2).sum(-1) - radius**2)
    hit = np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
    expected = np.minimum(expected, hit)
  seen = np.isfinite(expected)
  assert ((depth > 0) == seen).mean() > 0.998
  both = (depth > 0) & seen
  # The spheres' envelope has tiny dents.
  assert np.quantile(np.abs(depth - expected)[both], 0.98) < 0.1


def test_creases_are_filled_and_nothing_else_is_moved():
  one = cones([-8, -60, 700], [-8, 60, 700], 10, 10)
  other = cones([8, -60, 700], [8, 60, 700], 10, 10)
  x, y = grid()
  alone = [cast(c, x, y, jnp.float32(700)) for c in (one, other)]
  both = cast(hand_surface.join(one, other), x, y, jnp.float32(700))
  nearest = jnp.minimum(*(jnp.where(d > 0, d, 1e4) for d in alone))
  filled = np.where(both > 0, nearest - both, 0)
  most = hand_surface._BLEND_MM * np.log(2)
  assert filled.min() > -1e-2 and filled.max() == pytest.approx(most, abs=0.1)
  assert filled[:, abs(x[0]) * 700 > 14].max() < 0.1
