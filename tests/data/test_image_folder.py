"""A plain folder of images and its table of labels."""

import json
import os
import re

import numpy as np
import pytest
from eye_drawing import draw_eye, iris_correlations, random_gazes
from PIL import Image

from simgan_jax.data import gaze_angles as conventions
from simgan_jax.machine.errors import InputError

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
  gazes = random_gazes(12)
  rows = [
      (name, *2 * gaze, subject)
      for name, gaze, subject in zip(names(12), gazes, range(12), strict=True)
  ]
  write_table(folder, 'file,gaze_x,gaze_y,gaze_z,subject', rows)
  loaded = load(folder)
  order = np.argsort(names(12))
  assert loaded.names.tolist() == sorted(names(12))
  np.testing.assert_allclose(loaded.gaze, gazes[order], atol=1e-6)
  assert loaded.subjects.tolist() == order.tolist()
  assert (iris_correlations(loaded.images, loaded.gaze) > 0.9).all()
  assert load(folder, subjects='2-3').subjects.tolist() == [2, 3]


def test_table_of_angles(load, folder):
  angles = conventions.angles_from_vector(random_gazes(12))
  rows = [(name, *angle) for name, angle in zip(names(12), angles, strict=True)]
  write_table(folder, 'file,yaw,pitch', rows)
  np.testing.assert_allclose(
      load(folder).gaze, random_gazes(12)[np.argsort(names(12))], atol=1e-6
  )


@pytest.mark.parametrize(
    ('header', 'rows', 'message'),
    [
        (
            'name,yaw,pitch',
            [('0.png', 0, 0)],
            r"labels\.csv, line 1: there is no column 'file'; .*by commas, are"
            ' name, yaw, pitch',
        ),
        ('file', [('02.png',), ('2.png', 1)], 'line 3: there are 2 cells'),
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
        ('file,subject', (1.5,), 'line 2: subject: 1.5 is no whole'),
        ('file,subject', (99999999999,), 'line 2: subject: 99999999999 is not'),
    ],
)
def test_labels_that_cannot_be_used(load, folder, header, row, message):
  write_table(folder, header, [('0.png', *row)])
  loaded = load(folder)
  assert loaded.gaze is None and not loaded.subjects.any()
  assert re.search(
      f'of 1 of 12 images .*{message}', loaded.report.label_warning
  )
  with pytest.raises(InputError, match=f'^the test images have no .*{message}'):
    loaded.keep_labelled('test', 'give others')


def test_one_label_that_cannot_be_used_leaves_the_others(load, folder):
  rows = [('0.png', 0, 0, 1.5), ('2.png', 0, 'up', 7)]
  write_table(folder, 'file,yaw,pitch,subject', rows)
  loaded = load(folder)
  two = [loaded.names.tolist().index(name) for name in ('0.png', '2.png')]
  assert loaded.subjects[two].tolist() == [0, 7]
  assert np.isnan(loaded.gaze[two]).all(axis=1).tolist() == [False, True]
  assert 'of 2 of 12 images' in loaded.report.label_warning
  with pytest.raises(InputError, match=r'^11 of 12 test .*first 10\.png.*1\.5'):
    loaded.keep_labelled('test', 'give others')


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
  assert len(loaded.images) == 12 and 'link.png' in loaded.report.left_out[0]


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
  assert loaded.names.tolist() == sorted(names(12))
  assert loaded.report.left_out[0].startswith('x.png: ')


def test_empty_cells_are_unknown(load, folder):
  write_table(folder, 'file,yaw,pitch', [('0.png', 0, 0), ('2.png', '', '')])
  loaded = load(folder)
  np.testing.assert_array_equal(loaded.gaze[0], (0, 0, -1))
  assert np.isnan(loaded.gaze[1:]).all() and not loaded.report.label_warning


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
  assert re.search(f'1 of 12 .*{message}', loaded.report.label_warning)
  assert loaded.report.label_warning in capsys.readouterr().err


@pytest.mark.parametrize('text', ['{"yaw": 1', '[' * 200_000, None])
def test_a_damaged_json(load, folder, text):
  if text:
    (folder / '0.json').write_text(text)
  else:
    (folder / '0.json').symlink_to('nowhere')
  with pytest.raises(InputError, match=r'0\.json: .*; repair or remove it, or'):
    load(folder)
  loaded = load(folder, on_error='skip')
  assert len(loaded.images) == 11 and '0.json' in loaded.report.left_out[0]
