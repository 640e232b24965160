"""Tables and JSON files as people's programs write them: read, or named."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from simgan_jax.data import gaze_angles, inputs
from simgan_jax.machine.errors import InputError

YAW = 0.01 * np.arange(4)
PLAIN = 'file,yaw,pitch\r\n' + ''.join(
    f'{i}.png,{0.01 * i:.2f},{-0.02 * i:.2f}\r\n' for i in range(4)
)
GERMAN = PLAIN.replace(',', ';').replace('0.', '0,').replace('0,png', '0.png')


def make_folder(folder, names=('0.png', '1.png', '2.png', '3.png')):
  for number, name in enumerate(names):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new('L', (8, 8), 10 * number).save(folder / name)
  return folder


def open_folder(folder, **options):
  return inputs.make_source(
      'image_folder', path=folder, height=8, width=8, **options
  )


def read(folder, **options):
  """Return yaw and pitch [n, 2] of the images in order, and what is said."""
  source = open_folder(folder, **options)
  samples = [source.read(entry) for entry in source.entries]
  angles = gaze_angles.angles_from_vector(np.array([x.gaze for x in samples]))
  brightness = [int(sample.image.mean()) for sample in samples]
  assert brightness == [10 * i for i in range(len(samples))]
  return angles, '\n'.join([*source.notes, source.label_warning])


# A table of the labels of PLAIN as bytes, and what is said of it.
READ = {
    'plain': (PLAIN, ''),
    'semicolons and decimal commas': (GERMAN, "by ';'.*decimal points"),
    'tabs': (PLAIN.replace(',', '\t'), 'separated by tabs'),
    'bars': (PLAIN.replace(',', ' | '), r"separated by '\|'"),
    'quoted decimal commas': (
        'file,yaw,pitch\n'
        + ''.join(f'{i}.png,"0,0{i}","-0,0{2 * i}"\n' for i in range(4)),
        'decimal points',
    ),
    'a mark of UTF-8': (PLAIN.encode('utf-8-sig'), ''),
    'UTF-16': (PLAIN.encode('utf-16'), 'in UTF-16-LE'),
    'UTF-16 of the other order, without a mark': (
        PLAIN.encode('utf-16-be'),
        'in UTF-16-BE',
    ),
    'Latin-1': (
        PLAIN.replace('pitch', 'pitch,größe').encode('latin-1'),
        'in LATIN-1',
    ),
    "Excel's first line": ('sep=,\r\n' + PLAIN, ''),
    "Excel's first line of a tab": (
        'sep=\t\r\n' + PLAIN.replace(',', '\t'),
        'separated by tabs',
    ),
    'a blank first line': ('\r\n' + PLAIN, ''),
    'comments': ('# by a renderer, version 1.2\n# a, b\n' + PLAIN, ''),
    'blank rows': (PLAIN + '\r\n,,\r\n ,\r\n', ''),
    'blanks after commas': (PLAIN.replace(',', ', '), ''),
    'blanks before commas': (PLAIN.replace(',', ' ,'), ''),
    'quoted cells': (
        PLAIN.replace('.png', '.png"').replace('\r\n', '\r\n"', 4),
        '',
    ),
    'capitals': (PLAIN.replace('yaw', 'Yaw').replace('file', 'FILE'), ''),
    'units in names': (
        PLAIN.replace('yaw,pitch', 'Yaw [rad],Pitch (radians)'),
        '',
    ),
    'another name of the column': (
        PLAIN.replace('file', 'File name'),
        "names of files in 'file_name'",
    ),
    'an index': (
        '\n'.join(f'{i},{x}' for i, x in enumerate(PLAIN.split('\r\n')[:5]))[
            1:
        ],
        '',
    ),
    'old line ends': (PLAIN.replace('\r\n', '\r'), ''),
    'an empty last column': (PLAIN.replace('\r\n', ',\r\n'), ''),
    'degrees': (
        'file,Yaw (degrees),pitch_deg\n'
        + ''.join(
            f'{i}.png,{np.degrees(0.01 * i)},{np.degrees(-0.02 * i)}\n'
            for i in range(4)
        ),
        '',
    ),
    'capitals of file names': (
        PLAIN.replace('.png', '.PNG'),
        '0.PNG for 0.png',
    ),
    'no endings': (PLAIN.replace('.png', ''), 'such as 0 for 0.png'),
    'other zeros': (
        PLAIN.replace('\r\n', '\r\n00', 4),
        'such as 000.png for 0.png',
    ),
    'folders of another machine': (
        PLAIN.replace('\r\n', '\r\nC:\\renders\\', 4),
        r'4 names .*such as C:\\renders\\0.png for 0.png',
    ),
    'the order': (
        'file,yaw,pitch\n' + '\n'.join(PLAIN.split('\r\n')[4:0:-1]),
        '',
    ),
}


@pytest.mark.parametrize('kind', READ)
def test_tables_that_are_read(tmp_path, kind):
  text, said = READ[kind]
  folder = make_folder(tmp_path)
  content = text if isinstance(text, bytes) else text.encode()
  (folder / 'labels.csv').write_bytes(content)
  angles, notes = read(folder)
  np.testing.assert_allclose(
      angles, np.stack([YAW, -2 * YAW], axis=-1), atol=1e-9
  )
  assert bool(notes.strip()) == bool(said)
  assert re.search(said, notes, re.DOTALL)


# A table, and what the sentence that refuses it says.
REFUSED = {
    'degrees': (
        'file,yaw,pitch\n0.png,0.1,0\n1.png,-20,3',
        'line 3: yaw -20 and pitch 3 cannot be in radians; .* yaw_deg and',
    ),
    'pitch in degrees': ('file,yaw,pitch\n0.png,0,2', 'pitch 2 cannot be'),
    'an unknown separator': (
        'file:yaw:pitch\n0.png:0:0',
        "no column 'file'; .*by commas, are file:yaw:pitch",
    ),
    'another column': ('picture;yaw\n0.png;0', "by ';', are picture, yaw"),
    'two columns of files': ('image,filename\na,b', "no column 'file'"),
    'a column twice': (
        'file,yaw,Yaw\n0.png,0,1',
        "line 1: .*'yaw' is there",
    ),
    'decimal commas between commas': (
        'file,yaw,pitch\n0.png,0,1,0,2',
        'line 2: there are 5 cells, but 3 columns; .* commas in quotes',
    ),
    'an open quote': (
        'file,what\n0.png,"a\n1.png,b\n2.png,c\n',
        'line 2: a quote is not closed',
    ),
    'a quote that ends later': (
        'file,what\n0.png,"a\n1.png,"b"\n',
        'line 2: a quote is not closed',
    ),
    'two files for a name': ('file\n000.png', '000.png may be 0.png or 00.png'),
    'a line break in a name': (
        'file\n"a\n/0.png"\n',
        r"line 3: 'a\\n/0.png' is no name of a file",
    ),
    'no rows': ('file,yaw\n,\n', 'has no rows'),
    'empty': ('', "no column 'file'; .*are none"),
    'half of UTF-16': (PLAIN.encode('utf-16')[:-1], 'cannot be read .*utf-16'),
}


@pytest.mark.parametrize('kind', REFUSED)
def test_tables_that_are_refused(tmp_path, kind):
  text, said = REFUSED[kind]
  folder = make_folder(tmp_path, ('0.png', '00.png', '1.png'))
  content = text if isinstance(text, bytes) else text.encode()
  (folder / 'labels.csv').write_bytes(content)
  with pytest.raises(InputError, match=rf'labels\.csv.*{said}'):
    _ = open_folder(folder).label_shapes


def test_images_without_a_row_stay(tmp_path):
  folder = make_folder(tmp_path)
  (folder / 'labels.csv').write_text('file,yaw,pitch\n2.png,0.1,0\n')
  angles, notes = read(folder)
  assert np.isnan(angles[:, 0]).tolist() == [True, True, False, True]
  assert '3 of 4 images have no labels, first 0.png' in notes


def test_tables_in_subfolders(tmp_path):
  folder = make_folder(tmp_path, ('a/0.png', 'a/1.png', 'b/0.png'))
  (folder / 'a' / 'labels.csv').write_text(
      'file,yaw,pitch\n0.png,0.1,0\n1.png,0.2,0\n'
  )
  (folder / 'b' / 'Labels.CSV').write_text('file;yaw;pitch\nb\\0.png;0.3;0\n')
  angles, _ = read(folder)
  np.testing.assert_allclose(angles[:, 0], (0.1, 0.2, 0.3), atol=1e-9)


def test_several_rows_an_image(tmp_path):
  folder = make_folder(tmp_path, ('0.png', '1.png'))
  (folder / 'labels.csv').write_text(
      'file,yaw,pitch,class\n0.png,0.1,0,a\n0.png,0.1,0,b\n'
      '1.png,0.1,0,a\n1.png,0.2,0,b\n'
  )
  angles, notes = read(folder)
  np.testing.assert_allclose(angles[0], (0.1, 0), atol=1e-9)
  assert np.isnan(angles[1]).all()
  assert '1 of 2 images count as unknown' in notes and 'differs' in notes


@pytest.mark.parametrize(
    ('cells', 'angles', 'said'),
    [
        ('1.0,0.1,0', (0.1, 0), ''),
        ('"1,0",0.1,0', (0.1, 0), 'commas'),
        (',,', (np.nan, np.nan), ''),
        ('NaN,nan,NA', (np.nan, np.nan), ''),
        ('1,nan,0.1', (np.nan, np.nan), r'gaze: \[nan, 0.1\] is no direction'),
        ('1.5,0.1,0', (0.1, 0), 'subject: 1.5 is no whole number'),
    ],
)
def test_cells(tmp_path, cells, angles, said):
  folder = make_folder(tmp_path, ('0.png',))
  (folder / 'labels.csv').write_text(f'file,subject,yaw,pitch\n0.png,{cells}\n')
  found, notes = read(folder)
  np.testing.assert_allclose(found[0], angles, atol=1e-9)
  assert bool(notes.strip()) == bool(said)
  assert re.search(said, notes)
  subject = open_folder(folder).entries[0].subject
  assert subject == (cells.startswith(('1.0', '"', '1,')))


def test_forms_of_gaze_that_contradict(tmp_path):
  folder = make_folder(tmp_path, ('0.png', '1.png'))
  (folder / 'labels.csv').write_text(
      'file,yaw,pitch,yaw_deg,pitch_deg\n0.png,0.1,0,5.7296,0\n1.png,0.1,0,9,0'
  )
  angles, notes = read(folder)
  np.testing.assert_allclose(angles[0], (0.1, 0), atol=1e-4)
  assert np.isnan(angles[1]).all() and 'contradict' in notes


def test_unicode_forms(tmp_path):
  folder = make_folder(tmp_path, ('o\u0308.png',))  # decomposed, as on a Mac
  (folder / 'labels.csv').write_text('file,yaw,pitch\n\u00f6.png,0.1,0\n')
  angles, _ = read(folder)
  np.testing.assert_allclose(angles[0], (0.1, 0), atol=1e-9)


@pytest.mark.parametrize(
    ('ending', 'encoding'),
    [
        ('.json', 'utf-8-sig'),
        ('.json', 'utf-16'),
        ('.json', 'latin-1'),
        ('.JSON', 'utf-8'),
        ('.png.json', 'utf-8'),
    ],
)
def test_json_files(tmp_path, ending, encoding):
  folder = make_folder(tmp_path)
  for i in range(4):
    labels = {'Yaw': 0.01 * i, 'pitch': 0, 'class': 'grün'}
    (folder / f'{i}{ending}').write_text(
        json.dumps(labels, ensure_ascii=False), encoding=encoding
    )
  angles, notes = read(folder)
  np.testing.assert_allclose(angles[:, 0], YAW, atol=1e-9)
  assert not notes.strip()


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('{"yaw": NaN, "pitch": NaN}', ''),
        ('{"yaw": null, "pitch": null}', ''),
        ('{"yaw": NaN, "pitch": 0}', 'gaze: .*is no direction'),
        ('{"gaze_x": 0, "gaze_y": 0, "gaze_z": 0}', 'is no direction'),
        ('{"yaw": true, "pitch": 0}', 'True is no number'),
        ('{"yaw": "0,1", "pitch": [1]}', 'gaze: '),
    ],
)
def test_json_without_a_gaze(tmp_path, text, said):
  folder = make_folder(tmp_path, ('0.png',))
  (folder / '0.json').write_text(text)
  angles, notes = read(folder)
  assert np.isnan(angles).all()
  assert bool(notes.strip()) == bool(said)
  assert re.search(said, notes)


def test_json_in_degrees_and_two_json(tmp_path):
  folder = make_folder(tmp_path, ('0.png',))
  (folder / '0.json').write_text('{"yaw": 20, "pitch": 0}')
  with pytest.raises(InputError, match=r'0\.json: yaw 20 .*yaw_deg'):
    read(folder)
  (folder / '0.JSON').write_text('{"yaw": 0, "pitch": 0}')
  with pytest.raises(InputError, match=r'both 0\.JSON and 0\.json may hold'):
    read(folder)


def test_folders_of_systems_and_links(tmp_path):
  folder = make_folder(tmp_path / 'in', ('0.png', 'a/1.png'))
  for other in (
      *('.ipynb_checkpoints/0.png', '.Trash-1000/files/x.png', '@eaDir/0.png'),
      *('__MACOSX/0.png', '$RECYCLE.BIN/0.png', 'a/.thumbnails/0.png'),
  ):
    make_folder(folder, (other,))
  (folder / '._0.png').write_bytes(b'of a Mac')
  make_folder(tmp_path / 'elsewhere', ('x/2.png',))
  (tmp_path / 'elsewhere' / 'x' / '2.png').unlink()
  Image.new('L', (8, 8), 20).save(tmp_path / 'elsewhere' / 'x' / '2.png')
  (folder / 'b').symlink_to(tmp_path / 'elsewhere')
  (folder / 'b' / 'x' / 'loop').symlink_to(folder / 'b')
  for name in ('x.gif', 'y.gif', 'z.heic', 'Thumbs.db', 'README'):
    (folder / name).write_bytes(b'?')
  _, notes = read(folder)
  names = [entry.name for entry in open_folder(folder).entries]
  assert names == ['0.png', 'a/1.png', 'b/x/2.png']
  assert '2 .gif files, 1 file without ending' in notes
  assert '1 .heic file' in notes and '1 .db file' in notes
  assert '@eaDir' not in notes


def test_a_folder_without_images_says_what_it_holds(tmp_path):
  (tmp_path / 'a.gif').write_bytes(b'?')
  with pytest.raises(InputError, match=r'holds no image \(1 \.gif file, first'):
    _ = open_folder(tmp_path).entries
  make_folder(tmp_path)
  with pytest.raises(InputError, match=r"no file that '\*\.rgb\.png' matches"):
    _ = open_folder(tmp_path, pattern='*.rgb.png').entries
