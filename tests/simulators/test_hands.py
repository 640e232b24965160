"""The hand simulator: its labels against its own pixels, and its promises."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from simgan_jax.machine.errors import InputError
from simgan_jax.simulators import hand_images as conventions
from simgan_jax.simulators import (
    hand_kinematics,
    hand_sensor,
    hand_view,
    hands,
    tiles,
)

DOMAINS = ('synthetic', 'real')
SIZE = 48
SUBJECTS = 8


def make(num, **options):
  size = dict(height=SIZE, width=SIZE, num_subjects=SUBJECTS)
  return hands.generate(num, **dict(seed=3) | size | options)


@functools.cache
def data_set(domain):
  return make(256, domain=domain)


def millimetres(labels):
  return conventions.to_millimetres(labels.joints, labels.intrinsics)


def bone(points, start, end):
  start, end = (conventions.JOINTS.index(name) for name in (start, end))
  return np.linalg.norm(points[:, start] - points[:, end], axis=1)


@pytest.fixture(scope='module')
def scenes():
  """A thousand shots of one person."""
  sample = functools.partial(hands.sample_scene, domain='synthetic')
  keys = jax.random.split(jax.random.key(0), 1000)
  return jax.jit(jax.vmap(sample, in_axes=(None, 0)))(keys[0], keys)


@pytest.fixture(scope='module')
def poses(scenes):
  return scenes.pose


def nth(scenes, number):
  return jax.tree.map(lambda leaf: leaf[number], scenes)


@pytest.fixture(scope='module')
def frontal(scenes):
  """An open right hand, its palm to the camera, the fingers up."""
  scene = nth(scenes, 0)
  return scene._replace(
      pose=scene.pose._replace(flexion=jnp.zeros((5, 3)), wrist=jnp.zeros(2)),
      view=hand_view.HandView(
          turns=jnp.zeros(3),
          centre=jnp.array([20.0, -10.0, 700.0]),
          offset=jnp.zeros(3),
          forearm=jnp.float32(50),
      ),
  )


@pytest.fixture(scope='module')
def draw():
  return jax.jit(functools.partial(hands.render, height=96, width=96))


@pytest.mark.parametrize('domain', DOMAINS)
def test_shapes_dtypes_and_ranges(domain):
  images, labels, subjects = data_set(domain)
  assert images.shape == (256, SIZE, SIZE, 1) and images.dtype == np.uint8
  assert labels.joints.shape == (256, 14, 3)
  assert labels.intrinsics.shape == (256, 4)
  assert labels.joints.dtype == labels.intrinsics.dtype == np.float32
  assert subjects.dtype == np.int32
  assert set(subjects) == set(range(1, SUBJECTS + 1))
  shown = (images < 255).mean((1, 2, 3))
  assert shown.min() > 0.02 and np.median(shown) < 0.5
  distance = labels.intrinsics[:, 0] * conventions.CUBE_MM / SIZE
  assert distance.min() > 549 and distance.max() < 901
  assert distance.std() > 80
  inside = (labels.joints[..., :2] > 0) & (labels.joints[..., :2] < SIZE - 1)
  assert inside.mean() > 0.99


def test_every_joint_is_in_the_flesh_behind_the_visible_surface():
  images, labels, _ = data_set('synthetic')
  centre = labels.intrinsics[:, :1] * conventions.CUBE_MM / SIZE
  column, row = np.round(labels.joints[..., :2]).astype(int).transpose(2, 0, 1)
  value = images[np.arange(256)[:, None], row, column, 0] / 127.5 - 1
  behind = labels.joints[..., 2] - (centre + value * conventions.CUBE_MM / 2)
  # A tip may be half a pixel, 3 mm, off its finger's axis.
  assert (value < 1).mean() > 0.995
  assert behind[value < 1].min() > -3
  joint = dict(zip(conventions.JOINTS, behind.T, strict=True))
  for name, low, high in (
      ('index_tip', 4, 9),
      ('thumb_tip', 5, 11),
      ('palm', 8, 25),
      ('wrist_thumb_side', 8, 25),
  ):
    # What is not behind something else is behind its own flesh only.
    first_half = np.quantile(joint[name], [0.1, 0.4])
    assert low < first_half[0] < first_half[1] < high, name
  tips = behind[:, [0, 2, 4, 6, 8]]
  assert (tips < 15).mean() > 0.6


def test_a_right_palm_has_its_thumb_on_the_right(frontal, draw):
  depth, labels = draw(frontal)
  joint = dict(zip(conventions.JOINTS, np.asarray(labels.joints), strict=True))
  assert joint['thumb_tip'][0] > joint['index_tip'][0] + 5
  assert joint['index_tip'][0] > joint['little_tip'][0] + 5
  assert joint['middle_tip'][1] < joint['palm'][1] < labels.joints[11, 1]
  bent = frontal.pose.flexion.at[2].set(jnp.array([0.5, 0.5, 0.3]))
  _, moved = draw(frontal._replace(pose=frontal.pose._replace(flexion=bent)))
  closer = labels.joints[:, 2] - moved.joints[:, 2]
  # The joints' mean stays where it is.
  assert np.argmax(closer) == conventions.JOINTS.index('middle_tip')
  assert (np.asarray(depth) > 0).any()


def test_five_fingers_are_seen_apart(frontal, draw):
  spread = jnp.radians(jnp.array([55.0, 12.0, 2.0, -9.0, -22.0]))
  scene = frontal._replace(pose=frontal.pose._replace(side=spread))
  depth, labels = draw(scene)
  tips = np.asarray(labels.joints)[[0, 2, 4, 6], :2]
  row = round(tips[:, 1].max() + 6)
  starts = np.diff((np.asarray(depth)[row] > 0).astype(int)) == 1
  assert starts.sum() in (4, 5)


def test_camera_is_the_sensor_s_of_which_the_cube_is_cut(frontal):
  view = frontal.view
  centre = np.asarray(view.centre)
  u, v = centre[:2] / centre[2] * 588 + [319.5, 239.5]
  half = 588 * conventions.CUBE_MM / centre[2] / 2
  expected = conventions.crop_intrinsics(
      (588, 588),
      (319.5, 239.5),
      (u + 0.5 - half, v + 0.5 - half / 2, u + 0.5 + half, v + 0.5 + half / 2),
      height=30,
      width=60,
  )
  actual = hand_view.intrinsics(view, height=30, width=60)
  np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_bones_keep_their_length_and_persons_differ():
  points = millimetres(data_set('synthetic')[1])
  of_persons = points.reshape(-1, SUBJECTS, 14, 3)
  for start, end in (
      ('thumb_tip', 'thumb_middle'),
      ('thumb_middle', 'thumb_root'),
      ('wrist_little_side', 'wrist_thumb_side'),
      ('palm', 'wrist_thumb_side'),
  ):
    length = bone(points, start, end).reshape(-1, SUBJECTS)
    assert length.std(0).max() < 1e-3 * length.mean(), (start, end)
    assert length.mean(0).std() > 0.02 * length.mean(), (start, end)
  assert of_persons.std((0, 1)).min() > 5, 'poses and views vary'
  real = millimetres(data_set('real')[1])
  persons = [
      bone(p, 'palm', 'wrist_thumb_side')[:SUBJECTS] for p in (points, real)
  ]
  assert np.abs(persons[0] - persons[1]).min() > 1e-3


def test_all_bones_of_all_poses_have_the_person_s_lengths(scenes):
  joints = jax.jit(jax.vmap(hand_kinematics.finger_joints))(
      scenes.shape, scenes.pose
  )
  length = np.linalg.norm(np.diff(joints, axis=2), axis=-1)
  np.testing.assert_allclose(length, scenes.shape.bones, rtol=1e-4)


def test_joints_keep_their_limits_and_use_them(poses):
  for angles, limits in (
      (poses.flexion, hand_kinematics.FLEXION_LIMITS),
      (poses.side, hand_kinematics.SIDE_LIMITS),
      (poses.wrist, hand_kinematics.WRIST_LIMITS),
  ):
    degrees = np.degrees(angles)
    assert (degrees >= limits[..., 0] - 1e-3).all()
    assert (degrees <= limits[..., 1] + 1e-3).all()
    moving = limits[..., 1] > limits[..., 0]
    used = (np.ptp(degrees, axis=0) / np.ptp(limits, axis=-1).clip(1))[moving]
    assert used.min() > 0.35


def test_poses_are_natural(poses):
  bent = np.degrees(poses.flexion[:, 1:, 1])
  assert (bent < 25).all(1).mean() > 0.15, 'open hands'
  assert (bent > 75).all(1).mean() > 0.08, 'fists'
  pointing = (bent[:, 0] < 25) & (bent[:, 1:] > 75).all(1)
  assert pointing.mean() > 0.005
  correlation = np.corrcoef(bent.T)
  assert correlation[0, 1] > 0.5 and correlation[2, 3] > 0.5
  middle, last = (
      poses.flexion[:, 1:, 1].ravel(),
      poses.flexion[:, 1:, 2].ravel(),
  )
  assert np.corrcoef(middle, last)[0, 1] > 0.9


def test_same_seed_same_bits_and_longer_set_begins_with_the_shorter():
  images, labels, subjects = data_set('real')
  first, first_labels, first_subjects = make(100, domain='real', batch_size=1)
  np.testing.assert_array_equal(first, images[:100])
  np.testing.assert_array_equal(first_subjects, subjects[:100])
  jax.tree.map(
      lambda a, b: np.testing.assert_array_equal(a, b[:100]),
      first_labels,
      labels,
  )
  middle, middle_labels, middle_subjects = make(30, first=70, domain='real')
  np.testing.assert_array_equal(middle, images[70:100])
  np.testing.assert_array_equal(middle_labels.joints, labels.joints[70:100])
  np.testing.assert_array_equal(middle_subjects, subjects[70:100])
  other, _, _ = make(100, domain='real', seed=4)
  assert (other != images[:100]).mean() > 0.1


def test_number_of_devices_does_not_matter():
  assert jax.local_device_count() > 1
  domain = 'real'
  one = hands._make_tiles(domain, SIZE, SIZE, num_devices=1)
  number = np.arange(tiles.TILE, 2 * tiles.TILE, dtype=np.int32)
  images, labels = one(3, SUBJECTS, number)
  # XLA compiles one device apart, which rounds a few grey values the other
  # way, and puts a few pixels on the other side of an edge.
  different = images != data_set(domain)[0][number]
  assert different.mean() < 1e-3
  expected = data_set(domain)[1].joints[number]
  np.testing.assert_allclose(labels.joints, expected, atol=1e-3)


def test_works_under_another_mesh():
  with jax.set_mesh(jax.make_mesh((2, 4), ('model', 'data'))):
    images, _, _ = make(20)
  np.testing.assert_array_equal(images, data_set('synthetic')[0][:20])


def shown(domain):
  return data_set(domain)[0][..., 0] < 255


def test_only_the_sensor_makes_holes(scenes, draw):
  observe = jax.jit(hand_sensor.observe)
  true, measured = [], []
  for number in range(12):
    depth, labels = draw(nth(scenes, number))
    joint = dict(
        zip(conventions.JOINTS, np.asarray(labels.joints), strict=True)
    )
    share = np.linspace(0, 1, 30)[:, None]
    for start, end in (
        ('thumb_tip', 'thumb_middle'),
        ('thumb_middle', 'thumb_root'),
        ('palm', 'wrist_little_side'),
        ('palm', 'wrist_thumb_side'),
    ):
      points = joint[start] + share * (joint[end] - joint[start])
      column, row = np.round(points[:, :2]).astype(int).T
      true.append(np.asarray(depth)[row, column])
      seen = observe(jax.random.key(number), depth, labels.intrinsics)
      measured.append(np.asarray(seen)[row, column])
  assert (np.stack(true) > 0).all()
  assert 0.01 < (np.stack(measured) == 0).mean() < 0.2


def test_lone_holes_come_from_the_sensor():
  def holes(domain):
    """Return how many lone pixels of an image show nothing."""
    mask = shown(domain)
    around = np.ones((1, 3, 3))
    count = ndimage.convolve(mask.astype(int), around, mode='constant')
    return (~mask & (count == 8)).sum((1, 2))

  # Between two fingers there may be a true one.
  assert holes('real').mean() > 6 * holes('synthetic').mean()
  assert (holes('real') > 0).mean() > 0.7


def test_the_sensor_frays_the_edges():
  def ragged(domain):
    """Return the share of the hand's pixels that a median filter changes."""
    mask = shown(domain).astype(np.uint8)
    return (ndimage.median_filter(mask, (1, 3, 3)) != mask).mean() / mask.mean()

  assert ragged('synthetic') < 0.06
  assert ragged('real') > 2 * ragged('synthetic')


