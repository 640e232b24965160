"""UnityEyes: what people's files hold is read rightly, or named."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from simgan_jax.data.unity_eyes import UnityEyes
from simgan_jax.machine.errors import InputError

SOURCE = 'unity_eyes'
WIDTH, HEIGHT, FOCAL, DEPTH = 240, 180, 2000.0, 49.0
HEAD = '(350.0000, 200.0000, 0.0000)'
LOOK = np.array([0.2, -0.3, -0.93])


def write(folder, number=3, look=LOOK, *, size=(WIDTH, HEIGHT), change=str):
  """Write an eye as a camera sees it; the text of the JSON can be changed."""
  folder.mkdir(exist_ok=True)
  # The edge of the iris: a circle at right angles to the gaze.
  normal = look / np.linalg.norm(look)
  along = np.cross(normal, [0.0, 1.0, 0.0])
  along = along / np.linalg.norm(along)
  angles = 2 * np.pi * np.arange(32)[:, None] / 32
  edge = np.cos(angles) * along + np.sin(angles) * np.cross(normal, along)
  edge = np.array([0, 0, DEPTH]) + normal + 0.6 * edge
  places = edge[:, :2] * FOCAL / edge[:, 2:] + np.array([WIDTH, HEIGHT]) / 2
  iris = np.concatenate([places, edge[:, 2:]], axis=1)
  rows, columns = np.mgrid[:HEIGHT, :WIDTH]
  image = np.full((HEIGHT, WIDTH), 150, np.uint8)
  image[(abs(rows - 92) < 22) & (abs(columns - 118) < 42)] = 235
  x, y = places.mean(axis=0)
  image[(rows - HEIGHT + y) ** 2 + (columns - x) ** 2 < 24**2] = 20
  file = folder / f'{number}.jpg'
  Image.fromarray(image).resize(size, Image.Resampling.LANCZOS).save(
      file, quality=98
  )
  lids = [(x, 88 + y, 48.9) for x in range(85, 160, 10) for y in (-20, 20)]
  labels = {
      'interior_margin_2d': [_text(point) for point in lids],
      'caruncle_2d': [_text((78, 88, 48.9)), _text((80, 90, 48.9))],
      'iris_2d': [_text(point) for point in iris],
      'eye_details': {'look_vec': _text((*look, 0))},
      'head_pose': HEAD,
  }
  (folder / f'{number}.json').write_text(change(json.dumps(labels)))
  return file


def _text(numbers):
  return f'({", ".join(f"{number:.4f}" for number in numbers)})'


def comma(text):
  return re.sub(r'(\d)\.(\d)', r'\1,\2', text)


def bare(text):
  return re.sub(r'(\d), (-?\d)', r'\1,\2', text)


def blanks(text):
  return re.sub(r'(\d), (-?\d)', r'\1 \2', text)


def brackets(text):
  return text.replace('(', '[').replace(')', ']')


def semicolons(text):
  return re.sub(r'(\d), (-?\d)', r'\1; \2', text)


@pytest.fixture
def plain(load, tmp_path):
  write(tmp_path / 'plain')
  return load(tmp_path / 'plain')


def assert_same(found, plain, names=('3',)):
  assert found.names.tolist() == list(names)
  assert found.report.left_out == ()
  for values in (found.images, found.gaze, found.head_pose):
    assert len(values) == len(names)
  for place in range(len(names)):
    np.testing.assert_array_equal(found.images[place], plain.images[0])
    np.testing.assert_array_equal(found.gaze[place], plain.gaze[0])
    np.testing.assert_array_equal(found.head_pose[place], plain.head_pose[0])


@pytest.mark.parametrize(
    'change',
    [
        comma,
        bare,
        blanks,
        brackets,
        semicolons,
        lambda text: bare(comma(text)),
        lambda text: blanks(comma(text)),
        lambda text: semicolons(comma(text)),
        lambda text: re.sub(r'"\(([^"]*)\)"', r'"\1"', text),
        lambda text: text.replace('200.0000, 0.0000)', '200, 0)'),
        lambda text: text.replace(HEAD, '(350,200,0)'),
        lambda text: bare(comma(text)).replace('-0,9300,0,0000', '-0,93,0,0'),
        lambda text: comma(text).replace(', -0,9300, 0,0000)', ', -0,93)'),
        lambda text: bare(comma(text)).replace('-0,9300,0,0000)', '-0,93)'),
        lambda text: blanks(text).replace('0.0000)', '0.)'),
    ],
)
def test_numbers_are_understood(load, tmp_path, plain, change):
  write(tmp_path / 'changed', change=change)
  assert_same(load(tmp_path / 'changed'), plain)
  (expected,), (found,) = (
      UnityEyes(path=tmp_path / name, height=35, width=55).iris_centres(['3'])
      for name in ('plain', 'changed')
  )
  np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    'encoding', ['utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'latin-1']
)
def test_encodings(load, tmp_path, plain, encoding):
  file = write(tmp_path / 'encoded').with_suffix('.json')
  text = file.read_text().replace('{', '{"skin": "Schäfer", ', 1)
  file.write_bytes(text.encode(encoding))
  assert_same(load(tmp_path / 'encoded'), plain)


@pytest.mark.parametrize(
    ('old', 'new', 'words'),
    [
        (
            '-0.9300',
            'NaN',
            r"look_vec is '\(0.2000, .*NaN.*not finite",
        ),
        ('-0.9300', '-Infinity', 'look_vec is .*not finite'),
        (
            '(0.2000, -0.3000, -0.9300, 0.0000)',
            '(0.0000, 0.0000, 0.0000, 0.0000)',
            r'look_vec is \[0.0, 0.0, 0.0, 0.0\], no direction',
        ),
        (
            '(0.2000, -0.3000, -0.9300, 0.0000)',
            '(0,2,-0,3)',
            r"look_vec is '\(0,2,-0,3\)', not certainly 4 or 3 numbers",
        ),
        ('200.0000', 'inf', r"head_pose is '\(350.0000, inf, .*not finite"),
        (
            HEAD,
            '(350,200,0,0)',
            'head_pose is',
        ),
        (HEAD, '', "head_pose is '', not certainly"),
        ('(78.0000', '(1e300', r'caruncle_2d is .*too large'),
        ('(78.0000', '(nan', r'caruncle_2d is .*not finite'),
        (
            '(78.0000, 88.0000, 48.9000)',
            '1,5,2,7',
            'caruncle_2d is',
        ),
    ],
)
def test_labels_that_are_refused(load, tmp_path, old, new, words):
  folder = tmp_path / 'bad'
  write(folder, 1)
  write(folder, 3, change=lambda text: text.replace(old, new))
  with pytest.raises(InputError, match=rf'bad/3\.json: .*{words}') as caught:
    load(folder)
  assert '--on_error=skip' in str(caught.value)
  loaded = load(folder, on_error='skip')
  assert loaded.names.tolist() == ['1']
  assert len(loaded.report.left_out) == 1


@pytest.mark.parametrize(
    ('image', 'labels', 'name'),
    [
        ('000003.jpg', '000003.json', '3'),
        ('000003.jpg', '3.json', '3'),
        ('3.JPG', '3.JSON', '3'),
        ('3.jpeg', '03.json', '3'),
        ('3.PNG', '3.json', '3'),
        ('3_cam0.jpg', '3_cam0.json', '3_cam0'),
        ('003_cam0.jpg', '3.json', '3_cam0'),
    ],
)
def test_names_of_files(load, tmp_path, plain, image, labels, name):
  folder = tmp_path / 'named'
  file = write(folder)
  file.with_suffix('.json').rename(folder / labels)
  file.rename(folder / image)
  (folder / '._3.jpg').write_text('')
  (folder / '.3.json').write_text('')
  before = UnityEyes(path=folder, height=35, width=55)
  assert before.iris_centres([name]).shape == (1, 2)
  fingerprint = before.fingerprint
  assert_same(load(folder), plain, [name])
  with (folder / image).open('ab') as opened:
    opened.write(b' ')
  after = UnityEyes(path=folder, height=35, width=55)
  assert after.fingerprint != fingerprint


def test_several_cameras_with_labels_of_their_own(load, tmp_path, plain):
  cameras = ['2_cam0', '3_cam0', '3_cam9', '3_cam10', '10_cam0']
  for camera in cameras:
    write(tmp_path / 'cameras', camera)
  assert_same(load(tmp_path / 'cameras'), plain, cameras)


def in_cameras(names):
  """Return a change of a JSON into that of UnityEyes 2 with those cameras."""

  def change(text):
    labels = json.loads(text)
    details = labels.pop('eye_details')
    cameras = dict.fromkeys(names, labels)
    return json.dumps({'eye_details': details, 'cameras': cameras})

  return change


def test_labels_of_the_only_camera(load, tmp_path, plain):
  file = write(tmp_path / 'found', change=in_cameras(['cam_1']))
  file.rename(file.with_name('3_cam_1.jpg'))
  assert_same(load(tmp_path / 'found'), plain, ['3_cam_1'])


def test_labels_of_several_cameras_are_refused(load, tmp_path):
  write(tmp_path / 'found', change=in_cameras(['cam_1', 'cam_2']))
  words = r'3\.json: .* one of the cameras cam_1, cam_2; write a JSON'
  with pytest.raises(InputError, match=words):
    load(tmp_path / 'found')


def test_files_without_a_number_are_told(load, tmp_path):
  file = write(tmp_path / 'named')
  file.with_name('eye.jpg').write_bytes(b'')
  assert load(tmp_path / 'named').report.notes == (
      '1 files, such as eye.jpg, are not read: they are not named by a number',
  )


@pytest.mark.parametrize(
    ('names', 'words'),
    [
        (
            ['3_cam0.jpg', '3_cam1.jpg', '3.json'],
            r'3_cam0\.jpg and 3_cam1\.jpg have only 3\.json, whose labels'
            ' fit one camera; give each',
        ),
        (
            ['3.jpg', '3_cam1.jpg', '3.json'],
            r'3\.jpg and 3_cam1\.jpg have',
        ),
        (['3.jpg', '3.png', '3.json'], r'3\.jpg and 3\.png are both number 3;'),
        (
            ['03.jpg', '3.jpg', '3.json'],
            r'03\.jpg and 3\.jpg are both',
        ),
        (['3.jpg', '03.json', '3.json'], r'03\.json and 3\.json are both'),
        (['3.jpg'], r'folder holds no \.json files'),
        (['3.json'], r'3\.jpg: the file is missing'),
    ],
)
def test_files_that_do_not_pair(load, tmp_path, names, words):
  file = write(tmp_path / 'source')
  folder = tmp_path / 'folder'
  folder.mkdir()
  for name in names:
    source = file.with_suffix('.json') if 'json' in name else file
    (folder / name).write_bytes(source.read_bytes())
  with pytest.raises(InputError, match=words) as caught:
    load(folder)
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('size', 'factor'),
    [
        ((120, 90), '1/2'),
        ((80, 60), '1/3'),
        ((160, 120), '2/3'),
        ((168, 126), '7/10'),
        ((216, 162), '9/10'),
        ((480, 360), '2'),
    ],
)
def test_resized_images_are_understood(load, tmp_path, plain, size, factor):
  write(tmp_path / 'resized', size=size)
  found = load(tmp_path / 'resized')
  assert found.report.notes == (
      f'1 of 1 images: resized by {factor} after rendering; the landmarks are'
      ' scaled to fit, first 3',
  )
  difference = found.images.astype(float) - plain.images
  assert np.abs(difference).mean() < 5
  expected, centre = (
      UnityEyes(path=tmp_path / name, height=35, width=55).iris_centres(['3'])
      for name in ('plain', 'resized')
  )
  np.testing.assert_allclose(centre, expected, atol=1e-6)


@pytest.mark.parametrize(
    ('size', 'look', 'words'),
    [
        # No simple factor, but certainly resized.
        ((228, 171), LOOK, '228 x 171, .* as if it were 240 x 180'),
        # Looks along the camera: its iris tells nothing of the middle.
        ((120, 90), np.array([1e-9, 0, -1]), 'x 78 to 155 and y 68 to 108'),
        ((480, 360), np.array([1e-9, 0, -1]), 'x 78 to 155 and y 68 to 108'),
        ((48, 36), np.array([1e-9, 0, -1]), 'x 78 to 155 and y 68 to 108'),
    ],
)
def test_resized_images_are_refused(load, tmp_path, size, look, words):
  write(tmp_path / 'resized', look=look, size=size)
  message = rf'3\.jpg: the image is .*{words}.* probably resized after'
  with pytest.raises(InputError, match=message):
    load(tmp_path / 'resized')


@pytest.mark.parametrize('drop', ['iris_2d', 'depths'])
def test_resized_images_without_an_iris_are_refused(load, tmp_path, drop):
  def change(text):
    labels = json.loads(text)
    if drop == 'iris_2d':
      del labels['iris_2d']
    else:
      labels['iris_2d'] = ['(118.0000, 88.0000, 9.0000)'] * 8
    return json.dumps(labels)

  write(tmp_path / 'resized', size=(120, 90), change=change)
  with pytest.raises(InputError, match=r'3\.jpg: .*probably resized'):
    load(tmp_path / 'resized')
  write(tmp_path / 'whole', change=change)
  assert load(tmp_path / 'whole').names.tolist() == ['3']


@pytest.mark.parametrize('size', [(180, 180), (224, 224), (128, 128)])
def test_stretched_images_are_refused(load, tmp_path, size):
  write(tmp_path / 'stretched', size=size)
  with pytest.raises(InputError, match='where no iris is seen: .* resized'):
    load(tmp_path / 'stretched')


def cut_out(folder, left, top, width, height):
  """Write an eye without the rest of its image; the JSON stays."""
  file = write(folder)
  with Image.open(file) as image:
    part = image.crop((left, top, left + width, top + height))
  part.save(file.with_suffix('.png'))
  file.unlink()
  return file.with_suffix('.json')


@pytest.mark.parametrize('place', [(60, 45, 120, 90), (40, 0, 180, 180)])
def test_a_part_without_its_labels_is_refused(load, tmp_path, place):
  cut_out(tmp_path / 'part', *place)
  with pytest.raises(InputError, match=r'3\.png: .* or cut; bring it back'):
    load(tmp_path / 'part')


def test_a_part_with_its_labels_is_no_resized_image(load, tmp_path, plain):
  # The same factor from the middle in x and y, as if it were enlarged.
  file = cut_out(tmp_path / 'part', 40, 0, 200, 150)

  def move(point):
    x, y, depth = map(float, point[0].strip('()').split(', '))
    return _text((x - 40, y - 30, depth))

  labels = json.loads(file.read_text())
  for name in ('interior_margin_2d', 'caruncle_2d', 'iris_2d'):
    points = [re.sub('.*', move, text, count=1) for text in labels[name]]
    labels[name] = points
  file.write_text(json.dumps(labels))
  assert_same(load(tmp_path / 'part'), plain)


def test_a_part_that_was_cut_out_is_left_as_it_is(load, tmp_path, plain):
  # Without the upper rows; y counts from the bottom.
  cut_out(tmp_path / 'part', 0, 20, WIDTH, HEIGHT - 20)
  found = load(tmp_path / 'part')
  assert_same(found, plain)
  assert found.report.notes == ()


def test_landmarks_without_a_width_are_refused(load, tmp_path):
  point = r'"\(\d+\.0000, (\d+\.0000), 48\.9000\)"'

  def change(text):
    return re.sub(point, r'"(80.0000, \1, 48.9000)"', text)

  write(tmp_path / 'flat', change=change)
  with pytest.raises(InputError, match=r'3\.json: .*eye have no width'):
    load(tmp_path / 'flat')
