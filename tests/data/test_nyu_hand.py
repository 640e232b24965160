"""NYU hands: labels, crops and grey values; the authentic frame; damage."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from configs import hands as hands_config
from simgan_jax.data import inputs, nyu_hand
from simgan_jax.evaluation import training_sets
from simgan_jax.machine.errors import InputError
from simgan_jax.simulators import hand_images

SOURCE = 'nyu_hand'

REAL = Path('../shared/data/nyu')
# The data set's 36 joints, and the 14 that the literature evaluates.
NAMES = [
    *(
        f'{finger}_KNU{knuckle}_{end}'
        for finger in ('F1', 'F2', 'F3', 'F4', 'TH')
        for knuckle in (3, 2, 1)
        for end in 'AB'
    ),
    *(f'PALM_{i}' for i in range(1, 7)),
]
EVALUATED = [0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32]
# The drawn surface lies before a joint; the renderings' is another one.
SURFACE_MM = {'real': 8, 'synthetic': 20}
NUM_FRAMES = {'train': 3, 'test': 2}
SQUARE = {'height': 64, 'width': 64}


def hand_xyz(num_frames: int, *, seed: int) -> np.ndarray:
  """Joints [3, n, 36, 3] mm with y up: a bent 6x6 grid which moves about."""
  rng = np.random.default_rng(seed)
  y, x = np.divmod(np.arange(36), 6)
  grid = np.stack([30.0 * x - 75, 75 - 30.0 * y, 3.0 * x - y**2], axis=-1)
  middle = rng.uniform((-90, -60, 650), (90, 60, 800), (3, num_frames, 1, 3))
  return grid + middle


def to_uvd(xyz: np.ndarray) -> np.ndarray:
  """The data set's own projection."""
  x, y, z = np.moveaxis(xyz, -1, 0)
  u = 588.036865 * x / z + 320
  return np.stack([u, 240 - 587.075073 * y / z, z], axis=-1)


