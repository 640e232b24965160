"""The eye simulator: its labels against its own pixels, and its promises."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.machine.errors import InputError
from simgan_jax.simulators import eye_geometry, eyes, tiles

DOMAINS = ('synthetic', 'real')


@functools.cache
def data_set(domain):
  return eyes.generate(
      320, seed=3, domain=domain, num_subjects=40, batch_size=128
  )


@pytest.fixture(scope='module', params=DOMAINS)
def made(request):
  return data_set(request.param)


@functools.cache
def renderer(height, width):
  return jax.jit(functools.partial(eyes.render, height=height, width=width))


def draw(parameters, *, scale=4):
  """Return a large picture, for measurements below a pixel, and labels."""
  image, labels = renderer(35 * scale, 55 * scale)(
      jax.random.key(0), parameters
  )
  return np.asarray(image[..., 0]), jax.tree.map(np.asarray, labels)


@pytest.fixture(scope='module')
def frontal():
  """A wide open, evenly lit eye that looks into the lens."""
  key = jax.random.key(1)
  parameters = eyes.sample_parameters(key, key, domain='synthetic')
  plain = dict(
      gaze_yaw=0.0,
      gaze_pitch=0.0,
      head_yaw=0.0,
      head_pitch=0.0,
      head_roll=0.0,
      openness=1.1,
      pupil_radius=2.0,
      offset_x=0.0,
      offset_y=0.0,
      light_yaw=0.0,
      light_pitch=0.3,
      glint=0.0,
      reflection=0.0,
      lash_density=0.0,
  )
  return parameters._replace(**{k: jnp.float32(v) for k, v in plain.items()})


def replaced(parameters, **values):
  return parameters._replace(**{k: jnp.float32(v) for k, v in values.items()})


def changed(parameters, **values):
  """Return where the picture shows the change of a parameter, [h, w] bool."""
  before, labels = draw(parameters)
  after, _ = draw(replaced(parameters, **values))
  return np.abs(after - before) > 0.1, labels


def centroid(mask):
  return np.argwhere(mask).mean(0)[::-1]


def test_ranges_and_dtypes(made):
  images, labels, subjects = made
  assert images.shape == (320, 35, 55, 1) and images.dtype == np.uint8
  assert subjects.dtype == np.int32
  assert set(subjects) == set(range(1, 41))
  shapes = {name: leaf.shape[1:] for name, leaf in labels._asdict().items()}
  assert shapes == dict(
      gaze=(3,),
      head_pose=(2,),
      iris_centre=(2,),
      pupil=(8, 2),
      upper_lid=(7, 2),
      lower_lid=(7, 2),
  )
  assert all(leaf.dtype == np.float32 for leaf in labels)
  assert all(np.isfinite(leaf).all() for leaf in labels)
  np.testing.assert_allclose(np.linalg.norm(labels.gaze, axis=1), 1, atol=1e-5)
  assert images.std((1, 2, 3)).min() > 5, 'an image shows nothing'


def test_gaze_and_head_pose_cover_their_ranges(made):
  _, labels, _ = made
  x, y, z = labels.gaze.T
  yaw, pitch = np.degrees(np.arctan2(-x, -z)), np.degrees(np.arcsin(-y))
  assert 20 < yaw.max() < 22.5 and -22.5 < yaw.min() < -20
  assert 14 < pitch.max() < 16.5 and -16.5 < pitch.min() < -14
  head_yaw, head_pitch = np.degrees(labels.head_pose).T
  assert 25 < np.abs(head_yaw).max() <= 30.1
  assert 8 < np.abs(head_pitch).max() <= 10.1


def test_eye_fills_two_thirds_of_the_width(made):
  _, labels, _ = made
  eye_width = labels.upper_lid[:, -1, 0] - labels.upper_lid[:, 0, 0]
  assert abs(eye_width.mean() - 55 / 1.5) < 1
  points = np.concatenate([labels.upper_lid, labels.lower_lid], axis=1)
  middle = (points.min(1) + points.max(1)) / 2
  np.testing.assert_allclose(middle.mean(0), [27, 17], atol=0.5)
  assert np.abs(middle - np.array([[27, 17]])).max() < 3


@pytest.mark.parametrize('axis, name', [(0, 'gaze_yaw'), (1, 'gaze_pitch')])
def test_gaze_moves_the_dark_iris_the_way_its_vector_points(
    frontal, axis, name
):
  places, gazes = [], []
  for angle in (-0.3, 0.3):
    dark = replaced(frontal, iris_albedo=0.02, **{name: angle})
    image, labels = draw(dark)
    low = labels.upper_lid.min(0).astype(int)
    high = labels.lower_lid.max(0).astype(int)
    inside = image[low[1] : high[1], low[0] : high[0]]
    places.append(centroid(inside < np.quantile(inside, 0.2)) + low)
    gazes.append(labels.gaze)
  moved, turned = places[1] - places[0], gazes[1] - gazes[0]
  # yaw = atan2(-x, -z), pitch = asin(-y).
  assert turned[axis] < -0.5
  # px of 220; up and down the crop and the lids follow the gaze.
  assert moved[axis] * np.sign(turned[axis]) > 4


def test_iris_centre_is_dark(made):
  images, labels, _ = made
  column, row = np.round(labels.iris_centre).astype(int).T
  number = np.arange(len(images))
  patch = [
      images[number, row + i, column + j, 0]
      for i in (-1, 0, 1)
      for j in (-1, 0, 1)
  ]
  median = np.median(images, axis=(1, 2, 3))
  assert (np.median(patch, axis=0) < median).mean() > 0.95


def test_iris_centre_is_the_middle_of_the_rendered_iris(frontal):
  # The whole iris shows only where the lids are pulled far open.
  wide = replaced(frontal, upper_height=9, lower_height=9, gaze_yaw=0.2)
  mask, labels = changed(wide, iris_albedo=0.9, limbus_ring=0.0)
  np.testing.assert_allclose(centroid(mask), labels.iris_centre, atol=1.5)


def test_lid_landmarks_lie_on_the_rendered_edge(frontal):
  turned = replaced(frontal, head_yaw=0.3, gaze_pitch=-0.15, nose=8)
  white = replaced(turned, sclera_albedo=0.6, iris_albedo=0.6)
  mask, labels = changed(white, sclera_albedo=0.05, iris_albedo=0.02)
  for lid, edge in ((labels.upper_lid, np.min), (labels.lower_lid, np.max)):
    for x, y in lid[2:-1]:
      # The lower lid's wet rim is 4 px broad in this picture.
      rows = np.flatnonzero(mask[:, round(x)])
      assert abs(edge(rows) - y) < (3 if edge is np.min else 6)


def test_pupil_is_seen_through_the_refracting_cornea(frontal, monkeypatch):
  bright = replaced(
      frontal,
      gaze_yaw=0.38,
      pupil_radius=2.5,
      iris_albedo=0.9,
      iris_fibre=0.0,
      iris_crypt=0.0,
      iris_furrow=0.0,
      iris_collarette=0.0,
      limbus_ring=0.0,
  )
  image, labels = draw(bright)
  (left, top), (right, bottom) = labels.pupil.min(0), labels.pupil.max(0)
  mask = np.zeros(image.shape, bool)
  window = (
      slice(round(top) - 5, round(bottom) + 6),
      slice(round(left) - 5, round(right) + 6),
  )
  mask[window] = image[window] < 0
  np.testing.assert_allclose(centroid(mask), labels.pupil.mean(0), atol=0.7)
  axes = np.linalg.norm(labels.pupil[[0, 2]] - labels.pupil[[4, 6]], axis=1)
  assert mask.sum() == pytest.approx(np.pi / 4 * axes.prod(), rel=0.1)
  # In air the pupil would lie deeper and look smaller.
  monkeypatch.setattr(eye_geometry, 'REFRACTIVE_INDEX', 1.0)
  _, bare = eye_geometry.frame(bright, height=140, width=220)
  assert abs(bare.pupil.mean(0) - labels.pupil.mean(0))[0] > 0.8
  bare = np.asarray(bare.pupil)
  bare_axes = np.linalg.norm(bare[[0, 2]] - bare[[4, 6]], axis=1)
  assert (axes > 1.08 * bare_axes).all()


def test_head_pose_changes_the_image_and_not_the_gaze(frontal):
  straight, labels = draw(frontal)
  for name in ('head_yaw', 'head_pitch', 'head_roll'):
    turned, turned_labels = draw(replaced(frontal, **{name: 0.15}))
    assert np.abs(turned - straight).mean() > 0.01, name
    np.testing.assert_array_equal(turned_labels.gaze, labels.gaze)


def test_lids_follow_the_gaze(frontal):
  def height(pitch):
    _, labels = draw(replaced(frontal, gaze_pitch=pitch))
    corners = (labels.upper_lid[0, 1] + labels.upper_lid[-1, 1]) / 2
    return corners - labels.upper_lid[3, 1], labels.lower_lid[3, 1] - corners

  up, down = height(0.25), height(-0.25)
  assert up[0] > down[0] + 10  # px of 220 across the image
  assert up[1] < down[1] - 2


def test_same_seed_same_bits_and_longer_set_begins_with_the_shorter():
  images, labels, subjects = data_set('real')
  first, first_labels, first_subjects = eyes.generate(
      100, seed=3, domain='real', num_subjects=40, batch_size=128
  )
  np.testing.assert_array_equal(first, images[:100])
  np.testing.assert_array_equal(first_subjects, subjects[:100])
  jax.tree.map(
      lambda a, b: np.testing.assert_array_equal(a, b[:100]),
      first_labels,
      labels,
  )
  other, _, _ = eyes.generate(
      100, seed=4, domain='real', num_subjects=40, batch_size=128
  )
  assert (other != images[:100]).mean() > 0.9
  middle, middle_labels, middle_subjects = eyes.generate(
      30, first=70, seed=3, domain='real', num_subjects=40, batch_size=128
  )
  np.testing.assert_array_equal(middle, images[70:100])
  np.testing.assert_array_equal(middle_labels.gaze, labels.gaze[70:100])
  np.testing.assert_array_equal(middle_subjects, subjects[70:100])


def test_batch_size_does_not_matter():
  images, labels, _ = eyes.generate(
      200, seed=3, domain='synthetic', num_subjects=40, batch_size=256
  )
  np.testing.assert_array_equal(images, data_set('synthetic')[0][:200])
  np.testing.assert_array_equal(
      labels.pupil, data_set('synthetic')[1].pupil[:200]
  )


def test_number_of_devices_does_not_matter():
  assert jax.local_device_count() > 1
  make = eyes._make_tiles('real', 35, 55, num_devices=1)
  for start in (0, tiles.TILE):
    number = np.arange(start, start + tiles.TILE, dtype=np.int32)
    images, labels = make(3, 40, number)
    # XLA compiles one device apart, which rounds a few grey values the other
    # way; behind JPEG's quantisation a rounding is a step.
    different = images != data_set('real')[0][number]
    assert different.mean() < 2e-3
    np.testing.assert_allclose(
        labels.pupil, data_set('real')[1].pupil[number], atol=1e-4
    )


def test_works_under_another_mesh():
  with jax.set_mesh(jax.make_mesh((2, 4), ('model', 'data'))):
    images, _, _ = eyes.generate(20, seed=3, num_subjects=40)
  np.testing.assert_array_equal(images, data_set('synthetic')[0][:20])


def test_domains_look_different_and_mean_the_same():
  synthetic, real = (data_set(domain) for domain in DOMAINS)
  assert (synthetic[1].gaze != real[1].gaze).any(1).mean() > 0.9, 'one stream'

  def edges(images):
    return np.abs(np.diff(images[..., 0].astype(float), axis=2)).mean()

  contrast = [images.std((1, 2, 3)) for images in (synthetic[0], real[0])]
  assert contrast[1].std() > 1.2 * contrast[0].std()
  brightness = [images.mean((1, 2, 3)) for images in (synthetic[0], real[0])]
  assert brightness[1].std() > 1.2 * brightness[0].std()
  assert edges(synthetic[0]) != pytest.approx(edges(real[0]), rel=0.02)
  for name in eyes.EyeLabels._fields:
    a, b = (getattr(made[1], name) for made in (synthetic, real))
    spread = a.std(0) + b.std(0) + 1e-3
    assert (np.abs(a.mean(0) - b.mean(0)) < 0.25 * spread).all(), name
    np.testing.assert_allclose(a.std(0), b.std(0), rtol=0.25, err_msg=name)


def test_persons_keep_their_anatomy_and_differ_between_domains():
  def anatomy(domain, subject, shot):
    return eyes.sample_parameters(
        jax.random.key(subject), jax.random.key(shot), domain=domain
    )

  one, again, other = (
      anatomy('real', 1, 1),
      anatomy('real', 1, 2),
      anatomy('real', 2, 1),
  )
  assert one.limbus_radius == again.limbus_radius
  assert one.skin_tone == again.skin_tone != other.skin_tone
  assert one.gaze_yaw == other.gaze_yaw != again.gaze_yaw


def test_unknown_domain_and_bad_numbers_are_input_errors():
  key = jax.random.key(0)
  with pytest.raises(InputError, match="'cartoon'.*'synthetic', 'real'"):
    eyes.sample_parameters(key, key, domain='cartoon')
  with pytest.raises(InputError, match='cartoon'):
    eyes.generate(1, seed=0, domain='cartoon')
  with pytest.raises(InputError, match='num_subjects is 0'):
    eyes.generate(1, seed=0, num_subjects=0)
