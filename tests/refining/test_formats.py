"""No image, label or bit of the originals is lost without a word."""

import codecs
import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from simgan_jax.data import (
    arrays,
    decoding,
    entries,
    label_tables,
    tables,
)
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.pixel_labels import PixelLabels
from simgan_jax.machine import errors
from simgan_jax.machine import files as files_lib
from simgan_jax.refining import (
    formats,
    manifest,
    naming,
    refined_set,
    written_labels,
)
from simgan_jax.settings import config as config_lib


def _entries(*names):
  return [entries.Entry(name, 0, lambda: None) for name in names]


def _make_folder(folder, *names):
  for i, name in enumerate(names):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((35, 55), i, np.uint8)).save(folder / name)
  return folder


def _grey(path):
  return np.asarray(Image.open(path)).mean().round()


def _make_npz(path, names, dtype=np.uint8):
  values = np.arange(len(names)) * (1 if dtype == np.uint8 else 257)
  images = np.broadcast_to(
      values.astype(dtype)[:, None, None, None], (len(names), 35, 55, 1)
  )
  subjects = np.zeros(len(names), np.int32)
  np.savez(path, images=images, subjects=subjects, names=np.array(names))
  return path


@pytest.mark.parametrize(
    ('names', 'files'),
    [
        (
            ['a.jpg', 'a.jpg.png', 'a.png'],
            ['a.jpg.png.png', 'a.jpg.png', 'a.png'],
        ),
        (['a', 'a.png'], ['a.png.png', 'a.png']),
        (['./a.png', 'a.png', 'b//c.png'], ['a.png', 'a.png.png', 'b/c.png']),
        (['a.jpg', 'a.jpeg'], ['a.png', 'a.jpeg.png']),
        (['a.jpg', 'a.png/b.png'], ['a.jpg.png', 'a.png/b.png']),
        # The stem a.jpg is that of the last, whose label may be a.jpg.json.
        (
            ['a.jpg', 'a.png', 'a.jpg.tif'],
            ['a.jpg.png.png', 'a.png', 'a.jpg.tif'],
        ),
        (['a.webp', 'b.GIF', 'c.gif'], ['a.png', 'b.png', 'c.png']),
        (['a.ppm', 'b.pgm', 'b.ppm'], ['a.png', 'b.pgm', 'b.png']),
        (['a.bmp', 'a.png'], ['a.bmp.png', 'a.png']),  # holds what is unknown
    ],
)
def test_every_name_has_a_file_of_its_own(names, files):
  found = naming.name_files(_entries(*names), 1)
  assert found == dict(zip(names, files, strict=True))


def test_a_format_that_holds_the_pixels(tmp_path):
  originals = _entries('a.pgm', 'a.ppm', 'b.bmp', 'c.bmp', 'd.bmp')
  Image.new('L', (5, 5)).save(tmp_path / 'b.bmp')
  Image.new('I;16', (5, 5)).save(tmp_path / 'c.bmp', 'PNG')
  originals = [one._replace(file=tmp_path / one.name) for one in originals]
  assert list(naming.name_files(originals, 3).values()) == [
      *('a.png', 'a.ppm', 'b.bmp', 'c.png', 'd.png')
  ]


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['a', 'b', 'a', 'c'], "two images are named 'a'"),
        (['manifest.json/a.png'], r'refine\.py writes a manifest\.json itself'),
        (['.progress/0.png'], r'refine\.py writes a \.progress itself'),
        ([''], 'lies outside'),
    ],
)
def test_names_that_cannot_be(names, message):
  with pytest.raises(errors.InputError, match=message):
    naming.name_files(_entries(*names), 1)


