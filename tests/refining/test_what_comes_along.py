"""Labels and files beside images come along with refined ones, unchanged.

But names change that have to, and points and boxes move with their images.
"""

import json

import numpy as np
import pytest
from PIL import Image

from simgan_jax.machine.errors import InputError


def make_folder(folder, *names, size=(110, 70)):
  for name in names:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new('L', size, 100).save(folder / name)
  return folder


def read_all(folder):
  return {
      path.relative_to(folder).as_posix(): path.read_bytes()
      for path in sorted(folder.rglob('*'))
      if path.is_file() and path.name != 'manifest.json'
  }


def test_companions_come_along_byte_for_byte(refine, tmp_path):
  folder = make_folder(tmp_path / 'in', '0.png', '1.jpg', 'images/2.jpg')
  deep = np.arange(77 * 11, dtype=np.uint16).reshape(77, 11)
  others = '0.cs.png 0.json 0.b.json 1.depth.mm.16.png 1_mask.png masks/2.png'
  for name in others.split():
    (folder / name).parent.mkdir(exist_ok=True)
    if name.endswith('.png'):
      Image.fromarray(deep).save(folder / name)
    else:
      (folder / name).write_bytes(b'{"a":  1}\r\n')
  (folder / '1.jpg.xml').write_text('<a/>')
  (folder / '_camera.json').write_text('{}')
  found = refine(folder)
  assert found['images'] == 3
  old, new = read_all(folder), read_all(tmp_path / 'out')
  assert set(new) - {'1.png', '1.png.xml', 'images/2.png'} <= set(old)
  assert set(new) == {
      *('0.png', '1.png', 'images/2.png', '1.png.xml'),
      *others.split(),
  }
  for name in others.split():
    assert new[name] == old[name]
  assert any('4 images belong to others' in note for note in found['notes'])
  assert 'not read: 1 .json file, first _camera.json' in found['notes']


def test_every_row_of_every_table_comes_along(refine, tmp_path):
  folder = make_folder(tmp_path / 'in', 'a/0.jpg', 'b/0.png', 'b/1.png')
  table = '\ufefffile;class\r\n# 1\r\n\r\n0.jpg;"ring"\r\n0.jpg;disc\r\n;\r\n'
  (folder / 'a' / 'labels.csv').write_bytes(table.encode('utf-16-le'))
  rows = b'File,x\n0.PNG,1\n0.PNG,2\n'
  (folder / 'b' / 'LABELS.csv').write_bytes(rows)
  table = table.replace('# 1\r\n', '')
  (folder / 'a' / 'labels.csv').write_bytes(table.encode('utf-16-le'))
  found = refine(folder)
  new = read_all(tmp_path / 'out')
  assert new['b/LABELS.csv'] == rows
  expected = table.replace('0.jpg', '0.png')
  assert new['a/labels.csv'].decode('utf-16-le') == expected
  assert any("separated by ';'" in note for note in found['notes'])


@pytest.mark.parametrize('kind', ['folder', 'npz', 'tfds'])
def test_points_and_boxes_move_with_their_image(refine, tmp_path, kind):
  # From 110 x 80, the middle 110 x 70 becomes 55 x 35.
  folder = make_folder(tmp_path / 'in', '0.png', '1.png', size=(110, 80))
  Image.new('L', (55, 35), 100).save(folder / '1.png')
  lines = 'file;X;y;left;upper;w;h;class', '1.png;7;8;1;2;3;4;c'
  old = '0.png;10,5; 15.0;20;25;30;40;a', '0.png;;;20;25;1;2;b'
  new = '0.png;5,25; 5;10;10;15;20;a', '0.png;;;10;10;0.5;1;b'
  (folder / 'labels.csv').write_text('\n'.join([*lines, *old]))
  refine(folder, kind=kind, points='x,y', boxes='left,upper,w,h')
  written = (tmp_path / 'out' / 'labels.csv').read_text()
  assert written == '\n'.join([*lines, *new])


