"""prepare.py --check: what would be read, in words and as a sheet."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from processes import run_commands
from runs import ROOT

from configs import folders
from simgan_jax.data import inputs, preview
from simgan_jax.report import sheets


def make_folder(folder):
  """Write images, half of 110 x 70 and one of 16 bits, and labels."""
  folder.mkdir()
  generator = np.random.default_rng(0)
  rows = ['file,x,y,yaw,pitch,subject,class,age']
  for i in range(4):
    pixels = generator.integers(0, 256, (70, 110), np.uint8)
    image = Image.fromarray(pixels)
    if i == 3:
      image = Image.fromarray(pixels.astype(np.uint16) << 8)
    (image if i > 1 else image.resize((55, 35))).save(folder / f'{i}.png')
    scale = 1 + (i > 1)
    label = f'{10 * scale},{20 * scale},{0.1 * i},-0.5,{i + 1},{"abba"[i]},{i}'
    rows.append(f'{i}.png,{label}')
  (folder / 'labels.csv').write_text('\n'.join(rows[:-1]))
  box = {'box': [20, 40, 60, 20], 'yaw': -0.5, 'pitch': 0}
  (folder / '3.json').write_text(json.dumps(box))
  (folder / '0.mask.png').write_bytes(b'of 0')
  (folder / 'a.gif').write_bytes(b'?')
  return folder


def look(folder, **options):
  source = inputs.make_source(
      'image_folder', path=folder, height=35, width=55, **options
  )
  return preview.look('synthetic', source)


def test_what_is_said(tmp_path):
  folder = make_folder(tmp_path / 'in')
  found = look(folder)
  assert not found.problems
  assert found.lines[:6] == [
      f'synthetic: image_folder in {folder}',
      '  files: images 4, companions 2, files with the labels of one image 1,'
      ' tables of labels 1, rows in them 3, files not read 1',
      '  originals: 2 of 55 x 35 pixels, 2 of 110 x 70 pixels; 3 of 8 bits'
      ' grey, 1 of 16 bits grey',
      '  labels: gaze of 4 images: yaw -28.6 to 11.5 degrees, pitch -28.6 to'
      ' 0.0 degrees',
      '  labels: subjects 1-3 of 3 images',
      '  labels: carried along: x 10 to 20; y 20 to 40; class has 2 different'
      ' values; age 0 to 2; box 20 to 60',
  ]
  text = '\n'.join(found.lines)
  assert 'not read: 1 .gif file, first a.gif' in text
  assert '1 images belong to others' in text
  assert 'the labels x, y, box look like pixels of the originals' in text
  assert '4 images from 2 sizes' in text
  assert list(found.names) == [f'{i}.png' for i in range(4)]


def test_damage_does_not_end_it(tmp_path):
  folder = make_folder(tmp_path / 'in')
  (folder / '2.png').write_bytes(b'')
  for i in range(25):
    (folder / f'bad{i:02}.png').write_bytes(b'?')
  found = look(folder)
  damaged = [x for x in found.lines if x.startswith('  damaged: ')]
  assert len(damaged) == 21 and damaged[-1] == '  damaged: 6 others'
  assert '2.png: cannot be read as an image (the file is empty)' in damaged[0]
  (problem,) = found.problems
  assert re.fullmatch(
      r'synthetic: 26 of 29 images cannot be read, the first because .*2\.png:'
      r' .*; repair or remove them, or set on_error=skip\.',
      problem,
  )
  assert list(found.names) == ['0.png', '1.png', '3.png']
  skipped = look(folder, on_error='skip')
  assert not skipped.problems
  assert '  left out: 6 others' in skipped.lines
  assert len(look(folder, limit=2, on_error='skip').names) == 2


@pytest.mark.parametrize(
    ('table', 'options', 'problem'),
    [
        ('name\n0.png', {}, "there is no column 'file'"),
        ('file,yaw,pitch\n0.png,20,3', {}, 'cannot be in radians'),
        ('file,x,y\n0.png,1,far', {'points': 'x,y'}, "line 2: x, y: .*'far'"),
        ('file,x\n0.png,1', {'points': 'x,z'}, "'z', which points or boxes"),
    ],
)
def test_what_is_refused_is_a_problem(tmp_path, table, options, problem):
  folder = make_folder(tmp_path / 'in')
  (folder / 'labels.csv').write_text(table)
  (found,) = look(folder, **options).problems
  assert re.match(f'synthetic: .*{problem}', found) and found.endswith('.')


def test_no_image_that_can_be_used(tmp_path):
  (tmp_path / '0.png').write_bytes(b'?')
  found = look(tmp_path, on_error='skip')
  assert found.problems == [
      'synthetic: none of the images can be used; replace them.'
  ]
  assert found.images is None


def test_marks_are_drawn_where_they_move_to(tmp_path):
  folder = make_folder(tmp_path / 'in')
  for i in range(4):
    Image.new('L', (55, 35) if i < 2 else (110, 70), 9).save(
        folder / f'{i}.png'
    )
  (folder / 'labels.csv').write_text('file,x,y\n0.png,10,20\n2.png,20,40')
  (folder / '3.json').write_text('{"x": 20, "y": 40}')
  found = look(folder, points='x,y')
  assert not found.problems
  assert [x.points for x in found.marks] == [[[10, 20]], [], *[[[10, 20]]] * 2]
  (folder / 'labels.csv').unlink()
  (folder / '3.json').write_text('{"BOX": [[20, 40, 60, 20]], "box2": null}')
  found = look(folder, boxes='box')
  assert found.marks[3].boxes == [[10, 20, 30, 10]]
  sheet = sheets.draw_contacts(found.images, found.names, found.marks)
  zoom, cell = 2, (2 * 35 + 4 + 13, 2 * 55 + 4)
  assert sheet.shape == (2 * cell[0], 3 * cell[1], 3)
  green = (sheet == (0, 255, 0)).all(axis=-1)
  rows, columns = (np.flatnonzero(green.any(axis=axis)) for axis in (1, 0))
  assert (rows[[0, -1]] - cell[0]).tolist() == [20 * zoom, 30 * zoom - 1]
  assert columns[[0, -1]].tolist() == [10 * zoom, 40 * zoom - 1]
  assert (sheet[: 35 * zoom, : 55 * zoom] == 9).all()


def test_the_sheet_is_small_and_its_last_tile_the_mean():
  images = np.zeros((200, 24, 200, 3), np.uint8)
  images[::2] = 100
  names = [
      f'folder/of/a name longer than its tile, \u00f6{i}' for i in range(200)
  ]
  sheet = sheets.draw_contacts(images, names, [preview.marks_lib.Marks()] * 200)
  assert sheet.shape == (8 * (24 + 4 + 13), 9 * 204, 3)
  assert (sheet[-41:-17, 204:404] == 50).all()


def test_the_data_sets_that_are_given(tmp_path):
  config = folders.get_config()
  assert not inputs.open_given(config)
  config.data.real.path = str(tmp_path)
  assert set(inputs.open_given(config)) == {'real'}
  config.data.test.subjects = '1-3'
  assert set(inputs.open_given(config)) == {'real', 'test'}
  config.data.synthetic.name = 'builtin_eyes'
  assert len(inputs.open_given(config)) == 3


def test_the_command(tmp_path, environment):
  folder = make_folder(tmp_path / 'in')
  command = [
      *(f'{ROOT}/prepare.py', f'--config={ROOT}/configs/folders.py', '--check'),
      f'--data_dir={tmp_path}/data',
  ]
  path = f'--config.data.synthetic.path={folder}'
  whole, bare = run_commands([[*command, path], command], tmp_path, environment)
  assert whole[0] == 0, whole
  assert whole[1].endswith(f'drawn in {tmp_path}/check-synthetic.png\n')
  with Image.open(tmp_path / 'check-synthetic.png') as sheet:
    assert sheet.format == 'PNG'
  assert bare[0] == 2 and bare[2].startswith('error: there is nothing to check')
  (folder / 'bad.png').write_bytes(b'?')
  ((code, output, error),) = run_commands(
      [[*command, path, '--config.data.channels=3']], tmp_path, environment
  )
  assert code == 2 and 'damaged: ' in output
  assert error.splitlines()[-1].startswith(
      'error: synthetic: 1 of 5 images cannot be read'
  )
  assert {x.name for x in tmp_path.iterdir()} == {'check-synthetic.png', 'in'}
