"""Columbia Gaze: labels from names, mirroring, and what is left out."""

from pathlib import Path

import numpy as np
import pytest
from eye_drawing import draw_eye, iris_correlations
from PIL import Image

from simgan_jax.data import gaze_angles
from simgan_jax.machine.errors import InputError

SOURCE = 'columbia_gaze'

REAL = Path('../shared/data/columbia')


def write_patch(folder: Path, subject: int, angles: tuple, side: str) -> str:
  """A patch in the data set's format: the iris lies where the name says."""
  head_yaw, vertical, horizontal = angles
  vector, _ = gaze_angles.columbia_labels(head_yaw, vertical, horizontal)
  pixels = draw_eye(vector, height=64, width=64)
  name = f'{subject:04d}_2m_{head_yaw}P_{vertical}V_{horizontal}H_{side}.jpg'
  Image.fromarray(pixels).convert('RGB').save(folder / name, quality=95)
  return name


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp('columbia')
  for subject in (1, 2, 4):
    for vertical in (-10, 0, 10):
      for horizontal in (-15, 5, 15):
        for side in 'LR':
          write_patch(folder, subject, (15, vertical, horizontal), side)
  return folder


def test_labels_are_those_of_the_name(load, folder):
  loaded = load(folder)
  assert loaded.names.tolist() == sorted(path.name for path in folder.iterdir())
  assert np.unique(loaded.subjects).tolist() == [1, 2, 4]
  index = loaded.names.tolist().index('0002_2m_15P_10V_5H_R.jpg')
  ten, five = np.radians(10), np.radians(5)
  np.testing.assert_allclose(
      loaded.gaze[index],
      (
          np.cos(ten) * np.sin(five),
          -np.sin(ten),
          -np.cos(ten) * np.cos(five),
      ),
      atol=1e-6,
  )
  np.testing.assert_allclose(loaded.head_pose[index], (-np.radians(15), 0))


def test_left_eyes_are_mirrored_image_and_labels(load, folder):
  loaded = load(folder)
  is_left = np.array([name.endswith('L.jpg') for name in loaded.names])
  left, right = loaded.gaze[is_left], loaded.gaze[~is_left]
  np.testing.assert_allclose(left, right * [-1, 1, 1])
  assert (loaded.head_pose[is_left, 0] > 0).all()
  for chosen in (is_left, ~is_left):
    correlations = iris_correlations(loaded.images[chosen], loaded.gaze[chosen])
    assert (correlations > 0.9).all()


def test_crop_is_the_full_width_and_the_centred_rows(load, tmp_path):
  pixels = np.zeros((64, 64), np.uint8)
  pixels[:11], pixels[-11:], pixels[:, 32:] = 255, 255, 100
  Image.fromarray(pixels).save(tmp_path / '0001_2m_0P_0V_0H_R.jpg', quality=95)
  image = load(tmp_path).images[0, :, :, 0]
  # Rows 11.6 to 52.4 of the patch: nothing of the rows set to white is left.
  assert image[1:-1].max() < 120
  assert image[:, 25].mean() < 10 < 90 < image[:, 30].mean()


def test_subjects_by_range(load, folder):
  loaded = load(folder, subjects='1,4-9')
  assert np.unique(loaded.subjects).tolist() == [1, 4]
  assert len(loaded.images) == 36


def test_subjects_that_do_not_exist(load, folder):
  with pytest.raises(
      InputError, match=r'subjects=25-32 .* columbia_gaze.* are 1-2,4\.'
  ):
    load(folder, subjects='25-32')


def test_identical_files_and_patches_without_an_eye_are_left_out(
    load, tmp_path, capsys
):
  twins = [
      write_patch(tmp_path, 7, (-15, -10, horizontal), side)
      for horizontal in (0, 5)
      for side in 'LR'
  ]
  kept = [write_patch(tmp_path, 7, (-15, -10, 10), side) for side in 'LR']
  blank = write_patch(tmp_path, 8, (0, 0, 0), 'R')
  Image.new('RGB', (64, 64), (90, 90, 90)).save(tmp_path / blank)
  for _ in range(2):  # Prepared, and read from the cache.
    loaded = load(tmp_path)
    assert loaded.names.tolist() == kept
    left_out = loaded.report.left_out
    assert [line.split(':')[0] for line in left_out] == [*twins, blank]
    assert 'contrast below 10' in left_out[-1]
    assert 'columbia_gaze: 2 images, 5 left out' in capsys.readouterr().out


def test_a_name_without_labels(load, tmp_path):
  write_patch(tmp_path, 1, (0, 0, 0), 'R')
  (tmp_path / '0001_2m_0P_0V_0H_R.jpg').rename(tmp_path / 'eye.jpg')
  with pytest.raises(InputError, match=r'eye\.jpg: the name is not like'):
    load(tmp_path)


@pytest.mark.skipif(not REAL.exists(), reason=f'{REAL} is not here')
def test_iris_follows_gaze_in_the_real_files(load, tmp_path):
  # One head pose and few people, so that the eye's place varies little.
  subset = tmp_path / 'subset'
  subset.mkdir()
  for subject in (1, 3, 5, 6, 9):
    for file in REAL.glob(f'{subject:04d}_2m_0P_*.jpg'):
      (subset / file.name).symlink_to(file.absolute())
  loaded = load(subset)
  is_left = np.array([name.endswith('L.jpg') for name in loaded.names])
  for chosen in (is_left, ~is_left):
    correlations = iris_correlations(loaded.images[chosen], loaded.gaze[chosen])
    assert (correlations > 0.3).all(), correlations


@pytest.mark.skipif(not REAL.exists(), reason=f'{REAL} is not here')
def test_the_identical_files_are_left_out_of_the_real_ones(load, tmp_path):
  subset = tmp_path / 'subset'
  subset.mkdir()
  for file in REAL.glob('0007_2m_-15P_-10V_*.jpg'):
    (subset / file.name).symlink_to(file.absolute())
  left_out = [line.split(':')[0] for line in load(subset).report.left_out]
  assert left_out == [
      f'0007_2m_-15P_-10V_{horizontal}H_{side}.jpg'
      for horizontal in (0, 5)
      for side in 'LR'
  ]
  contents = {(REAL / name).read_bytes() for name in left_out}
  assert len(contents) == 2