@pytest.mark.parametrize(
    ('fit', 'expected'),
    [('crop', (5, 5)), ('resize', (5, 6.5625)), ('pad', (7.8125, 6.5625))],
)
def test_points_lie_where_the_image_has_them(refine, tmp_path, fit, expected):
  folder = make_folder(tmp_path / 'in')
  folder.mkdir()
  pixels = np.zeros((80, 110), np.uint8)
  pixels[14:16, 9:11] = 255  # around (10, 15)
  Image.fromarray(pixels).save(folder / '0.png')
  (folder / 'labels.csv').write_text('file,x,y\n0.png,10,15\n')
  refine(folder, points='x,y', fit=fit)
  row = (tmp_path / 'out' / 'labels.csv').read_text().splitlines()[1]
  x, y = (float(cell) for cell in row.split(',')[1:])
  np.testing.assert_allclose((x, y), expected, atol=0.01)
  refined = np.asarray(Image.open(tmp_path / 'out' / '0.png')).astype(float)
  centre = [
      np.average(np.arange(size) + 0.5, weights=refined.sum(axis=axis))
      for axis, size in ((0, 55), (1, 35))
  ]
  np.testing.assert_allclose(centre, (x, y), atol=0.1)


def test_points_in_json(refine, tmp_path):
  folder = make_folder(tmp_path / 'in', '0.png')
  labels = {
      'class': 'grün',
      'objects': [
          {'Cuboid': [[10, 20], [30.5, 40, 1]], 'box': [2, 4, 6, 8]},
          {'x': 10, 'y': 20, 'depth': 9.5},
      ],
      'box': None,
  }
  (folder / '0.json').write_text(json.dumps(labels))
  found = refine(folder, points='cuboid,x,y', boxes='box')
  moved = json.loads((tmp_path / 'out' / '0.json').read_text())
  assert moved == {
      'class': 'grün',
      'objects': [
          {'Cuboid': [[5, 10], [15.25, 20, 1]], 'box': [1, 2, 3, 4]},
          {'x': 5, 'y': 10, 'depth': 9.5},
      ],
      'box': None,
  }
  assert not found['notes']


def test_undeclared_pixels_are_named(refine, tmp_path):
  folder = make_folder(tmp_path / 'in', '0.png')
  (folder / 'labels.csv').write_text(
      'file,xmin,ymin,xmax,ymax,age,gaze_x,gaze_y,gaze_z\n'
      '0.png,10,10,60,50,33,0,0,-1\n'
  )
  (note,) = refine(folder)['notes']
  assert note.startswith('the labels xmin, ymin, xmax, ymax look like')
  small = make_folder(tmp_path / 'small', '0.png', size=(55, 35))
  (small / 'labels.csv').write_text('file,xmin,ymin\n0.png,10,10\n')
  assert not refine(small, tmp_path / 'out2')['notes']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'points': 'x'}, 'x are not x, y pairs'),
        ({'boxes': 'x,y,w'}, 'not x, y, width, height in turn'),
        ({'points': 'x,z'}, "no column 'z', .*the columns are file, x, y, w"),
        ({'points': 'x,w'}, "line 2: x, w: .*'wide'"),
    ],
)
def test_declarations_that_are_wrong(refine, tmp_path, options, message):
  folder = make_folder(tmp_path / 'in', '0.png')
  (folder / 'labels.csv').write_text('file,x,y,w\n0.png,1,2,wide\n')
  with pytest.raises(InputError, match=message):
    refine(folder, **options)


@pytest.mark.parametrize('value', [[1, 2, 3, 4], 'far', [[1], [2]]])
def test_json_that_holds_no_points(refine, tmp_path, value):
  folder = make_folder(tmp_path / 'in', '0.png')
  (folder / '0.json').write_text(json.dumps({'p': value}))
  with pytest.raises(InputError, match=r'0\.json: .*write points as \[x, y\]'):
    refine(folder, points='p')
