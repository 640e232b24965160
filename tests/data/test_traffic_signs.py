"""The traffic sign benchmark's own folders: labels, signs, damage."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simgan_jax.data import any_labels, cache, inputs
from simgan_jax.machine.errors import InputError

SOURCE = 'traffic_signs'
SIZE = {'height': 16, 'width': 16, 'fit': 'resize'}
COLUMNS = 'Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId'


def write_signs(folder: Path, table: str, signs: dict[str, int]) -> None:
  """Images whose grey value is 10 times their class, and their table."""
  folder.mkdir(parents=True, exist_ok=True)
  lines = [COLUMNS]
  for name, number in signs.items():
    Image.new('RGB', (20, 24), (10 * number,) * 3).save(folder / name)
    lines.append(f'{name};20;24;5;5;15;19;{number}')
  (folder / table).write_text('\r\n'.join(lines) + '\r\n')


@pytest.fixture
def training(tmp_path):
  folder = tmp_path / 'Final_Training' / 'Images'
  for number in (1, 7, 12):  # 30 km/h, 100 km/h and no limit
    names = ('00000_00000.ppm', '00000_00001.ppm', '00003_00000.ppm')
    signs = dict.fromkeys(names, number)
    write_signs(folder / f'{number:05d}', f'GT-{number:05d}.csv', signs)
  return folder


def test_training_images_have_the_limits_of_their_classes(load, training):
  loaded = load(training, **SIZE)
  assert loaded.names.tolist() == [
      f'{number:05d}/{name}.ppm'
      for number in (1, 7)
      for name in ('00000_00000', '00000_00001', '00003_00000')
  ]
  cells = inputs.make_source(SOURCE, path=training, **SIZE).read_cells()
  limits = [int(cells[name]['limit']) for name in loaded.names]
  assert limits == [30] * 3 + [100] * 3
  assert loaded.images.mean((1, 2, 3)).tolist() == [10] * 3 + [70] * 3


def test_a_subject_is_one_sign_of_one_class(load, training):
  subjects = load(training, **SIZE).subjects
  assert subjects[0] == subjects[1]
  assert np.unique(subjects).size == 4


def test_one_folder_of_a_class_is_enough(load, training):
  assert len(load(training / '00007', **SIZE).images) == 3


def test_the_whole_image_is_used(load, training):
  pixels = np.zeros((24, 20, 3), np.uint8)
  pixels[:, :10], pixels[:, 10:] = 200, 100
  Image.fromarray(pixels).save(training / '00001' / '00000_00000.ppm')
  image = load(training, **SIZE).images[0]
  assert (image[:, 0] == 200).all() and (image[:, -1] == 100).all()


def test_test_images_have_no_tracks(load, tmp_path):
  signs = {'00000.ppm': 8, '00001.ppm': 30, '00002.ppm': 0}
  write_signs(tmp_path, 'GT-final_test.csv', signs)
  (tmp_path / 'GT-final_test.test.csv').write_text('Filename;Width\n')
  loaded = load(tmp_path, **SIZE)
  assert loaded.names.tolist() == ['00000.ppm', '00002.ppm']
  assert loaded.subjects.tolist() == [0, 0]
  cells = inputs.make_source(SOURCE, path=tmp_path, **SIZE).read_cells()
  assert cells['00000.ppm'] == {'limit': '120'}


def test_limits_meet_those_of_rendered_signs(load, training, tmp_path):
  rendered = tmp_path / 'rendered'
  write_signs(rendered, 'x.csv', {f'{i}.ppm': i for i in range(6)})
  rows = [f'{i}.ppm,{(100, 30)[i % 2]}' for i in range(6)]
  (rendered / 'labels.csv').write_text('\n'.join(['file,limit', *rows]))
  sets = {}
  for kind, name, path in (
      ('synthetic', 'image_folder', rendered),
      ('test', SOURCE, training),
  ):
    source = inputs.make_source(name, path=path, **SIZE)
    sets[kind] = source, cache.load(source, tmp_path / 'cache')
  task, sets = any_labels.attach(
      sets, task='class', labels='limit', group='subject'
  )
  assert task == 'class' and sets['test'].targets.names == ('30', '100')
  assert sets['test'].targets.values.tolist() == [0, 0, 0, 1, 1, 1]
  assert len(set(sets['test'].groups)) == 4


def _remove_table(folder: Path) -> None:
  for table in folder.rglob('*.csv'):
    table.rename(table.with_suffix('.test.csv'))


def _change_table(old: str, new: str):
  def change(folder: Path) -> None:
    table = folder / '00001' / 'GT-00001.csv'
    table.write_text(table.read_text().replace(old, new))

  return change


def _cut_image(folder: Path) -> None:
  image = folder / '00001' / '00000_00000.ppm'
  image.write_bytes(image.read_bytes()[:100])


def _only_other_signs(folder: Path) -> None:
  for table in folder.rglob('*.csv'):
    table.write_text(f'{COLUMNS}\n00000_00000.ppm;20;24;5;5;15;19;12\n')


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (_remove_table, 'GT-final_test.csv beside the test images'),
        (_change_table('ClassId', 'Kind'), "GT-00001.csv has no column 'class"),
        (_change_table('Filename', 'Name'), "there is no column 'file'"),
        (_change_table(';1\n', ';x\n'), "line 2: the ClassId 'x'"),
        (_change_table(';20;24;', ';20;25;'), 'but its table says 20 x 25'),
        (_cut_image, '00000_00000.ppm: cannot be read'),
        (lambda folder: (folder / '00001/00000_00000.ppm').unlink(), 'missing'),
        (_only_other_signs, 'holds no speed-limit signs'),
    ],
)
def test_damage_is_named(load, training, damage, message):
  damage(training)
  with pytest.raises(InputError, match=message):
    load(training, **SIZE)
