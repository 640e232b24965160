"""MPIIGaze: days of one and of many samples, mirroring, the lists."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from eye_drawing import draw_eye, iris_correlations, random_gazes

from simgan_jax.machine.errors import InputError

SOURCE = 'mpiigaze'

REAL = Path('../shared/data/MPIIGaze')


def write_day(folder: Path, day: str, gazes: np.ndarray) -> None:
  """A day's .mat, its eyes unmirrored and looking where the labels say."""
  images = np.stack([draw_eye(gaze, height=36, width=60) for gaze in gazes])
  eyes = {
      'image': images,
      'gaze': gazes,
      'pose': np.tile([0.1, 0.2, 0.0], (len(gazes), 1)),
  }
  if len(gazes) == 1:
    eyes['image'] = images[0]
  names = np.array([f'{i:04d}.jpg' for i in range(1, len(gazes) + 1)], object)
  file = folder / 'Data/Normalized' / f'{day}.mat'
  file.parent.mkdir(parents=True, exist_ok=True)
  content = {'data': {'left': eyes, 'right': eyes}, 'filenames': names[:, None]}
  scipy.io.savemat(file, content)


def write_list(folder: Path, person: str, lines: list[str]) -> None:
  """A person's evaluation list."""
  lists = folder / 'Evaluation Subset/sample list for eye image'
  lists.mkdir(parents=True, exist_ok=True)
  (lists / f'{person}.txt').write_text('\n'.join(lines) + '\n')


@pytest.fixture
def folder(tmp_path):
  write_day(tmp_path, 'p00/day01', random_gazes(12))
  write_day(tmp_path, 'p02/day03', random_gazes(1))
  write_list(
      tmp_path,
      'p00',
      [
          f'day01/{i:04d}.jpg {side}'
          for i in (3, 1)
          for side in ('left', 'right')
      ],
  )
  write_list(tmp_path, 'p02', ['day03/0001.jpg right'])
  return tmp_path


def test_the_evaluation_lists_choose(load, folder):
  loaded = load(folder)
  assert loaded.names.tolist() == [
      'p00/day01/0001.jpg left',
      'p00/day01/0001.jpg right',
      'p00/day01/0003.jpg left',
      'p00/day01/0003.jpg right',
      'p02/day03/0001.jpg right',
  ]
  assert loaded.subjects.tolist() == [0, 0, 0, 0, 2]
  mirror = np.array([-1, 1, 1])
  one, _, three = random_gazes(12)[:3]
  np.testing.assert_allclose(
      loaded.gaze,
      [one, one * mirror, three, three * mirror, random_gazes(1)[0] * mirror],
      atol=1e-6,
  )
  np.testing.assert_allclose(loaded.head_pose[1], loaded.head_pose[0] * [-1, 1])
  assert loaded.head_pose[0, 0] > 0.19


def test_all_samples_and_their_signs(load, folder):
  loaded = load(folder, samples='all')
  assert len(loaded.images) == 26
  for side in ('left', 'right'):
    chosen = np.array([name.endswith(side) for name in loaded.names])
    correlations = iris_correlations(loaded.images[chosen], loaded.gaze[chosen])
    assert (correlations > 0.9).all()


def test_a_day_of_one_sample(load, folder):
  loaded = load(folder, samples='all', subjects='2')
  assert loaded.images.shape == (2, 35, 55, 1)
  # The right eye is the left one's file, mirrored.
  np.testing.assert_allclose(
      loaded.images[1].astype(int), loaded.images[0, :, ::-1], atol=1
  )


def damage(folder: Path, kind: str) -> None:
  """Damages the one day of person 2."""
  file = folder / 'Data/Normalized/p02/day03.mat'
  content = scipy.io.loadmat(file)
  match kind:
    case 'no data':
      scipy.io.savemat(file, {'filenames': content['filenames']})
    case 'no gaze':
      eyes = {'image': np.zeros((36, 60), np.uint8), 'pose': np.zeros(3)}
      data = {'left': eyes, 'right': eyes}
      scipy.io.savemat(file, {'data': data, 'filenames': content['filenames']})
    case 'wrong shape':
      eyes = {
          'image': np.zeros((7, 60)),
          'gaze': np.ones(3),
          'pose': np.ones(3),
      }
      data = {'left': eyes, 'right': eyes}
      scipy.io.savemat(file, {'data': data, 'filenames': content['filenames']})
    case 'truncated':
      file.write_bytes(file.read_bytes()[:600])
    case 'text':
      file.write_text('not a .mat file')
    case 'missing':
      file.unlink()
    case 'too short':
      write_list(folder, 'p02', ['day03/0009.jpg left'])


@pytest.mark.parametrize(
    ('kind', 'message'),
    [
        ('no data', r"day03\.mat: lacks a field: 'data'"),
        ('no gaze', r"day03\.mat: lacks a field: .*'gaze'"),
        ('wrong shape', r'day03\.mat: is not a \.mat file of MPIIGaze'),
        ('truncated', r'day03\.mat: is not a \.mat file of MPIIGaze'),
        ('text', r'day03\.mat: is not a \.mat file of MPIIGaze'),
        ('missing', r'day03\.mat: the file is missing'),
        ('too short', r'day03\.mat: has no sample 0009\.jpg'),
    ],
)
def test_damaged_days_stop_or_are_skipped(load, folder, kind, message):
  damage(folder, kind)
  with pytest.raises(InputError, match=message):
    load(folder)
  loaded = load(folder, on_error='skip')
  assert len(loaded.images) == 4
  assert len(loaded.report.left_out) == 1


def test_a_damaged_day_among_all_samples(load, folder):
  damage(folder, 'no data')
  with pytest.raises(InputError, match=r"day03\.mat: lacks a field: 'data'"):
    load(folder, samples='all')
  assert len(load(folder, samples='all', on_error='skip').images) == 24


def test_a_list_of_other_names(load, folder):
  write_list(folder, 'p02', ['0001.jpg, left'])
  with pytest.raises(InputError, match="sample 'p02/0001.jpg, left'"):
    load(folder)


def test_samples_is_one_of_two(load, folder):
  with pytest.raises(InputError, match="samples='some': choose one of"):
    load(folder, samples='some')


@pytest.mark.skipif(not REAL.exists(), reason=f'{REAL} is not here')
def test_the_real_files(load):
  loaded = load(REAL)
  assert loaded.images.shape == (14, 35, 55, 1)
  assert loaded.names[-1] == 'p01/day02/0001.jpg right'
  np.testing.assert_allclose(np.linalg.norm(loaded.gaze, axis=1), 1, atol=1e-3)
  np.testing.assert_array_equal(loaded.names, load(REAL, samples='all').names)