def test_names_that_collide_are_all_written_with_their_labels(refine, tmp_path):
  folder = _make_folder(tmp_path / 'in', 'a.png', 'a.jpg', 'a.jpg.png')
  (folder / 'a.json').write_text('{"hair": "red"}')
  (folder / 'a.txt').write_bytes(b'\xff\r\n')
  (folder / 'other.txt').write_text('of no image')
  assert refine(folder)['images'] == 3
  out = tmp_path / 'out'
  assert sorted(path.name for path in out.iterdir()) == [
      *('a.jpg.png', 'a.jpg.png.json', 'a.jpg.png.png', 'a.jpg.png.txt'),
      *('a.json', 'a.png', 'a.txt', 'manifest.json'),
  ]
  values = {'a.png': 0, 'a.jpg.png.png': 1, 'a.jpg.png': 2}
  assert {name: _grey(out / name) for name in values} == values
  assert (out / 'a.jpg.png.txt').read_bytes() == b'\xff\r\n'


def test_names_in_an_npz_file(refine, tmp_path):
  path = _make_npz(tmp_path / 'a.npz', ['a', 'a.png'])
  assert refine(path)['images'] == 2
  assert len(list((tmp_path / 'out').glob('*.png'))) == 2
  path = _make_npz(tmp_path / 'b.npz', ['a', 'a', 'b', 'c'])
  with pytest.raises(errors.InputError, match="two images are named 'a'"):
    refine(path, tmp_path / 'b')
  assert not (tmp_path / 'b').exists()


@pytest.mark.parametrize(
    ('kind', 'image', 'label'),
    [
        ('folder', 'manifest.png', 'manifest.json'),
        ('npz', 'part-00000.png', 'part-00000.npz'),
        ('tfds', 'features.png', 'features.json'),
    ],
)
def test_a_label_with_the_name_of_an_own_file(
    refine, tmp_path, kind, image, label
):
  folder = _make_folder(tmp_path / 'in', image)
  (folder / label).write_text('{}')
  with pytest.raises(errors.InputError, match=f'{label} cannot be kept'):
    refine(folder, kind=kind)
  assert not (tmp_path / 'out').exists()


def test_the_table_is_no_label_of_labels_png(refine, tmp_path):
  folder = _make_folder(tmp_path / 'in', 'labels.png', 'a.jpg')
  (folder / 'labels.csv').write_text('file,hair\nlabels.png,red\na.jpg,\n')
  refine(folder)
  table = (tmp_path / 'out' / 'labels.csv').read_text()
  assert table == 'file,hair\nlabels.png,red\na.png,\n'
  # In arrays images keep their names, and so in the table beside them.
  refine(folder, tmp_path / 'npz', kind='npz')
  table = (tmp_path / 'npz' / 'labels.csv').read_text()
  assert table == 'file,hair\nlabels.png,red\na.jpg,\n'


@pytest.mark.parametrize('source', ['input', 'synthetic', 'real'])
def test_the_output_is_never_among_images(refine, tmp_path, source):
  folder = _make_folder(tmp_path / 'in', 'a.png')
  (tmp_path / 'link').symlink_to(folder)
  output, more = tmp_path / 'link' / 'refined', {}
  if source != 'input':
    place = config_lib.SourceConfig(name='image_folder', path=str(folder))
    more = {source: place}
    folder = _make_folder(tmp_path / 'other', 'a.png')
  with pytest.raises(errors.InputError, match='outside of it'):
    refine(folder, output, **more)
  assert refine(folder, tmp_path / 'in2', **more)['images'] == 1


def test_one_process_writes(refine, tmp_path):
  folder = _make_folder(tmp_path / 'in', 'a.png')
  with (
      files_lib.hold(str(tmp_path / 'out'), '--output'),
      pytest.raises(errors.InputError, match='in use .* another --output'),
  ):
    refine(folder)
  # What a killed process may leave counts as nothing.
  assert [path.name for path in (tmp_path / 'out').iterdir()] == ['.lock']
  (tmp_path / 'out' / 'manifest.json.tmp').write_text('{')
  refine(folder)
  assert not (tmp_path / 'out' / '.lock').exists()