def save_depth(file: Path, depth_mm: np.ndarray) -> None:
  depth_mm = np.asarray(depth_mm, int)
  rgb = np.stack([0 * depth_mm, depth_mm // 256, depth_mm % 256], axis=-1)
  Image.fromarray(rgb.astype(np.uint8)).save(file, compress_level=1)


def save_labels(folder: Path, xyz: np.ndarray, **changes) -> None:
  content = {
      'joint_names': np.array([NAMES], object),
      'joint_uvd': to_uvd(xyz),
      'joint_xyz': xyz,
  } | changes
  kept = {key: value for key, value in content.items() if value is not None}
  scipy.io.savemat(folder / 'joint_data.mat', kept, do_compression=True)


def write(folder: Path, num_frames: int, *, seed: int) -> None:
  """A folder in the data set's layout; a disc before every joint."""
  folder.mkdir()
  xyz = hand_xyz(num_frames, seed=seed)
  save_labels(folder, xyz)
  rows, columns = np.ogrid[:480, :640]
  for view, frame in np.ndindex(3, num_frames):
    name = f'{view + 1}_{frame + 1:07d}.png'
    for domain, prefix in (('real', 'depth'), ('synthetic', 'synthdepth')):
      depth = np.full((480, 640), 2001 if domain == 'real' else 0)
      for u, v, z in to_uvd(xyz[view, frame]):
        disc = (columns - u) ** 2 + (rows - v) ** 2 < 8**2
        depth[disc] = round(z) - SURFACE_MM[domain]
      save_depth(folder / f'{prefix}_{name}', depth)


def depth_at_joints(loaded, centres_mm: np.ndarray) -> np.ndarray:
  """The depth [n, 14] mm that the crops show at their joints."""
  u, v = np.rint(loaded.joints[..., :2]).astype(int).transpose(2, 0, 1)
  grey = loaded.images[np.arange(len(u))[:, None], v, u, 0]
  assert grey.max() < 255, 'a joint lies on the background'
  return centres_mm[:, None] + (grey / 127.5 - 1) * 150


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp('nyu')
  for seed, (split, num_frames) in enumerate(NUM_FRAMES.items()):
    write(folder / split, num_frames, seed=seed)
  return folder


@pytest.mark.parametrize(
    ('split', 'domain', 'height', 'width'),
    [
        ('train', 'real', 64, 64),
        ('train', 'synthetic', 140, 128),
        ('test', 'real', 192, 224),
        ('test', 'synthetic', 70, 64),
    ],
)
def test_joints_lie_on_the_hand_and_go_back_to_millimetres(
    load, folder, split, domain, height, width
):
  loaded = load(
      folder / split, views='1-3', domain=domain, height=height, width=width
  )
  num_frames = NUM_FRAMES[split]
  assert loaded.names.tolist() == [
      f'{view}_{frame:07d}'
      for view in (1, 2, 3)
      for frame in range(1, num_frames + 1)
  ]
  assert loaded.images.shape == (3 * num_frames, height, width, 1)
  assert loaded.subjects.tolist() == [0] * 3 * num_frames
  assert loaded.gaze is None and loaded.head_pose is None
  xyz = hand_xyz(num_frames, seed=list(NUM_FRAMES).index(split))
  evaluated = xyz.reshape(-1, 36, 3)[:, EVALUATED]
  np.testing.assert_allclose(
      hand_images.to_millimetres(loaded.joints, loaded.intrinsics) * [1, -1, 1],
      evaluated,
      atol=1e-3,
  )
  # A grey value is 1.2 mm, and the depth in the file a whole number.
  np.testing.assert_allclose(
      depth_at_joints(loaded, evaluated[..., 2].mean(axis=1)),
      evaluated[..., 2] - SURFACE_MM[domain],
      atol=1.1,
  )


def test_the_mean_of_the_joints_is_the_middle_and_the_cube_the_width(
    load, folder
):
  loaded = load(folder / 'train', height=48, width=64)
  middles = loaded.joints.mean(axis=1)
  # A centred pixel edge: half way between the pixels 31 and 32, 23 and 24.
  np.testing.assert_allclose(
      middles[:, :2], np.tile([31.5, 23.5], (3, 1)), atol=1e-4
  )
  focal_x, focal_y = loaded.intrinsics[:, :2].T
  np.testing.assert_allclose(64 * middles[:, 2] / focal_x, 300, rtol=1e-6)
  np.testing.assert_allclose(
      focal_y / focal_x, np.full(3, 587.075073 / 588.036865), rtol=1e-6
  )


def test_views_limit_and_subjects(load, folder):
  two = load(folder / 'test', views='3,2', limit=3)
  assert two.names.tolist() == ['2_0000001', '2_0000002', '3_0000001']
  first = load(folder / 'test')
  assert first.names.tolist() == ['1_0000001', '1_0000002']
  assert (first.joints[:, :, 2] != two.joints[:2, :, 2]).all()
  with pytest.raises(InputError, match=r'whose subjects are 0\.'):
    load(folder / 'test', subjects='1')


def one_hand(folder: Path, u: float, v: float, z: float) -> None:
  """The labels of one frame with every joint at one place."""
  uvd = np.tile([u, v, z], (3, 1, 36, 1))
  save_labels(folder, np.ones((3, 1, 36, 3)), joint_uvd=uvd)


def test_grey_values_of_planes(load, tmp_path):
  one_hand(tmp_path, 319.5, 239.5, 600)
  depth = np.full((480, 640), 630)
  depth[:240, 320:], depth[240:, :320], depth[240:, 320:] = 0, 451, 751
  save_depth(tmp_path / 'depth_1_0000001.png', depth)
  image = load(tmp_path, **SQUARE).images[0, :, :, 0]
  # 1 at 30 mm behind, 1 at nothing measured; 149 mm before, 151 mm behind.
  for rows, columns, grey in (
      (slice(32), slice(32), 153),
      (slice(32), slice(32, 64), 255),
      (slice(32, 64), slice(32), 1),
      (slice(32, 64), slice(32, 64), 255),
  ):
    assert np.unique(image[rows, columns]).tolist() == [grey]
  colour = load(tmp_path, channels=3, **SQUARE).images[0]
  np.testing.assert_array_equal(colour, np.repeat(image[..., None], 3, axis=-1))


@pytest.mark.parametrize('edge', ['left', 'upper', 'right', 'lower'])
def test_outside_of_the_image_is_background(load, tmp_path, edge):
  u, v = {
      'left': (9.5, 239.5),
      'upper': (319.5, 9.5),
      'right': (629.5, 239.5),
      'lower': (319.5, 469.5),
  }[edge]
  one_hand(tmp_path, u, v, 600)
  save_depth(tmp_path / 'depth_1_0000001.png', np.full((480, 640), 630))
  image = load(tmp_path, **SQUARE).images[0, :, :, 0]
  # The box is 294.02 px wide, its middle 10 px from the image's edge: of the
  # first 30 pixels, 4.594 px each, no middle lies inside.
  turns = ['left', 'upper', 'right', 'lower'].index(edge)
  turned = np.rot90(image, turns)
  assert np.unique(turned[:, :30]).tolist() == [255]
  assert np.unique(turned[:, 30:]).tolist() == [153]


def damage(folder: Path, kind: str) -> None:
  """Damages frame 2 of view 1, of 3."""
  file = folder / 'depth_1_0000002.png'
  uvd = to_uvd(hand_xyz(3, seed=0))
  match kind:
    case 'truncated':
      file.write_bytes(file.read_bytes()[:1_000])
    case 'text':
      file.write_text('not an image')
    case 'missing':
      file.unlink()
    case 'grey':
      Image.new('L', (640, 480)).save(file)
    case 'small':
      Image.new('RGB', (320, 240)).save(file)
    case 'no hand':
      save_depth(file, np.full((480, 640), 2001))
    case 'out of the frame':
      uvd[0, 1, :, 0] -= 500
      save_labels(folder, hand_xyz(3, seed=0), joint_uvd=uvd)
    case 'no depth':
      uvd[0, 1, 3, 2] = 0
      save_labels(folder, hand_xyz(3, seed=0), joint_uvd=uvd)
    case 'no number':
      uvd[0, 1, 3, 2] = np.inf
      save_labels(folder, hand_xyz(3, seed=0), joint_uvd=uvd)


@pytest.mark.parametrize(
    ('kind', 'reason'),
    [
        ('truncated', 'cannot be read as an image .*truncated'),
        ('text', 'cannot be read as an image'),
        ('missing', 'the file is missing'),
        (
            'grey',
            'is not a depth image of 640x480 RGB .* but 640x480 grey of 8',
        ),
        ('small', 'is not a depth image of 640x480 RGB .* but 320x240 RGB'),
        ('no hand', 'shows no hand, as nothing is within 150 mm of its depth'),
        (
            'out of the frame',
            r"the hand is out of the frame, its joints' mean at \(-",
        ),
        ('no depth', r'joint_data\.mat puts a joint nowhere before'),
        ('no number', r'joint_data\.mat puts a joint nowhere before'),
    ],
)
def test_damaged_frames_stop_or_are_skipped(
    load, folder, tmp_path, kind, reason
):
  for file in (folder / 'train').iterdir():
    if file.name.startswith(('joint_data', 'depth_1')):
      shutil.copy(file, tmp_path)
  assert len(load(tmp_path).images) == 3
  damage(tmp_path, kind)
  with pytest.raises(InputError, match=rf'depth_1_0000002\.png: {reason}'):
    load(tmp_path)
  loaded = load(tmp_path, on_error='skip')
  assert loaded.names.tolist() == ['1_0000001', '1_0000003']
  assert len(loaded.report.left_out) == 1
  assert loaded.report.left_out[0].startswith('1_0000002: ')
  # Frames that are not asked for are not read.
  assert len(load(tmp_path, limit=1).images) == 1


def test_no_frame_can_be_used(load, tmp_path):
  save_labels(tmp_path, hand_xyz(2, seed=0))
  with pytest.raises(InputError, match=r'none .*/depth_1_0000001.* missing'):
    load(tmp_path, on_error='skip')


HDF5_HEADER = b'MATLAB 7.3 MAT-file'.ljust(124) + b'\x00\x02IM'


def damage_labels(folder: Path, kind: str) -> None:
  file, xyz = folder / 'joint_data.mat', hand_xyz(2, seed=0)
  match kind:
    case 'missing':
      file.unlink()
    case 'truncated':
      file.write_bytes(file.read_bytes()[:-100])
    case 'short':
      file.write_bytes(file.read_bytes()[:60])
    case 'empty':
      file.write_bytes(b'')
    case 'text':
      file.write_text('not a .mat file' * 20)
    case 'altered':
      content = bytearray(file.read_bytes())
      content[-100] ^= 255
      file.write_bytes(content)
    case 'v7.3':
      file.write_bytes(HDF5_HEADER.ljust(512, b'\0') + b'\x89HDF\r\n\x1a\n')
    case 'no frames':
      save_labels(folder, xyz[:, :0])
    case 'one view':
      save_labels(folder, xyz[0])
    case 'few joints':
      save_labels(folder, xyz[:, :, :35])
    case 'other frames':
      save_labels(folder, xyz, joint_xyz=xyz[:, :1])
    case 'cells':
      save_labels(folder, xyz, joint_uvd=np.array(NAMES, object))
    case 'other names':
      names = np.array([[name.lower() for name in NAMES]], object)
      save_labels(folder, xyz, joint_names=names)
    case _:
      save_labels(folder, xyz, **{kind: None})


@pytest.mark.parametrize(
    ('kind', 'message'),
    [
        ('missing', 'is missing; set path to the train or test folder'),
        ('truncated', r": is not NYU's joint_data\.mat \(.*; restore it"),
        ('short', r": is not NYU's joint_data\.mat \(.*; restore it"),
        ('empty', r": is not NYU's joint_data\.mat \(.*; restore it"),
        ('text', r": is not NYU's joint_data\.mat \(.*; restore it"),
        ('altered', r": is not NYU's joint_data\.mat \(.*; restore it"),
        ('v7.3', 'with -v7.3; save with -v7'),
        ('joint_names', ": lacks the variable 'joint_names'; restore it"),
        ('joint_uvd', ": lacks the variable 'joint_uvd'; restore it"),
        ('joint_xyz', ": lacks the variable 'joint_xyz'; restore it"),
        ('no frames', r'shapes \(3, 0, 36, 3\) .* not \(3, frames, 36, 3\)'),
        ('one view', r'shapes \(2, 36, 3\) and .* not \(3, frames, 36, 3\)'),
        ('few joints', r'shapes \(3, 2, 35, 3\) .* not \(3, frames, 36, 3\)'),
        ('other frames', r'\(3, 2, 36, 3\) and \(3, 1, 36, 3\), not'),
        ('cells', r": is not NYU's joint_data\.mat \(.*; restore it"),
        ('other names', r"joint_names lacks \['F1_KNU3_A', .*; restore it"),
    ],
)
def test_wrong_labels_stop_in_one_sentence(load, tmp_path, kind, message):
  save_labels(tmp_path, hand_xyz(2, seed=0))
  (tmp_path / 'depth_1_0000001.png').touch()
  damage_labels(tmp_path, kind)
  for on_error in ('stop', 'skip'):
    with pytest.raises(InputError, match=rf'joint_data\.mat.*{message}') as e:
      load(tmp_path, on_error=on_error)
    assert str(e.value).count('\n') == 0


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'domain': 'rgb'}, "domain='rgb': choose one of"),
        ({'views': '0-1'}, "views='0-1' must be cameras from 1 to 3"),
        ({'views': '2-4'}, "views='2-4' must be cameras from 1 to 3"),
        ({'views': 'all'}, "views='all' must be cameras from 1 to 3"),
        ({'views': ''}, "views='' must be cameras from 1 to 3"),
    ],
)
def test_wrong_options(load, folder, options, message):
  with pytest.raises(InputError, match=message):
    load(folder / 'train', **options)