def test_the_sensor_roughens_the_surface():
  def roughness(domain):
    """Return how far pixels are off the mean beside them, median, mm."""
    image, mask = data_set(domain)[0][..., 0].astype(float), shown(domain)
    inner = ndimage.binary_erosion(mask, np.ones((1, 3, 3)))
    bend = image[:, :, 2:] + image[:, :, :-2] - 2 * image[:, :, 1:-1]
    return np.median(np.abs(bend[inner[:, :, 1:-1]])) * 150 / 127.5

  assert roughness('real') > 1.3 * roughness('synthetic')


def test_the_domains_mean_the_same():
  points = [millimetres(data_set(domain)[1]) for domain in DOMAINS]
  points = [p - p.mean(1, keepdims=True) for p in points]
  spread = (points[0].std(0) + points[1].std(0)) / 2
  difference = np.abs(points[0].mean(0) - points[1].mean(0))
  assert (difference < 0.35 * spread).all()
  np.testing.assert_allclose(points[0].std(0), points[1].std(0), rtol=0.3)


def test_arms_reach_the_rim_and_only_real_images_have_clutter():
  rim = np.ones((SIZE, SIZE), bool)
  rim[1:-1, 1:-1] = False
  for domain in DOMAINS:
    assert shown(domain)[:, rim].any(1).mean() > 0.5
  keys = jax.random.split(jax.random.key(0), 2)
  synthetic, real = (
      hands.sample_scene(*keys, domain=domain).clutter.start
      for domain in DOMAINS
  )
  assert len(synthetic) == 0 and len(real) == 2


def test_unknown_domain_and_bad_numbers_are_input_errors():
  key = jax.random.key(0)
  with pytest.raises(InputError, match="'cartoon'.*'synthetic', 'real'"):
    hands.sample_scene(key, key, domain='cartoon')
  with pytest.raises(InputError, match='cartoon'):
    hands.generate(1, seed=0, domain='cartoon')
  for name in ('num_subjects', 'height', 'width', 'batch_size'):
    with pytest.raises(InputError, match=f'{name} is 0'):
      hands.generate(1, seed=0, **{name: 0})
  with pytest.raises(InputError, match='num is -1'):
    hands.generate(-1, seed=0)