def test_temporary_files_of_others_are_not_replaced(refine, tmp_path):
  (tmp_path / 'out').mkdir()
  (tmp_path / 'out' / 'a.png.tmp').write_text('mine')
  with pytest.raises(errors.InputError, match='is not empty'):
    refine(_make_folder(tmp_path / 'in', 'a.png'))
  assert (tmp_path / 'out' / 'a.png.tmp').read_text() == 'mine'


@pytest.mark.parametrize('end', [b'\r\n', b''])
def test_a_table_changes_only_where_names_do(tmp_path, end):
  lines = [
      *(b'"what", other,file', b'', b'"1,0","",./a.png', b'\xe9 "x",2,"b.jpg"'),
      *(b'"two\r\nlines ""here""",3,c', b' 4 ,"" ,"e.png"', b'5,,f.bmp'),
  ]
  content = codecs.BOM_UTF8 + b'\r\n'.join(lines) + end
  (tmp_path / 'labels.csv').write_bytes(content)
  files = {'a.png': 'a.png', 'b.jpg': 'b,1.png', 'c': 'c.png', 'f.bmp': 'f.bmp'}
  table = label_tables.LabelTable(tables.read(tmp_path / 'labels.csv'), '.')
  kept = {old: [written_labels.Kept(old, new)] for old, new in files.items()}
  written_labels.carry_over(
      table.match([*files]), tmp_path / 'out', kept, PixelLabels()
  )
  changed = content.replace(b'"b.jpg"', b'"b,1.png"').replace(
      b',c\r', b',c.png\r'
  )
  changed = changed.replace(lines[5] + b'\r\n', b'')  # is not among the files
  assert (tmp_path / 'out' / 'labels.csv').read_bytes() == changed


def test_a_jpeg_leaves_the_rest_of_a_table(refine, tmp_path):
  folder = _make_folder(tmp_path / 'in', 'a.png', 'b.jpg')
  table = codecs.BOM_UTF8 + b'file,"what"\r\n./a.png,"1"\r\nb.jpg,"2"\r\n'
  (folder / 'labels.csv').write_bytes(table)
  assert refine(folder)['images'] == 2
  written = (tmp_path / 'out' / 'labels.csv').read_bytes()
  assert written == table.replace(b'b.jpg', b'b.png')
  rows = b'file\na.png\n./a.png'  # a row an object
  (folder / 'labels.csv').write_bytes(rows)
  refine(folder, tmp_path / 'again')
  assert (tmp_path / 'again' / 'labels.csv').read_bytes() == rows


@pytest.mark.parametrize('channels', [1, 3])
def test_16_bits_come_out_again(refine, tmp_path, channels):
  folder = _make_folder(tmp_path / 'in', 'a.png', 'b.jpg', 'c.tif')
  values = np.random.default_rng(0).integers(0, 2**16, (35, 55, 3))
  colour = values.astype(np.uint16)
  Image.fromarray(colour[..., 0]).save(folder / 'grey.png')
  np.save(folder / 'colour.npy', colour)
  (folder / 'colour.png').write_bytes(tf.io.encode_png(colour).numpy())
  ppm = b'P6\n55 35\n65535\n' + colour.astype('>u2').tobytes()
  (folder / 'colour.ppm').write_bytes(ppm)
  tiff = formats.encode(colour, '.tif')
  (folder / 'colour.tif').write_bytes(tiff)
  found = refine(folder, channels=channels)
  assert found['bits'] == {8: 3, 16: 5}
  out = tmp_path / 'out'
  refined = np.load(out / 'colour.npy')
  if channels == 3:
    np.testing.assert_array_equal(refined, colour)
    assert (out / 'colour.ppm').read_bytes() == ppm
    assert (out / 'colour.tif').read_bytes() == tiff
  else:
    luma = colour @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(refined, luma, atol=1)
  png = tf.io.decode_png((out / 'colour.png').read_bytes(), dtype=tf.uint16)
  np.testing.assert_array_equal(np.squeeze(png), refined)
  ppm_as = 'colour.ppm' if channels == 3 else 'colour.ppm.png'
  for name in ('colour.png', ppm_as, 'colour.tif'):
    read = decoding.read_image(out / name).pixels
    np.testing.assert_array_equal(np.squeeze(read), refined)