def test_the_folder_above(load, folder):
  with pytest.raises(InputError, match='set path to the folder that does'):
    load(folder)


needs_real = pytest.mark.skipif(not REAL.exists(), reason=f'{REAL} is not here')


@pytest.fixture
def real_uvd():
  """Joints of the 8,252 test frames: [n, 14, 3] px, px, mm."""
  return np.loadtxt(REAL / 'test_joints_uvd.txt').reshape(-1, 14, 3)


@needs_real
@pytest.mark.parametrize('size', [64, 128, 224])
def test_joints_lie_in_the_authentic_hand(load, tmp_path, real_uvd, size):
  uvd = np.zeros((3, 1, 36, 3))
  uvd[0, 0, EVALUATED] = real_uvd[0]
  save_labels(tmp_path, np.ones((3, 1, 36, 3)), joint_uvd=uvd)
  file = REAL / 'test' / 'depth_1_0000001.png'
  (tmp_path / file.name).symlink_to(file.absolute())
  loaded = load(tmp_path, height=size, width=size)
  surface = depth_at_joints(loaded, real_uvd[:1, :, 2].mean(axis=1))
  behind = (loaded.joints[..., 2] - surface)[0]
  # Measured at full resolution: fingers 2.6 to 16.4 mm, palm and wrist, which
  # are thicker, 24.3 to 32.8 mm. A wrong order of joints, or a mirrored axis,
  # puts them before the surface or on the background.
  fingers, palm = behind[:11], behind[11:]
  assert 0 < fingers.min() and fingers.max() < 20, behind
  assert 20 < palm.min() and palm.max() < 35, behind
  # Fingers up, thumb on the right.
  u, v, _ = loaded.joints[0].T
  assert u.argmin() == 0 and u.argmax() == 8 and v.argmin() == 4
  assert v[[11, 12]].min() > v[:11].max()


