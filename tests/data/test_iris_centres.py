"""Known centres of irises lie where the images of the source show them."""

import json
from pathlib import Path

import numpy as np
import pytest
from iris_drawing import distances, draw_eyes
from PIL import Image

from simgan_jax.data.builtin import BuiltinEyes
from simgan_jax.data.unity_eyes import UnityEyes
from simgan_jax.machine import errors
from simgan_jax.measures import iris
from simgan_jax.simulators import eyes

pytestmark = pytest.mark.usefixtures('optimized')

SOURCE = 'unity_eyes'
REAL = Path('../shared/data/unityeyes')
SIZE = {'height': 35, 'width': 55}


def write_example(folder, number, centre):
  """Write an eye of 76 px's width, off the centre of its image."""
  scale, left, top = 2.0, 31.0, 17.0
  eye = draw_eyes(
      [(centre + 0.5) * scale - 0.5], [8 * scale], height=70, width=110
  )
  image = np.full((120, 160), 130, np.uint8)
  image[int(top) : int(top) + 70, int(left) : int(left) + 110] = eye[0, :, :, 0]
  Image.fromarray(image).save(folder / f'{number}.jpg', quality=98)

  def texts(points):
    points = np.array([left, top]) + scale * (np.asarray(points) + 0.5)
    return [f'({x:.4f}, {120 - y:.4f}, 48.9)' for x, y in points]

  angle = 2 * np.pi * np.arange(32) / 32
  edge = centre + 8 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
  width = 55 / 1.5
  labels = {
      'interior_margin_2d': texts([(27 + width / 2, 17), (27, 10), (27, 24)]),
      'caruncle_2d': texts([(27 - width / 2, 17)]),
      'iris_2d': texts(edge),
      'eye_details': {'look_vec': '(0.0, 0.0, -1.0, 0.0)'},
      'head_pose': '(0.0, 0.0, 0.0)',
  }
  (folder / f'{number}.json').write_text(json.dumps(labels))


def test_centres_of_drawn_files(load, tmp_path):
  centres = np.array([(24.3, 15.2), (30.0, 18.6), (27.7, 16.9)])
  (tmp_path / 'imgs').mkdir()
  for number, centre in enumerate(centres, 8):
    write_example(tmp_path / 'imgs', number, centre)
  loaded = load(tmp_path)
  assert loaded.names.tolist() == ['8', '9', '10']
  known = UnityEyes(path=tmp_path, **SIZE).iris_centres(loaded.names)
  np.testing.assert_allclose(known, centres, atol=1e-3)
  assert distances(iris.find_iris(loaded.images), known).max() < 0.6
  double = UnityEyes(path=tmp_path / 'imgs', height=70, width=110)
  (found,) = double.iris_centres(['9'])
  np.testing.assert_allclose(found, centres[1] * 2 + 0.5, atol=1e-3)


def test_no_names_no_centres(tmp_path):
  for source in UnityEyes(path=tmp_path, **SIZE), BuiltinEyes(**SIZE):
    assert source.iris_centres([]).shape == (0, 2)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (None, r'8\.json: the file is missing'),
        ('{', r'8\.json: is not the JSON'),
        ('{"iris_2d": ["(1, 2)"]}', r'8\.json: has no eye_details'),
        ('whole', r'8\.json: has no iris_2d'),
        ('whole, "iris_2d": 7', r'8\.json: is not the JSON .*; leave it out'),
        ('whole, "iris_2d": []', r'8\.json: is not the JSON .*; leave it out'),
    ],
)
def test_damaged_labels_are_named(tmp_path, content, message):
  Image.new('L', (4, 4)).save(tmp_path / '8.jpg')
  if content is not None:
    whole = """{"eye_details": {"look_vec": "(0, 0, -1, 0)"},
        "interior_margin_2d": ["(1, 1, 0)", "(3, 3, 0)"], "caruncle_2d": [],
        "head_pose": "(0, 180, 0)\""""
    if content.startswith('whole'):
      content = content.replace('whole', whole) + '}'
    (tmp_path / '8.json').write_text(content)
  with pytest.raises(errors.InputError, match=message):
    UnityEyes(path=tmp_path, **SIZE).iris_centres(['8'])


def test_centres_of_the_built_in_simulator_by_name():
  source = BuiltinEyes(num_subjects=4, seed=5, **SIZE)
  found = source.iris_centres(['0000003', '0000001'])
  _, labels, _ = eyes.generate(9, seed=5, num_subjects=4)
  np.testing.assert_array_equal(found, labels.iris_centre[[3, 1]])


@pytest.mark.skipif(not REAL.exists(), reason=f'{REAL} is not here')
def test_the_fit_finds_the_centres_of_the_real_files(load):
  loaded = load(REAL, limit=128)
  known = UnityEyes(path=REAL, **SIZE).iris_centres(loaded.names)
  error = distances(iris.find_iris(loaded.images), known)
  assert np.median(error) < 0.4
  assert error.mean() < 0.7
  assert (error < 2).mean() > 0.88
