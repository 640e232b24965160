"""Points and label images, which move with the images they belong to."""

import json

import numpy as np
import pytest
from PIL import Image

from simgan_jax.data import inputs
from simgan_jax.machine.errors import InputError
from simgan_jax.settings import config as config_lib

SIZE = 60, 80  # height and width of the originals


@pytest.fixture
def centres():
  rng = np.random.default_rng(0)
  return rng.uniform((28, 15), (52, 45), (6, 2))  # x, y px from the corner


@pytest.fixture
def folder(tmp_path, centres):
  """Return a folder of round blobs, which stay inside of any cut."""
  folder = tmp_path / 'blobs'
  folder.mkdir()
  rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
  for i, (x, y) in enumerate(centres):
    far = ((columns - x) ** 2 + (rows - y) ** 2) / 2 / 4**2
    image = np.rint(255 * np.exp(-far)).astype(np.uint8)
    Image.fromarray(image).save(folder / f'{i}.png')
  return folder


@pytest.fixture
def read(tmp_path):
  """Return a function that reads a folder as all sets of a run."""

  def read(path, *, size=(24, 40), fit='crop', points='', test='', **settings):
    config = config_lib.Config()
    data = config.data
    data.height, data.width = size
    data.fit = fit
    for name, own in (
        ('synthetic', path),
        ('real', test or path),
        ('test', test or path),
    ):
      source = config_lib.SourceConfig(name='image_folder', path=str(own))
      setattr(data, name, source)
    data.synthetic.points = points
    for name, value in settings.items():
      setattr(config.evaluation, name, value)
    return inputs.load_with_targets(config, data_dir=str(tmp_path / 'cache'))

  return read


def _find_blobs(images):
  """Return the centres of mass (x, y) of bright blobs in pixels."""
  weights = images[..., 0].astype(np.float64)
  weights /= weights.sum(axis=(1, 2), keepdims=True)
  rows, columns = np.mgrid[: images.shape[1], : images.shape[2]]
  return np.stack(
      [(weights * columns).sum((1, 2)), (weights * rows).sum((1, 2))], axis=1
  )


def _write_table(folder, header, rows):
  lines = [header, *(','.join(map(str, row)) for row in rows)]
  (folder / 'labels.csv').write_text('\n'.join(lines))


@pytest.mark.parametrize('fit', ['crop', 'pad', 'resize'])
@pytest.mark.parametrize('size', [(24, 40), (30, 30), (90, 120)])
def test_points_of_a_table_stay_on_their_blobs(
    read, folder, centres, fit, size
):
  rows = [(f'{i}.png', *xy) for i, xy in enumerate(centres)]
  _write_table(folder, 'file,blob_x,blob_y', rows)
  task, sets = read(folder, size=size, fit=fit, points='blob_x,blob_y')
  _, undeclared = read(
      folder, size=size, fit=fit, task='points', labels='Blob_x,blob_y'
  )
  assert (undeclared['test'].labels == sets['test'].labels).all()
  targets = sets['test'].targets
  assert task == 'points' and targets.names == ('blob',)
  assert targets.values.shape == (6, 1, 2)
  assert targets.values.dtype == np.float32
  found = _find_blobs(sets['test'].images)
  np.testing.assert_allclose(targets.values[:, 0], found, atol=0.1)


def test_a_point_in_the_first_pixel(read, folder):
  _write_table(folder, 'file,x,y', [('0.png', 0.5, 0.5), ('1.png', 80, 60)])
  _, sets = read(folder, size=SIZE, points='x,y')
  assert sets['test'].labels[:2, 0].tolist() == [[0, 0], [79.5, 59.5]]


def test_points_of_json_in_lists_and_objects(read, folder, centres, capsys):
  for i, (x, y) in enumerate(centres):
    content = {
        'Marks': [[x, y], [x, y, 1], [0, 0, 0]],
        'eye': {'x': x, 'y': y},
        'tail': {'deep': [{'x': x, 'y': None}]},
    }
    (folder / f'{i}.json').write_text(json.dumps(content))
  (folder / '5.json').unlink()
  _, sets = read(folder, points='marks,x,y')
  targets = sets['test'].targets
  assert targets.names == ('marks 1', 'marks 2', 'marks 3', 'eye', 'deep')
  assert 'labels: points, 5 points: marks 1, ma' in capsys.readouterr().out
  found = _find_blobs(sets['test'].images)[:5]
  for place, known in enumerate((True, True, False, True, False)):
    own = targets.values[:5, place]
    assert known or np.isnan(own).all()
    assert not known or abs(own - found).max() < 0.1
  assert np.isnan(targets.values[5]).all()
  assert len(sets['test'].keep_labelled('test', '').images) == 5


def test_points_that_cannot_be_read(read, folder):
  _write_table(folder, 'file,x,y', [('0.png', 1, 'up'), ('1.png', 2, 2)])
  with pytest.raises(InputError, match="points of 0.png: .*'up'"):
    read(folder, points='x,y')
  with pytest.raises(InputError, match='estimate for task points: .* have x'):
    read(folder, task='points')
  with pytest.raises(InputError, match="there is no column 'z'"):
    read(folder, points='x,z')