@needs_real
def test_the_camera_makes_the_authentic_palm_rigid(real_uvd):
  # Of the first person, in frames 1 to 2440: the wrist's sides and the palm's
  # middle, and two joints of the thumb's last bone, keep their distances.
  uvd = real_uvd[:2440]

  def spread_mm(focal_px, middle_px):
    camera = np.tile([*focal_px, *middle_px], (len(uvd), 1))
    points = hand_images.to_millimetres(uvd, camera)
    ends = points[:, [11, 11, 12, 8]] - points[:, [12, 13, 13, 9]]
    return np.linalg.norm(ends, axis=-1).std(axis=0).max()

  focal, middle = nyu_hand.FOCAL_PX, nyu_hand.MIDDLE_PX
  assert spread_mm(focal, middle) < 0.03
  # A focal length off by a hundredth, or a middle by ten pixels, would show.
  for change in (0.99, 1.01):
    assert spread_mm((focal[0] * change, focal[1]), middle) > 0.1
    assert spread_mm((focal[0], focal[1] * change), middle) > 0.1
  for change in (-10, 10):
    assert spread_mm(focal, (middle[0] + change, middle[1])) > 0.1
    assert spread_mm(focal, (middle[0], middle[1] + change)) > 0.1


def test_the_papers_preset_has_the_rows_of_table_4(folder, tmp_path):
  config = hands_config.get_config('paper')
  data = config.data
  data.height = data.width = 32
  data.synthetic.path = data.real.path = str(folder / 'train')
  data.test.path = str(folder / 'test')
  synthetic = inputs.load_synthetic(config, data_dir=str(tmp_path))
  real = inputs.load_real(config, data_dir=str(tmp_path))
  test = inputs.load_test(config, data_dir=str(tmp_path))
  assert len(test.images) == NUM_FRAMES['test']
  places = inputs.open_real(config).place, inputs.open_test(config).place
  of_one_place = places[0] == places[1]
  found = training_sets.labelled_apart(real, test, of_one_place=of_one_place)
  assert found is not None and len(found.images) == len(real.images)
  sets = training_sets.build(
      synthetic,
      None,
      255 - synthetic.images[None],
      real,
      base_images=NUM_FRAMES['train'],
      scales=config.evaluation.scales,
  )
  assert [(s.train_on, s.scale, len(s.images)) for s in sets] == [
      *(('synthetic', 1, 3), ('synthetic', 3, 9)),
      *(('refined', 1, 3), ('refined', 3, 9)),
      ('real', 1, 3),
  ]
  # The same frames of one view, rendered and measured.
  np.testing.assert_array_equal(sets[0].labels, sets[-1].labels)
  assert (sets[0].images != sets[-1].images).any()
