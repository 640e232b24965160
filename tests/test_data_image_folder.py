"""A plain folder of images and its table of labels."""

import contextlib
import io
import json
import os
import random
import re

import numpy as np
import pytest
from PIL import Image
from test_data_eye_drawing import draw_eye, iris_correlations, random_gazes

from simgan_jax.data import crops
from simgan_jax.data import gaze as conventions
from simgan_jax.data.samples import Damaged
from simgan_jax.errors import InputError

SOURCE = 'image_folder'


@pytest.fixture
def folder(tmp_path):
  folder = tmp_path / 'images'
  (folder / 'more').mkdir(parents=True)
  for number, gaze in enumerate(random_gazes(12)):
    name = f'more/{number}.png' if number % 2 else f'{number}.png'
    Image.fromarray(draw_eye(gaze, height=70, width=110)).save(folder / name)
  return folder


def names(count: int) -> list[str]:
  return [f'more/{i}.png' if i % 2 else f'{i}.png' for i in range(count)]


def write_table(folder, header, rows):
  lines = [header, *(','.join(str(cell) for cell in row) for row in rows)]
  (folder / 'labels.csv').write_text('\n'.join(lines) + '\n')


def test_without_labels(load, folder):
  (folder / '._0.png').write_text('what some systems leave behind')
  loaded = load(folder)
  assert loaded.names.tolist() == sorted(names(12))
  assert loaded.images.shape == (12, 35, 55, 1)
  assert loaded.gaze is None
  assert loaded.head_pose is None


def test_table_of_vectors_and_subjects(load, folder):
  gazes = random_gazes(6)
  rows = [
      (name, *2 * gaze, subject)
      for name, gaze, subject in zip(names(6), gazes, range(6), strict=True)
  ]
  write_table(folder, 'file,gaze_x,gaze_y,gaze_z,subject', rows)
  loaded = load(folder)
  order = np.argsort(names(6))
  assert loaded.names.tolist() == sorted(names(6))
  np.testing.assert_allclose(loaded.gaze, gazes[order], atol=1e-6)
  assert loaded.subjects.tolist() == order.tolist()
  assert (iris_correlations(loaded.images, loaded.gaze) > 0.9).all()
  assert load(folder, subjects='2-3').subjects.tolist() == [2, 3]


def test_table_of_angles(load, folder):
  angles = conventions.angles_from_vector(random_gazes(6))
  rows = [(name, *angle) for name, angle in zip(names(6), angles, strict=True)]
  write_table(folder, 'file,yaw,pitch', rows)
  np.testing.assert_allclose(
      load(folder).gaze, random_gazes(6)[np.argsort(names(6))], atol=1e-6
  )


@pytest.mark.parametrize(
    ('header', 'rows', 'message'),
    [
        (
            'name,yaw,pitch',
            [('0.png', 0, 0)],
            r"labels\.csv has no column 'file'",
        ),
        ('file', [('0.png',), ('0.png',)], r'line 3: 0\.png is there twice'),
        ('yaw,pitch,file', [(0, 0)], 'line 2 names no file'),
        (
            'file',
            [('0.png',), ('a' * 200_000,)],
            'field larger than field limit',
        ),
        ('file', [], r'labels\.csv has no rows'),
        ('file', [('../a.png',)], r'line 2: \.\./a\.png lies outside'),
        ('file', [('/a.png',)], r'line 2: /a\.png lies outside'),
        (
            'file',
            [('0.png',), ('x.png',)],
            r'x\.png: the file is missing; .*skip',
        ),
    ],
)
def test_tables_that_are_not_right(load, folder, header, rows, message):
  write_table(folder, header, rows)
  with pytest.raises(InputError, match=message):
    load(folder)