def _draw_masks(folder, template, centres, draw):
  """Write label images that are 1 where a blob is bright, and 2 beside it."""
  rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
  for i, (x, y) in enumerate(centres):
    near = (columns - x) ** 2 + (rows - y) ** 2 < 5**2
    mask = np.where(near, 1, np.where(columns > x, 2, 0)).astype(np.uint8)
    path = folder / template.format(i)
    path.parent.mkdir(exist_ok=True)
    draw(mask).save(path)


def _with_palette(mask):
  image = Image.fromarray(mask).convert('P')
  image.putpalette([9, 9, 9, 200, 0, 0, 9, 9, 9])
  image.frombytes(mask.tobytes())
  return image


_COLOURS = np.array([[0, 0, 0], [200, 30, 0], [0, 30, 200]], np.uint8)


@pytest.mark.parametrize('fit', ['crop', 'pad', 'resize'])
@pytest.mark.parametrize(
    ('template', 'draw', 'names'),
    [
        ('{}_mask.png', Image.fromarray, ('0', '1', '2')),
        ('masks/{}.png', _with_palette, ('0', '1', '2')),
        (
            '{}.seg.png',
            lambda mask: Image.fromarray(_COLOURS[mask]),
            ('#000000', '#001ec8', '#c81e00'),
        ),
    ],
)
def test_label_images_stay_on_their_blobs(
    read, folder, centres, fit, template, draw, names
):
  _draw_masks(folder, template, centres, draw)
  task, sets = read(folder, fit=fit)
  targets = sets['test'].targets
  assert task == 'mask' and targets.names == names
  assert targets.values.shape == (6, 24, 40)
  assert targets.values.dtype == np.int32
  blob = names.index('#c81e00' if '#c81e00' in names else '1')
  inside = targets.values == blob
  found = _find_blobs(inside[..., None].astype(np.uint8))
  drawn = _find_blobs(sets['test'].images)
  np.testing.assert_allclose(found, drawn, atol=0.6)
  assert abs((found - drawn).mean()) < 0.3
  unknown = (targets.values == -1).mean()
  assert (unknown > 0.1) == (fit == 'pad')  # beyond the original


def test_kinds_of_label_images(read, folder, centres, capsys):
  for kind in ('depth', 'mask', 'parsing'):
    _draw_masks(folder, '{}_' + kind + '.png', centres, Image.fromarray)
  with pytest.raises(InputError, match='several kinds .*mask, parsing; set'):
    read(folder)
  assert read(folder, labels='masks')[0] == 'mask'
  assert 'labels: mask, images of mask, 3 classes: 0, 1' in (
      capsys.readouterr().out
  )
  with pytest.raises(InputError, match='images of depth hold no classes'):
    read(folder, labels='depth')
  with pytest.raises(InputError, match="no label 'other'"):
    read(folder, labels='other')
  with pytest.raises(InputError, match='points: .* have images of depth, im'):
    read(folder, task='points')


def test_an_image_without_a_label_image_is_unlabelled(read, folder, centres):
  _draw_masks(folder, '{}_mask.png', centres[:4], Image.fromarray)
  _, sets = read(folder)
  kept = sets['test'].keep_labelled('test', 'give others')
  assert kept.names.tolist() == ['0.png', '1.png', '2.png', '3.png']
  assert kept.transform.shape == (4, 4)


def test_a_label_image_of_another_resolution(read, folder, centres):
  def shrink(mask):
    return Image.fromarray(mask).resize((40, 30), Image.Resampling.NEAREST)

  _draw_masks(folder, '{}_mask.png', centres, shrink)
  _, sets = read(folder)
  found = _find_blobs((sets['test'].labels == 1)[..., None].astype(np.uint8))
  np.testing.assert_allclose(found, _find_blobs(sets['test'].images), atol=0.6)


@pytest.mark.parametrize(
    ('name', 'image', 'message'),
    [
        (
            '0_mask.png',
            np.zeros((60, 60), np.uint8),
            '0_mask.png: its shape is',
        ),
        ('0_mask.png', np.zeros(SIZE, np.uint16), 'has 16 bits; classes'),
        ('0_mask.jpg', np.zeros(SIZE, np.uint8), 'JPEG changes'),
        (
            '0_mask.png',
            np.arange(4800 * 3).reshape(*SIZE, 3).astype(np.uint8),
            'colours, more than 64',
        ),
    ],
)
def test_label_images_that_cannot_be_read(
    read, folder, centres, name, image, message
):
  _draw_masks(folder, '{}_mask.png', centres, Image.fromarray)
  (folder / '0_mask.png').unlink()
  Image.fromarray(image).save(folder / name)
  with pytest.raises(InputError, match=message):
    read(folder)


def test_a_damaged_label_image(read, folder, centres):
  _draw_masks(folder, '{}_mask.png', centres, Image.fromarray)
  (folder / '2_mask.png').write_bytes(b'nothing')
  with pytest.raises(InputError, match='2_mask.png: cannot be read .* remove'):
    read(folder)
