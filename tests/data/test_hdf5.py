"""HDF5 files in the layout of existing experiments."""

import h5py
import numpy as np
import pytest
from eye_drawing import draw_eye, iris_correlations, random_gazes

from simgan_jax.data import inputs
from simgan_jax.machine.errors import InputError
from simgan_jax.settings import config as config_lib

SOURCE = 'hdf5'


@pytest.fixture
def eyes():
  gazes = random_gazes(12)
  return (
      np.stack([draw_eye(gaze, height=35, width=55) for gaze in gazes]),
      gazes,
  )


def _look_vec(gaze):
  """Return what UnityEyes writes: y up, not of length 1, a fourth number."""
  return np.append(gaze * (2, -2, 2), 0)


@pytest.fixture
def path(eyes, tmp_path):
  path = tmp_path / 'gaze.h5'
  with h5py.File(path, 'w') as file:
    for i, (image, gaze) in enumerate(zip(*eyes, strict=True)):
      file[f'image/{i}'] = image
      file[f'look_vec/{i}'] = _look_vec(gaze)
  return path


def test_groups_by_number(load, path, eyes):
  loaded = load(path)
  assert loaded.names.tolist() == [str(i) for i in range(12)]
  np.testing.assert_array_equal(loaded.images[..., 0], eyes[0])
  np.testing.assert_allclose(loaded.gaze, eyes[1], atol=1e-6)
  assert (iris_correlations(loaded.images, loaded.gaze) > 0.9).all()
  assert loaded.head_pose is None and loaded.source == 'hdf5'


def test_data_sets_in_order_and_no_labels(load, tmp_path, eyes):
  path = tmp_path / 'real_gaze.h5'
  with h5py.File(path, 'w') as file:
    file['image'] = eyes[0][..., None]
  loaded = load(path, limit=5)
  np.testing.assert_array_equal(loaded.images[..., 0], eyes[0][:5])
  assert loaded.gaze is None


def test_a_changed_file_is_read_again(load, path):
  assert len(load(path).images) == 12
  with h5py.File(path, 'a') as file:
    del file['image/3'], file['look_vec/3']
  assert '3' not in load(path).names


def _put(key, value):
  def change(file):
    del file[key]
    file[key] = value

  return change


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda f: f.pop('image'), "has no group 'image', only look_vec"),
        (lambda f: f.pop('image/3'), "has 11 images, but 12 of 'look_vec'"),
        (
            _put('look_vec/3', np.zeros(4)),
            'image 3: cannot be read .look_vec .* is no direction.; repair',
        ),
        (
            _put('look_vec/3', 1.0),
            'image 3: cannot be read .too many indices',
        ),
        (_put('look_vec/3', np.ones((3, 3))), 'image 3: .* is no direction'),
        (_put('image', 1.0), "'image' is no group and no array; give"),
        (_put('look_vec', 1.0), "'look_vec' is no group and no array; give"),
        (
            _put('image/3', np.zeros((35, 55))),
            'image 3: cannot be read .float64',
        ),
        (
            lambda f: f.move('look_vec/3', 'look_vec/x'),
            'image 3: cannot be read .*on_error=skip',
        ),
    ],
)
def test_files_that_are_not_right(load, path, change, message):
  with h5py.File(path, 'a') as file:
    change(file)
  with pytest.raises(InputError, match=message):
    load(path)


def test_a_file_that_is_none(load, tmp_path):
  for name, content in (('a.h5', b'no HDF5'), ('missing.h5', None)):
    if content:
      (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f'{name} cannot be read as HDF5'):
      load(tmp_path / name)


def test_a_folder_s_place_takes_a_file(path, tmp_path, eyes):
  config = config_lib.Config()
  config.data.synthetic = config_lib.SourceConfig(
      name='image_folder', path=str(path)
  )
  loaded = inputs.load_synthetic(config, data_dir=str(tmp_path / 'cache'))
  np.testing.assert_array_equal(loaded.images[..., 0], eyes[0])
  opened = inputs.open_synthetic(config)
  assert opened.name == 'hdf5' and opened.label_shapes == {'gaze': (3,)}
  sample = opened.read(opened.entries[0])
  np.testing.assert_array_equal(sample.image[..., 0], eyes[0][0])