@pytest.mark.parametrize(
    ('header', 'row', 'message'),
    [
        ('file,yaw', (0,), r'labels\.csv, line 2: gaze: no pitch of yaw'),
        ('file,gaze_x,gaze_z', (0, 1), 'no gaze_y of gaze_x'),
        ('file,yaw,pitch', (0,), 'line 2: gaze: '),
        ('file,yaw,pitch', (0, 'up'), "line 2: gaze: .*'up'"),
        ('file,yaw,pitch', (0, 'inf'), 'is no direction'),
        ('file,gaze_x,gaze_y,gaze_z', (0, 0, 0), 'is no direction'),
        ('file,subject', ('Ann',), "line 2: subject: .*'Ann'"),
        ('file,subject', (99999999999,), 'line 2: subject: 99999999999 is not'),
    ],
)
def test_labels_that_cannot_be_used(load, folder, header, row, message):
  write_table(folder, header, [('0.png', *row)])
  loaded = load(folder)
  assert loaded.gaze is None and loaded.subjects == [0]
  assert re.search(f'of 1 of 1 images .*{message}', loaded.label_warning)
  with pytest.raises(InputError, match=f'^the test images have no .*{message}'):
    loaded.check_labels('test', 'give others')


def test_one_label_that_cannot_be_used_leaves_the_others(load, folder):
  rows = [('0.png', 0, 0, 'Ann'), ('2.png', 0, 'up', 7)]
  write_table(folder, 'file,yaw,pitch,subject', rows)
  loaded = load(folder)
  assert loaded.subjects.tolist() == [0, 7]
  assert np.isnan(loaded.gaze).all(axis=1).tolist() == [False, True]
  assert 'of 2 of 2 images' in loaded.label_warning
  with pytest.raises(InputError, match=r'^1 of 2 test .* first 2\.png \(.*Ann'):
    loaded.check_labels('test', 'give others')


def test_a_table_that_is_a_folder(load, folder):
  (folder / 'labels.csv').mkdir()
  with pytest.raises(InputError, match=r'labels\.csv cannot be read \(.*Is a'):
    load(folder)


def test_what_is_no_file(load, folder):
  (folder / 'folder.png').mkdir()
  assert len(load(folder).images) == 12
  (folder / 'link.png').symlink_to('nowhere')
  with pytest.raises(
      InputError, match=r'link\.png: the file is missing; .*skip'
  ):
    load(folder)
  loaded = load(folder, on_error='skip')
  assert len(loaded.images) == 12 and 'link.png' in loaded.left_out[0]


def test_a_name_that_is_not_utf_8(load, folder, capsys):
  (folder / '0.png').rename(os.fsdecode(os.fsencode(folder) + b'/\xe9.png'))
  with pytest.raises(
      InputError, match=r'\\xe9\.png: the name of the file .*skip'
  ):
    load(folder)
  assert len(load(folder, on_error='skip').images) == 11
  assert '1 left out, the first: \\xe9.png: ' in capsys.readouterr().out


def test_a_missing_file_of_a_table_is_skipped(load, folder):
  write_table(folder, 'file', [('0.png',), ('x.png',)])
  loaded = load(folder, on_error='skip')
  assert loaded.names.tolist() == ['0.png']
  assert loaded.left_out[0].startswith('x.png: ')


def test_sizes_are_brought_together_by_a_centre_crop(load, tmp_path):
  folder = tmp_path / 'sizes'
  folder.mkdir()
  tall, wide = np.zeros((200, 55), np.uint8), np.zeros((35, 300), np.uint8)
  tall[83:118], wide[:, 123:178] = 200, 200
  Image.fromarray(tall).save(folder / 'tall.png')
  Image.fromarray(wide).save(folder / 'wide.png')
  for image in load(folder).images:
    assert image[1:-1, 1:-1].min() > 190