@pytest.mark.parametrize('channels', [1, 3])
def test_16_bits_under_other_names_come_out_again(refine, tmp_path, channels):
  (tmp_path / 'in').mkdir()
  values = np.random.default_rng(0).integers(0, 2**16, (35, 55, channels))
  image = values.astype(np.uint16)
  content = formats.encode(image, '.png')
  names = 'a.bmp', 'b.jpg', 'c.pgm', 'd.ppm', 'e.tif', 'g.npy'
  for name in names:
    (tmp_path / 'in' / name).write_bytes(content)
  assert refine(tmp_path / 'in', channels=channels)['bits'] == {16: 6}
  written = [
      path for path in (tmp_path / 'out').iterdir() if path.suffix != '.json'
  ]
  assert sorted(path.name for path in written) == [
      *('a.png', 'b.png', f'c.{"pgm" if channels == 1 else "png"}'),
      *(f'd.{"ppm" if channels == 3 else "png"}', 'e.tif', 'g.npy'),
  ]
  for path in written:
    np.testing.assert_array_equal(decoding.read_image(path).pixels, image)


@pytest.mark.parametrize('kind', ['npz', 'tfds'])
def test_16_bit_colour_in_one_data_set(refine, tmp_path, kind):
  (tmp_path / 'in').mkdir()
  colour = np.random.default_rng(0).integers(0, 2**16, (35, 55, 3), np.uint16)
  np.save(tmp_path / 'in' / 'a.npy', colour)
  assert refine(tmp_path / 'in', kind=kind, channels=3)['bits'] == {16: 1}
  if kind == 'npz':
    images = np.load(tmp_path / 'out' / 'part-00000.npz')['images']
  else:
    builder = tfds.builder_from_directory(tmp_path / 'out')
    (example,) = builder.as_dataset(split='train')
    images = example['image'].numpy()[None]
  np.testing.assert_array_equal(images, colour[None])


def test_16_bits_in_npz_files_can_be_refined_and_trained_on(refine, tmp_path):
  path = _make_npz(tmp_path / 'in.npz', ['a', 'b', 'c'], np.uint16)
  assert refine(path, kind='npz')['bits'] == {16: 3}
  part = tmp_path / 'out' / 'part-00000.npz'
  loaded = arrays.Arrays(path=part, height=35, width=55, channels=1).load()
  assert isinstance(loaded, LabelledImages) and loaded.images.dtype == np.uint8
  assert loaded.images[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_a_run_may_be_spelled_otherwise(refine, tmp_path, monkeypatch):
  folder = _make_folder(tmp_path / 'in', 'a.png')
  with monkeypatch.context() as patch:
    patch.setattr(refined_set.manifest, 'complete', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
      refine(folder)
  refine(f'{folder}/', workdir=f'{tmp_path}/run/')
  written = json.loads((tmp_path / 'out' / manifest.FILE).read_text())
  assert written['complete'] and written['workdir'] == f'{tmp_path}/run/'


@pytest.mark.parametrize('kind', ['folder', 'npz'])
def test_classes_of_arrays_come_along(refine, tmp_path, kind):
  path = _make_npz(tmp_path / 'a.npz', ['d', 'a', 'c', 'b'])
  with np.load(path) as file:
    fields = dict(file)
  np.savez(path, **fields, labels=np.array(['red', 'blue', '', 'red']))
  refine(path, tmp_path / 'out', kind=kind)
  with np.load(tmp_path / 'out' / 'labels.npz') as found:
    names = found['label_names'].tolist()
    labels = [names[i] if i >= 0 else '' for i in found['labels']]
    pairs = dict(zip(found['names'].tolist(), labels, strict=True))
  assert pairs == {'d': 'red', 'a': 'blue', 'c': '', 'b': 'red'}
