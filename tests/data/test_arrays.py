"""Data sets as .npz files: what was written comes back, or one sentence."""

import sys

import numpy as np
import pytest

from simgan_jax.data import arrays, inputs
from simgan_jax.data.labelled_images import ImportReport, LabelledImages
from simgan_jax.machine.errors import InputError
from simgan_jax.settings import config as config_lib

SIZE = {'height': 2, 'width': 3, 'channels': 1}


@pytest.fixture
def data():
  rng = np.random.default_rng(0)
  return LabelledImages(
      images=rng.integers(0, 256, (5, 2, 3, 1), np.uint8),
      gaze=rng.normal(size=(5, 3)).astype(np.float32),
      head_pose=None,
      subjects=np.array([1, 1, 2, 3, 3], np.int32),
      names=np.array(['a', 'b', 'c', 'd', 'e.png']),
      source='columbia_gaze',
      report=ImportReport(left_out=('x: shows no eye',)),
  )


@pytest.fixture
def path(data, tmp_path):
  path = tmp_path / 'new' / 'data.npz'
  arrays.write(path, data, iris_centres=np.arange(10.0).reshape(5, 2))
  return path


def test_round_trip(data, path):
  found = arrays.Arrays(path=path, **SIZE).load()
  assert found.report == data.report
  for name in set(data._fields) - {'report'}:
    expected = getattr(data, name)
    np.testing.assert_array_equal(getattr(found, name), expected)
    assert type(getattr(found, name)) is type(expected)
  assert [file.name for file in path.parent.iterdir()] == ['data.npz']


def test_hands_keep_joints_and_cameras(data, tmp_path):
  path = tmp_path / 'hands.npz'
  rng = np.random.default_rng(0)
  hands = data._replace(
      gaze=None,
      joints=rng.normal(size=(5, 14, 3)).astype(np.float32),
      intrinsics=rng.normal(size=(5, 4)).astype(np.float32),
  )
  arrays.write(path, hands)
  found = arrays.Arrays(path=path, limit=2, **SIZE).load()
  np.testing.assert_array_equal(found.joints, hands.joints[:2])
  np.testing.assert_array_equal(found.intrinsics, hands.intrinsics[:2])
  assert found.labels is found.joints and found.gaze is None
  assert data.labels is data.gaze


def test_subjects_and_limit(path):
  found = arrays.Arrays(path=path, subjects='2-3', limit=2, **SIZE).load()
  assert found.names.tolist() == ['c', 'd']
  assert found.subjects.tolist() == [2, 3]
  assert len(found.images) == len(found.gaze) == 2
  centres = arrays.Arrays(path=path, **SIZE).iris_centres(found.names)
  assert centres.tolist() == [[4, 5], [6, 7]]


def test_what_is_unknown_stays_so(data, tmp_path):
  path = tmp_path / 'data.npz'
  arrays.write(path, data._replace(gaze=None, report=ImportReport()))
  found = arrays.Arrays(path=path, **SIZE).load()
  assert found.gaze is None and found.report == ImportReport()
  assert arrays.Arrays(path=path, **SIZE).iris_centres(found.names) is None


def test_arrays_of_ones_own(data, tmp_path):
  path = tmp_path / 'data.npz'
  fields = {name: getattr(data, name) for name in arrays.REQUIRED}
  np.savez(path, **fields)
  assert arrays.Arrays(path=path, **SIZE).load().source == 'arrays'


def test_16_bits_train_as_8_and_stay_where_asked_for(data, path):
  deep = data.images * np.uint16(256) + np.uint16(255)
  _replace(path, images=deep)
  source = arrays.Arrays(path=path, **SIZE)
  np.testing.assert_array_equal(source.load().images, data.images)
  assert source.origin == 'columbia_gaze'
  assert source.label_shapes == {'gaze': (3,)}
  np.testing.assert_array_equal(source.entries[4].read().image, deep[4])
  _replace(path, images=np.repeat(deep, 3, axis=3))
  entries = arrays.Arrays(path=path, **SIZE | {'channels': 3}).entries
  np.testing.assert_array_equal(entries[4].read().image[..., 1:2], deep[4])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'height': 3}, r'holds images of 2 x 3 x 1 .* ask for 3 x 3 x 1'),
        ({'channels': 3}, 'ask for 2 x 3 x 3'),
        ({'subjects': '4-9'}, 'data.npz, whose subjects are 1-3'),
        ({'subjects': '4-'}, 'is not a list of ranges'),
    ],
)
def test_what_is_not_there(path, options, message):
  with pytest.raises(InputError, match=message) as caught:
    arrays.Arrays(path=path, **SIZE | options).load()
  assert '\n' not in str(caught.value)


def _cut(path):
  path.write_bytes(path.read_bytes()[:300])


def _flip(path):
  content = bytearray(path.read_bytes())
  content[60:90] = bytes(30)
  path.write_bytes(content)


def _replace(path, **fields):
  with np.load(path) as file:
    kept = {name: file[name] for name in file if name not in fields}
  np.savez(path, **kept | {k: v for k, v in fields.items() if v is not None})


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lambda path: path.unlink(), 'cannot be read'),
        (_cut, 'cannot be read'),
        (_flip, 'cannot be read'),
        (lambda path: path.write_text('text'), 'cannot be read'),
        (lambda path: np.save(path.open('wb'), np.zeros(3)), 'cannot be read'),
        (lambda path: _replace(path, names=np.array([{}])), 'cannot be read'),
        (lambda path: _replace(path, names=None), 'has no names'),
        (lambda path: _replace(path, gaze=np.zeros((4, 3))), '5 images but 4'),
        (lambda path: _replace(path, images=np.zeros((5, 2))), 'float64'),
    ],
)
@pytest.mark.filterwarnings('ignore::ResourceWarning')
def test_damaged_and_foreign_files(path, damage, message):
  damage(path)
  with pytest.raises(InputError, match=message) as caught:
    arrays.Arrays(path=path, **SIZE).load()
  assert '\n' not in str(caught.value) and str(path) in str(caught.value)


def test_other_sources_without_tensorflow_say_what_to_do(monkeypatch):
  monkeypatch.setitem(sys.modules, 'simgan_jax.data.cache', None)
  monkeypatch.delattr('simgan_jax.data.cache', raising=False)
  with pytest.raises(InputError, match=r'builtin_eyes cannot .*pack\.py'):
    inputs.load_synthetic(config_lib.Config(), data_dir='')
