"""UnityEyes: crops, coordinates, signs, and files that are not right."""

import json
from pathlib import Path

import numpy as np
import pytest
from eye_drawing import draw_eye, iris_correlations, random_gazes
from PIL import Image

from simgan_jax.machine.errors import InputError

SOURCE = 'unity_eyes'

REAL = Path('../shared/data/unityeyes')
WIDTH, HEIGHT = 240, 180
EYE = (70, 100, 80)  # left, centre row and width of the drawn eye [px]


def write_example(folder: Path, number: int, gaze: np.ndarray) -> None:
  """An eye in UnityEyes' format, drawn off the centre of its image."""
  left, row, width = EYE
  image = np.full((HEIGHT, WIDTH, 3), (200, 150, 120), np.uint8)
  patch = draw_eye(gaze, height=round(width * 1.5 * 35 / 55), width=120)
  top = row - patch.shape[0] // 2
  image[top : top + patch.shape[0], left - 20 : left + 100] = patch[:, :, None]
  Image.fromarray(image).save(folder / f'{number}.jpg', quality=95)
  x, y, z = gaze
  points = [(left + 10, row - 20), (left + width, row), (left + 30, row + 20)]
  labels = {
      'interior_margin_2d': [f'({a}, {HEIGHT - b}, 48.9)' for a, b in points],
      'caruncle_2d': [f'({left}.0, {HEIGHT - row}.0, 48.7)'],
      'eye_details': {'look_vec': f'({x:.4f}, {-y:.4f}, {z:.4f}, 0.0000)'},
      'head_pose': '(350.0000, 200.0000, 0.0000)',
  }
  (folder / f'{number}.json').write_text(json.dumps(labels))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp('unity')
  (folder / 'imgs').mkdir()
  for number, gaze in enumerate(random_gazes(24), 1):
    write_example(folder / 'imgs', number, gaze)
  return folder


def test_images_by_number_with_gaze_and_head_pose(load, folder):
  loaded = load(folder)
  assert loaded.images.shape == (24, 35, 55, 1)
  assert loaded.images.dtype == np.uint8
  assert loaded.names.tolist() == [str(number) for number in range(1, 25)]
  np.testing.assert_allclose(loaded.gaze, random_gazes(24), atol=1e-4)
  np.testing.assert_allclose(
      np.degrees(loaded.head_pose[0]), (-20.28, 9.39), atol=0.01
  )
  assert loaded.gaze.dtype == loaded.head_pose.dtype == np.float32
  assert loaded.subjects.tolist() == [0] * 24
  assert loaded.report.left_out == ()


def test_iris_follows_gaze(load, folder):
  loaded = load(folder)
  assert (iris_correlations(loaded.images, loaded.gaze) > 0.9).all()


def test_crop_is_centred_on_the_eye(load, folder):
  # An eye looking into the lens has its iris in the centre of the crop.
  write_example(folder / 'imgs', 1, np.array([0.0, 0.0, -1.0]))
  image = load(folder, limit=1).images[0, :, :, 0]
  rows, columns = np.nonzero(image < 90)
  assert abs(rows.mean() - 17) < 1
  assert abs(columns.mean() - 27) < 1
  write_example(folder / 'imgs', 1, random_gazes(1)[0])


def test_limit_is_the_first_by_number(load, folder):
  assert load(folder / 'imgs', limit=10).names.tolist() == [
      str(number) for number in range(1, 11)
  ]


def test_colour_is_kept(load, folder):
  image = load(folder, channels=3, limit=1, height=70, width=55).images[0]
  assert image.shape == (70, 55, 3)
  np.testing.assert_allclose(image[2, 2], (200, 150, 120), atol=3)


def test_eye_at_the_border_of_its_image(load, tmp_path):
  write_example(tmp_path, 1, random_gazes(1)[0])
  image = Image.open(tmp_path / '1.jpg')
  image.crop((60, 0, 240, 180)).save(tmp_path / '1.jpg')
  labels = (tmp_path / '1.json').read_text()
  for column in (70, 80, 100, 150):
    labels = labels.replace(f'({column}', f'({column - 60}')
  (tmp_path / '1.json').write_text(labels)
  image = load(tmp_path).images[0, :, :, 0]
  # Four columns of the crop lie outside: the border is repeated there.
  assert abs(image[3, 0].astype(int) - image[3, 7]) < 10


def damage(folder: Path, kind: str) -> None:
  """Damages example 3 of a folder."""
  jpg, labels = folder / '3.jpg', folder / '3.json'
  content = json.loads(labels.read_text())
  match kind:
    case 'truncated':
      jpg.write_bytes(jpg.read_bytes()[:1_000])
    case 'text':
      jpg.write_text('not an image')
    case 'no image':
      jpg.unlink()
    case 'no labels':
      labels.unlink()
    case 'no look_vec':
      del content['eye_details']['look_vec']
      labels.write_text(json.dumps(content))
    case 'short look_vec':
      content['eye_details']['look_vec'] = '(0.1, 0.2)'
      labels.write_text(json.dumps(content))
    case 'half a JSON':
      labels.write_text(labels.read_text()[:50])


@pytest.mark.parametrize(
    ('kind', 'message'),
    [
        ('truncated', r'3\.jpg: cannot be read as an image .*truncated'),
        ('text', r'3\.jpg: cannot be read as an image'),
        ('no image', r'3\.jpg: the file is missing'),
        ('no labels', r'3\.json: the file is missing'),
        ('no look_vec', r'3\.json: has no look_vec'),
        ('short look_vec', r'3\.json: is not the JSON UnityEyes writes'),
        ('half a JSON', r'3\.json: is not the JSON UnityEyes writes'),
    ],
)
def test_damaged_files_stop_or_are_skipped(load, tmp_path, kind, message):
  for number, gaze in enumerate(random_gazes(4), 1):
    write_example(tmp_path, number, gaze)
  damage(tmp_path, kind)
  with pytest.raises(InputError, match=message) as caught:
    load(tmp_path)
  assert '\n' not in str(caught.value)
  assert str(caught.value).endswith('--config.data.on_error=skip).')
  loaded = load(tmp_path, on_error='skip')
  assert loaded.names.tolist() == ['1', '2', '4']
  (left_out,) = loaded.report.left_out
  assert left_out.startswith('3: ')
  # Again, now from the cache.
  assert load(tmp_path, on_error='skip').report == loaded.report


@pytest.mark.skipif(not REAL.exists(), reason=f'{REAL} is not here')
def test_iris_follows_gaze_in_the_real_files(load):
  loaded = load(REAL, limit=150)
  assert (iris_correlations(loaded.images, loaded.gaze) > 0.5).all()
  # The eye turns in the head: for one gaze, the iris lies the further to the
  # left the further the head points to the right.
  x, y = iris_correlations(loaded.images, -np.sin(loaded.head_pose))
  assert x < -0.2