def test_modes_of_pixels(load, tmp_path):
  folder = tmp_path / 'modes'
  folder.mkdir()
  grey = np.full((35, 55), 0x64, np.uint8)
  colour = np.tile(np.array([200, 100, 50], np.uint8), (35, 55, 1))
  deep = (grey.astype(np.uint16) << 8) + 7
  Image.fromarray(grey).save(folder / 'grey.png')
  Image.fromarray(deep).save(folder / 'deep.png')
  Image.fromarray(deep).save(folder / 'deep.pgm')
  Image.fromarray(colour).save(folder / 'colour.png')
  Image.fromarray(colour).quantize(4).save(folder / 'palette.png')
  Image.fromarray(colour).convert('RGBA').save(folder / 'rgba.png')
  loaded = load(folder)
  values = dict(zip(loaded.names, loaded.images[:, 5, 5, 0], strict=True))
  luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
  for name in ('grey.png', 'deep.png', 'deep.pgm'):
    assert values[name] == 100
  for name in ('colour.png', 'palette.png', 'rgba.png'):
    assert abs(int(values[name]) - luma) <= 1
  assert loaded.deep == (2, deep[0, 0], deep[0, 0])
  loaded = load(folder, channels=3)
  assert loaded.deep == (2, deep[0, 0], deep[0, 0])
  values = dict(zip(loaded.names, loaded.images[:, 5, 5], strict=True))
  np.testing.assert_array_equal(values['rgba.png'], (200, 100, 50))
  np.testing.assert_array_equal(values['deep.png'], (100, 100, 100))


def test_pixels_of_32_bits(load, tmp_path):
  Image.new('F', (55, 35)).save(tmp_path / 'depth.tiff')
  with pytest.raises(InputError, match=r'depth\.tiff: has 32-bit pixels'):
    load(tmp_path)


def test_empty_cells_are_unknown(load, folder):
  write_table(folder, 'file,yaw,pitch', [('0.png', 0, 0), ('2.png', '', '')])
  loaded = load(folder)
  np.testing.assert_array_equal(loaded.gaze[0], (0, 0, -1))
  assert np.isnan(loaded.gaze[1]).all()


def test_a_json_for_each_image(load, folder):
  for name, labels in (
      ('0', {'yaw': 0, 'pitch': 0, 'subject': 7}),
      ('2', {'gaze_x': 0, 'gaze_y': 0, 'gaze_z': -3, 'weather': 'fine'}),
      ('more/1', {'weather': [1, 2]}),
  ):
    (folder / f'{name}.json').write_text(json.dumps(labels))
  loaded = load(folder)
  gazes = dict(zip(loaded.names, loaded.gaze, strict=True))
  for name in ('0.png', '2.png'):
    np.testing.assert_array_equal(gazes[name], (0, 0, -1))
  assert np.isnan([gazes['more/1.png'], gazes['more/3.png']]).all()
  assert loaded.subjects.max() == 7


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[1, 2]', '0.json: it holds no object'),
        ('{"yaw": 1}', '0.json: gaze: no pitch of yaw, pitch'),
        ('{"yaw": "up", "pitch": 0}', "0.json: gaze: .*'up'"),
        ('{"yaw": 1e400, "pitch": 0}', 'is no direction'),
        ('{"subject": 1e400}', '0.json: subject: .*infinity'),
        ('{"subject": 99999999999}', '99999999999 is not between 0 and'),
    ],
)
def test_json_labels_that_cannot_be_used(load, folder, capsys, text, message):
  (folder / '0.json').write_text(text)
  loaded = load(folder)
  assert loaded.gaze is None and len(loaded.images) == 12
  assert re.search(f'1 of 12 .*{message}', loaded.label_warning)
  assert loaded.label_warning in capsys.readouterr().err


@pytest.mark.parametrize('text', ['{"yaw": 1', '[' * 200_000, None])
def test_a_damaged_json(load, folder, text):
  if text:
    (folder / '0.json').write_text(text)
  else:
    (folder / '0.json').symlink_to('nowhere')
  with pytest.raises(InputError, match=r'0\.json: .*; repair or remove it, or'):
    load(folder)
  loaded = load(folder, on_error='skip')
  assert len(loaded.images) == 11 and '0.json' in loaded.left_out[0]


