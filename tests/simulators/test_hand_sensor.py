"""The simulated depth sensor, on walls, planes and discs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.simulators import hand_sensor

SIZE = 64


def camera(distance_mm, size=SIZE):
  focal = size * distance_mm / 300
  return jnp.array([focal, focal, (size - 1) / 2, (size - 1) / 2])


observe = jax.jit(jax.vmap(hand_sensor.observe, in_axes=(0, None, None)))


def measure(depth, distance_mm, num=8):
  keys = jax.random.split(jax.random.key(5), num)
  intrinsics = camera(distance_mm, depth.shape[1])
  return np.asarray(observe(keys, jnp.asarray(depth), intrinsics))


def wall(distance_mm):
  return jnp.full((SIZE, SIZE), distance_mm, jnp.float32)


def plane(slope):
  """Return the depth, mm, of a plane that recedes by `slope` mm a mm of x."""
  # z = 700 + slope * x, with x = ray * z.
  ray = (jnp.arange(SIZE) - (SIZE - 1) / 2) / camera(700)[0]
  return jnp.broadcast_to(700 / (1 - slope * ray), (SIZE, SIZE))


@pytest.mark.parametrize('distance', [550.0, 900.0])
def test_step_of_depth_grows_with_its_square(distance):
  depth = distance + jnp.linspace(0, 30, 900)[None]
  steps = np.asarray(hand_sensor.quantise(depth, jnp.zeros_like(depth)))
  levels = np.unique(steps)
  middle = (levels[1:] + levels[:-1]) / 2
  np.testing.assert_allclose(np.diff(levels), 2.85e-6 * middle**2, rtol=1e-2)
  assert np.abs(steps - depth).max() < 0.51 * np.diff(levels).max()


def test_what_is_not_measured_stays_so():
  depth = jnp.array([[0.0, 700.0]])
  steps = hand_sensor.quantise(depth, jnp.full((1, 2), 3.0))
  assert steps[0, 0] == 0 < steps[0, 1] < 700, 'a larger shift is nearer'


def test_shadow_lies_on_the_left_and_is_as_wide_as_the_baseline_makes_it():
  near, far = 600.0, 800.0
  depth = wall(far).at[20:40, 40:50].set(near)
  intrinsics = camera(700)
  lost = np.asarray(hand_sensor.shadowed(depth, intrinsics))
  fx = float(intrinsics[0])
  width = fx * hand_sensor.BASELINE_MM * (1 / near - 1 / far)
  # The window bridges a little.
  bridged = hand_sensor._SHADOW_PX * fx / hand_sensor.FOCAL_PX
  assert not lost[:20].any() and not lost[40:].any() and not lost[:, 40:].any()
  np.testing.assert_allclose(lost[20:40].sum(1), width - bridged, atol=1)
  assert lost[20:40, 39].all() and not lost[20:40, : int(39 - width)].any()


def test_nothing_is_in_the_shadow_of_nothing():
  depth = jnp.zeros((8, SIZE)).at[:, 30:34].set(700.0)
  assert not hand_sensor.shadowed(depth, camera(700)).any()


@pytest.mark.parametrize('slope', [0.0, 1.0, 3.0])
def test_steepness_is_the_slope_of_a_plane(slope):
  # Near the axis, where a mm of x is a mm across the ray.
  actual = hand_sensor.steep(plane(slope), camera(700))[:, 31:33]
  # Along the ray the plane's points lie farther apart on its far side.
  np.testing.assert_allclose(actual, slope, rtol=0.1, atol=1e-3)


def test_steeper_surfaces_are_lost_more_often():
  share = [(measure(plane(s), 700) == 0).mean() for s in (0.0, 2.0)]
  assert share[0] < 0.012
  assert share[1] > 2 * share[0]


def test_noise_grows_with_the_square_of_the_distance():
  deviation = []
  for distance in (550.0, 900.0):
    seen = measure(wall(distance), distance)
    deviation.append(seen[seen > 0].std())
    assert seen[seen > 0].mean() == pytest.approx(distance, rel=1e-3)
  assert deviation[1] / deviation[0] == pytest.approx((900 / 550) ** 2, rel=0.1)
  assert 0.5 < deviation[0] < deviation[1] < 5


def test_noise_grows_at_grazing_angles(monkeypatch):
  # Else where a pixel is looked up changes the depth of a slope, too.
  monkeypatch.setattr(hand_sensor, '_JITTER_PX', 0.0)
  look = jax.jit(jax.vmap(hand_sensor.observe, in_axes=(0, None, None)))
  keys = jax.random.split(jax.random.key(5), 8)
  deviation = []
  for slope in (0.0, 2.0):
    # At one distance: near the axis.
    true = np.asarray(plane(slope))[:, 28:36]
    seen = np.asarray(look(keys, plane(slope), camera(700)))[..., 28:36]
    deviation.append((seen - true)[seen > 0].std())
  assert deviation[1] == pytest.approx(2 * deviation[0], rel=0.1)


grain = jax.jit(hand_sensor.grain, static_argnums=1)


def test_grain_has_unit_variance_and_the_sensor_s_size():
  for zoom in (0.25, 1.0):
    noise = np.asarray(
        grain(jax.random.key(0), (4, 128, 128), jnp.array([zoom, zoom]))
    )
    assert noise.std() == pytest.approx(1, abs=0.07)
    # Of white noise behind a Gaussian window, to the grid's coarseness.
    expected = np.exp(-1 / (2 * hand_sensor._GRAIN_PX * zoom) ** 2)
    for axis in (1, 2):
      pairs = noise * np.roll(noise, 1, axis)
      assert pairs.mean() == pytest.approx(expected, abs=0.12)


def disc(size, radius_mm=80.0):
  """Return the depth of a disc at 700 mm before nothing."""
  axis = (np.arange(size) - (size - 1) / 2) * 300 / size
  inside = axis[:, None] ** 2 + axis**2 < radius_mm**2
  return jnp.where(inside, 700.0, 0.0)


def test_edges_fray_by_the_same_millimetres_whatever_the_image_s_size():
  change = []
  for size in (SIZE, 160):
    true = np.asarray(disc(size))
    seen = measure(true, 700)
    change.append(((seen > 0) != (true > 0)).mean())
  assert change[0] > 0.01
  assert change[1] == pytest.approx(change[0], rel=0.5)


def test_an_edge_shows_either_side_s_depth_or_none():
  # Without a shadow, which lies on the left.
  depth = wall(800.0).at[:, :32].set(600.0)
  seen = measure(depth, 700)
  near, far = np.abs(seen - 600) < 30, np.abs(seen - 800) < 30
  assert (near | far | (seen == 0)).all()
  assert near[:, :, 32:].any() and far[:, :, :32].any()
  assert (seen[:, :, 30:34] == 0).mean() > 5 * (seen[:, :, 36:] == 0).mean()
  assert near[:, :, :28].mean() > 0.98 and far[:, :, 36:].mean() > 0.98


def test_the_key_decides_everything():
  first, second = (measure(disc(SIZE), 700) for _ in range(2))
  np.testing.assert_array_equal(first, second)
  assert (first[0] != first[1]).mean() > 0.05