@pytest.mark.parametrize('fit', ['crop', 'resize', 'pad'])
def test_fit(load, tmp_path, fit):
  # Grey grows along x; a black bar along the upper border.
  image = np.tile(np.linspace(50, 250, 200), (100, 1))
  image[:20] = 0
  folder = tmp_path / 'fit'
  folder.mkdir()
  Image.fromarray(image.astype(np.uint8)).save(folder / 'a.png')
  (found,) = load(folder, height=40, width=40, fit=fit).images[..., 0]
  ends = found[30, [0, -1]].astype(int)
  black = int((found[:, 20] < 25).sum())
  expected = {
      'crop': ((100, 200), 8),  # the middle
      'resize': ((50, 250), 8),  # all of it, stretched
      'pad': ((50, 250), 10 + 4),  # all of it, the border repeated
  }[fit]
  np.testing.assert_allclose(ends, expected[0], atol=5)
  assert abs(black - expected[1]) <= 1
  assert load(folder, height=40, width=40, fit=fit).sizes == {'200 x 100': 1}


def test_an_unknown_fit(load, folder):
  with pytest.raises(InputError, match="fit='zoom': choose one of"):
    load(folder, fit='zoom')


def test_numpy_files(load, tmp_path):
  grey = np.full((35, 55), 100, np.uint8)
  for name, array in (
      ('grey', grey),
      ('channel', grey[..., None]),
      ('deep', grey.astype(np.uint16) << 8),
      ('colour', np.stack([grey] * 3, axis=-1)),
  ):
    np.save(tmp_path / f'{name}.npy', array)
  assert (load(tmp_path).images == 100).all()


@pytest.mark.parametrize(
    ('array', 'message'),
    [
        (np.zeros((35, 55)), r'a\.npy: cannot be read as an image \(float64'),
        (np.zeros((35, 55, 4), np.uint8), r'uint8 \[35, 55, 4\], not'),
        (np.zeros((0, 5), np.uint8), r'uint8 \[0, 5\], not'),
        (np.array([{}], object), 'allow_pickle=False'),
    ],
)
def test_numpy_files_of_something_else(load, tmp_path, array, message):
  np.save(tmp_path / 'a.npy', array, allow_pickle=True)
  with pytest.raises(InputError, match=message):
    load(tmp_path)


def _npy(**header):
  file = io.BytesIO()
  header = {'descr': '|u1', 'fortran_order': False, 'shape': (5, 5)} | header
  np.lib.format.write_array_header_1_0(file, header)
  return file.getvalue() + bytes(25)


def test_numpy_files_that_are_damaged(tmp_path):
  file = tmp_path / 'a.npy'
  np.savez(tmp_path / 'a.npz', a=np.zeros(3))
  for content in (
      *((tmp_path / 'a.npz').read_bytes(), b'PK', b''),
      *(_npy(shape=(10**8, 10**8)), _npy(descr='O'), _npy()[:-1]),
      _npy().replace(b'(', b' '),  # no Python
  ):
    file.write_bytes(content)
    with pytest.raises(Damaged, match=r'a\.npy: cannot be read as an image \('):
      crops.read_image(file)


@pytest.mark.filterwarnings('ignore:invalid escape:DeprecationWarning')
def test_no_header_of_a_numpy_file_raises_anything_else(tmp_path):
  file, generator = tmp_path / 'a.npy', random.Random(0)
  for _ in range(500):
    content = bytearray(_npy())
    for _ in range(generator.randint(1, 3)):
      place = generator.randrange(100)
      content[place] = generator.choice(b'(){}[],:\'"09e+-*._ \n\\\xff')
    file.write_bytes(content)
    with contextlib.suppress(Damaged):
      crops.read_image(file)
