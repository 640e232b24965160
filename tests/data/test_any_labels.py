"""Labels of any kind, from folders and arrays."""

import json

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from simgan_jax.data import any_labels, arrays, in_memory, inputs
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.targets import Targets
from simgan_jax.machine.errors import InputError
from simgan_jax.settings import config as config_lib


@pytest.fixture
def make(tmp_path):
  """Return a function that writes a folder of images and their labels."""

  def make(name, columns, *, as_json=False, number=0):
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    number = number or len(next(iter(columns.values())))
    rows = [
        {'file': f'{i:03}.png'} | {c: v[i] for c, v in columns.items()}
        for i in range(number)
    ]
    for i, row in enumerate(rows):
      pixels = np.random.default_rng(i).integers(0, 256, (4, 6), np.uint8)
      Image.fromarray(pixels).save(folder / row['file'])
      if as_json:
        file = row.pop('file')
        (folder / file).with_suffix('.json').write_text(json.dumps(row))
    if not as_json:
      lines = [list(rows[0]), *(row.values() for row in rows)]
      text = '\n'.join(';'.join(map(str, line)) for line in lines)
      (folder / 'labels.csv').write_text(text)
    return folder

  return make


@pytest.fixture
def read(tmp_path):
  """Return a function that reads the sets of a run and their targets."""

  def read(synthetic, test, real=None, *, points='', **settings):
    config = config_lib.Config()
    data = config.data
    data.height, data.width = 4, 6
    for name, path in (
        ('synthetic', synthetic),
        ('real', real or test),
        ('test', test),
    ):
      own = config_lib.SourceConfig(name='image_folder', path=str(path))
      setattr(data, name, own)
    data.synthetic.points = points
    for name, value in settings.items():
      setattr(config.evaluation, name, value)
    return inputs.load_with_targets(config, data_dir=str(tmp_path / 'cache'))

  return read


def test_classes_by_name(make, read, capsys):
  synthetic = make('a', {'sort': ['fir', 'oak', 'elm'] * 4})
  test = make('b', {'sort': ['oak', 'ash', '', 'elm']})
  task, sets = read(synthetic, test)
  assert task == 'class'
  targets = sets['test'].targets
  assert targets.names == ('ash', 'elm', 'fir', 'oak')
  assert targets.values.tolist() == [3, 0, -1, 1]
  assert targets.values.dtype == np.int32
  assert sets['synthetic'].labels.tolist() == [2, 3, 1] * 4
  printed = capsys.readouterr()
  assert 'labels: class, column sort, 4 classes: ash, elm, fir, oak;' in (
      printed.out
  )
  assert '1 of 3 classes of the test images are in no syn' in printed.err
  assert 'count as wrong: ash.' in printed.err
  kept = sets['test'].keep_labelled('test', 'give others')
  assert kept.targets.values.tolist() == [3, 0, 1]
  assert len(kept.images) == len(kept.names) == 3


def test_classes_by_few_numbers_are_the_same_however_they_are_written(
    make, read
):
  synthetic = make('a', {'limit': [100, 20, 30, 20] * 5}, as_json=True)
  test = make('b', {'limit': ['020', '30.0', '100', 'NA']})
  task, sets = read(synthetic, test)
  assert task == 'class'
  assert sets['test'].targets.names == ('20', '30', '100')
  assert sets['test'].labels.tolist() == [0, 1, 2, -1]
  assert sets['synthetic'].labels.tolist() == [2, 0, 1, 0] * 5


def test_names_that_look_like_numbers_stay_texts_beside_others(make, read):
  synthetic = make('a', {'code': ['020', '20', 'end', '3'] * 3})
  _, sets = read(synthetic, make('b', {'code': ['20', '020', 'end']}))
  assert sets['test'].targets.names == ('3', '020', '20', 'end')


def test_none_is_a_class_among_names_and_unknown_among_numbers(make, read):
  synthetic = make('a', {'beard': ['none', 'full'] * 6, 'age': [*range(12)]})
  test = make('b', {'beard': ['None', 'full', 'none'], 'age': [7, 'none', 9]})
  _, sets = read(synthetic, test, labels='beard')
  assert sets['test'].targets.names == ('None', 'full', 'none')
  assert sets['test'].labels.tolist() == [0, 1, 2]
  _, sets = read(synthetic, test, labels='age')
  assert np.isnan(sets['test'].labels[:, 0]).tolist() == [False, True, False]


def test_regression(make, read, capsys):
  rng = np.random.default_rng(0)
  columns = {'width': rng.random(9), 'mass': rng.integers(0, 99, 9)}
  columns['row'] = np.arange(9)
  columns['lens'] = [50] * 9
  synthetic = make('a', columns)
  test = make('b', columns | {'width': ['1,5', '-', *range(7)]})
  task, sets = read(synthetic, test)
  assert task == 'regression'
  targets = sets['synthetic'].targets
  assert targets.names == ('width', 'mass')
  np.testing.assert_allclose(targets.values[:, 0], columns['width'], rtol=1e-6)
  assert targets.values[:, 1].tolist() == columns['mass'].tolist()
  assert targets.values.dtype == np.float32
  assert sets['test'].labels[0, 0] == 1.5 and np.isnan(
      sets['test'].labels[1, 0]
  )
  assert len(sets['test'].keep_labelled('test', '').images) == 8
  assert (
      'labels: regression, columns width, mass; set' in capsys.readouterr().out
  )
  task, sets = read(synthetic, test, labels='Mass')
  assert task == 'regression' and sets['test'].labels.shape == (9, 1)
  assert read(synthetic, test, labels='row')[0] == 'regression'
  assert read(synthetic, test, labels='lens')[0] == 'class'
  task, sets = read(synthetic, test, labels='mass', task='class')
  assert task == 'class' and sets['test'].labels.shape == (9,)


def test_several_kinds_of_columns_are_not_guessed(make, read):
  columns = {'sort': ['fir', 'oak'] * 5, 'age': np.arange(10) ** 2}
  folder = make('a', columns)
  with pytest.raises(InputError, match=r'sort \(names\), age \(numbers\); set'):
    read(folder, folder)
  assert read(folder, folder, labels='age')[0] == 'regression'
  assert read(folder, folder, labels='sort')[0] == 'class'
  assert read(folder, folder, task='class')[1]['test'].targets.names == (
      'fir',
      'oak',
  )
  assert read(folder, folder, task='regression')[1]['test'].targets.names == (
      'age',
  )
  with pytest.raises(InputError, match='sort of 000.png is .fir., no number'):
    read(folder, folder, labels='age,sort', task='regression')
  columns['age'] = ['1', 'old', *range(2, 10)]
  with pytest.raises(InputError, match='age of 001.png is .old., no number'):
    read(make('b', columns), folder, labels='age')
  columns['age'] = [f'sentence {i}' for i in range(10)]
  with pytest.raises(InputError, match=r'labels age \(texts of single images'):
    read(make('c', columns), make('d', columns), labels='age')
  with pytest.raises(InputError, match="have no label 'kind'.* of sort, age"):
    read(folder, folder, labels='kind')


@pytest.mark.parametrize(
    'columns',
    [
        {'note': [f'number {i}' for i in range(8)]},
        {'note': [''] * 8},
        {'note': ['same'] * 8},
        {'number': [3, 1, 2, 0, 4, 5, 7, 6]},
    ],
)
def test_nothing_to_learn(make, read, columns):
  folder = make('a', columns)
  with pytest.raises(InputError, match=r'synthetic images \(image_fo.* have n'):
    read(folder, folder)


def test_sets_that_share_nothing(make, read):
  one, two = make('a', {'x': ['a', 'b'] * 4}), make('b', {'x': ['c', 'd'] * 4})
  with pytest.raises(
      InputError, match='test images, c, d, are not .* ones, a, b'
  ):
    read(one, two)
  with pytest.raises(
      InputError, match='synthetic .* have x; the test .* have z'
  ):
    read(one, make('c', {'z': ['a', 'b'] * 4}))


def test_real_images_need_no_labels(make, read):
  folder = make('a', {'x': ['a', 'b'] * 4})
  _, sets = read(folder, folder, make('b', {'other': range(3)}))
  assert sets['real'].targets is None and sets['real'].groups is None
  assert len(sets['real'].images) == 3


def test_gaze_and_text_subjects(make, read):
  columns = {'yaw': np.linspace(0, 1, 6), 'pitch': [0] * 6, 'note': ['a'] * 6}
  folder = make(
      'a', columns | {'subject': ['Ann', 'Bob', '', 'Bob', 'Al', '7']}
  )
  task, sets = read(folder, folder)
  assert task == 'gaze' and sets['test'].targets is None
  assert sets['test'].groups.tolist() == ['Ann', 'Bob', '', 'Bob', 'Al', '7']
  assert len(sets['test'].keep_labelled('test', '').images) == 6
  assert not sets['test'].report.label_warning


def test_groups(make, read):
  columns = {'sort': ['fir', 'oak'] * 4}
  synthetic = make('a', columns)
  test = make(
      'b',
      columns | {'subject': [0, 1, 1, 7, 7, '', 9, 9], 'clip': [*'aabbccdd']},
  )
  _, sets = read(synthetic, test, labels='sort')
  assert sets['test'].groups.tolist() == ['', '1', '1', '7', '7', '', '9', '9']
  assert sets['synthetic'].groups is None
  _, sets = read(synthetic, test, group='Clip')
  assert sets['real'].groups.tolist() == [*'aabbccdd']
  # Photographs without clips may be of any, so they are not learnt from.
  assert sets['synthetic'].groups.tolist() == [''] * 8
  with pytest.raises(InputError, match="column 'track'.*there are sort, subj"):
    read(synthetic, test, group='track', labels='sort')


def _make_images(count, **known):
  return LabelledImages(
      images=np.zeros((count, 4, 6, 1), np.uint8),
      subjects=np.zeros(count, np.int32),
      names=np.array([str(i) for i in range(count)]),
      **known,
  )


@pytest.mark.parametrize(
    ('labels', 'task'),
    [
        (np.array([3, 3, -1, 20]), 'class'),
        (np.array(['3', '3', '', '20']), 'class'),
        (np.array(['none', 'none', '', 'one']), 'class'),
        (np.array([0.5, 1, np.nan, 2]), 'regression'),
        (np.arange(8.0).reshape(4, 2), 'regression'),
    ],
)
def test_arrays(tmp_path, read, labels, task):
  images = _make_images(4)
  path = tmp_path / 'own.npz'
  np.savez(
      path,
      images=images.images,
      subjects=images.subjects,
      names=images.names,
      labels=labels,
      groups=np.array([0, 0, 2, 2]),
  )
  found, sets = read(path, path)
  assert found == task
  values = sets['test'].targets.values
  if task == 'class':
    assert sets['test'].targets.names in (('3', '20'), ('none', 'one'))
    assert values.tolist() == [0, 0, -1, 1]
  else:
    expected = labels.reshape(4, -1).astype(np.float32)
    np.testing.assert_array_equal(values, expected)
  # 0 is a group like others, unlike the number of a person.
  assert sets['test'].groups.tolist() == ['0', '0', '2', '2']


@pytest.mark.parametrize(
    'targets',
    [
        Targets('class', np.array([1, -1, 0], np.int32), ('a', 'b')),
        Targets('regression', np.ones((3, 2), np.float32), ('u', 'v')),
        Targets('points', np.ones((3, 5, 2), np.float32), tuple('abcde')),
        Targets('mask', np.zeros((3, 4, 6), np.int32), ('0', '255')),
    ],
)
def test_arrays_round_trip(tmp_path, targets):
  data = _make_images(3, targets=targets, groups=np.array(['', 'x', 'y']))
  arrays.write(tmp_path / 'x.npz', data)
  source = arrays.Arrays(path=tmp_path / 'x.npz', height=4, width=6)
  found = source.load()
  assert found.targets.task == targets.task
  assert found.targets.names == targets.names
  np.testing.assert_array_equal(found.targets.values, targets.values)
  assert found.targets.values.dtype == targets.values.dtype
  assert found.groups.tolist() == ['', 'x', 'y']


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'labels': np.zeros((3, 5, 6), int)}, 'labels are int64'),
        ({'labels': np.zeros((3, 2, 2, 2))}, 'labels are float64'),
        (
            {'labels': np.array([0, 1, 2]), 'label_names': ['a']},
            '0 to 2, but .* 1',
        ),
        (
            {'labels': np.zeros((3, 2)), 'label_names': ['a']},
            '1 label_names for 2',
        ),
        (
            {'labels': np.zeros(3), 'points': np.zeros((3, 1, 2))},
            'leave out one',
        ),
        ({'labels': np.zeros(4)}, '3 images but 4 labels'),
    ],
)
def test_arrays_that_cannot_be_used(tmp_path, fields, message):
  data = _make_images(3)
  own = {name: getattr(data, name) for name in arrays.REQUIRED}
  np.savez(tmp_path / 'x.npz', **own, **fields)
  source = arrays.Arrays(path=tmp_path / 'x.npz', height=4, width=6)
  with pytest.raises(InputError, match=message):
    source.load()


@pytest.mark.parametrize(
    ('learnt', 'tested', 'task', 'expected'),
    [
        (int, float, 'auto', ('3', '20')),
        (float, int, 'auto', ('value',)),
        (int, float, 'regression', ('value',)),
    ],
)
def test_whole_numbers_may_be_of_another_type(learnt, tested, task, expected):
  values = np.array([3, 20] * 5)
  found = _attach(values.astype(learnt), values.astype(tested), task)
  assert found.names == expected
  is_class = expected == ('3', '20')
  places = [0, 1] * 5 if is_class else values
  np.testing.assert_array_equal(found.values.ravel(), places)


@pytest.mark.parametrize(
    'tested', [np.full(10, 0.5), np.zeros((10, 2)), np.zeros((10, 1, 2))]
)
def test_labels_of_types_that_do_not_fit_are_named(tested):
  message = r'synthetic labels are whole .* the test ones (float|points)'
  with pytest.raises(InputError, match=message):
    _attach(np.arange(10) % 2, tested, 'auto')


def _attach(learnt, tested, task):
  """Return the targets of test images with arrays of labels."""
  images = np.zeros((10, 4, 6), np.uint8)
  data = {
      kind: (
          arrays.Arrays(height=4, width=6),
          in_memory.make_set(images, labels, None, task, kind),
      )
      for kind, labels in (
          ('synthetic', learnt),
          ('real', None),
          ('test', tested),
      )
  }
  _, sets = any_labels.attach(data, task=task, labels='', group='subject')
  return sets['test'].targets


def test_classes_of_two_files_get_common_names(tmp_path):
  data = {
      kind: (
          arrays.Arrays(height=4, width=6),
          _make_images(len(values), targets=Targets('class', values, names)),
      )
      for kind, values, names in (
          ('synthetic', np.array([0, 1, 0, 1]), ('20', '100')),
          ('real', np.array([0, -1]), ('100',)),
          ('test', np.array([1, 0, -1]), ('3', '100')),
      )
  }
  task, sets = any_labels.attach(data, task='auto', labels='', group='subject')
  assert task == 'class'
  assert sets['test'].targets.names == ('3', '20', '100')
  assert sets['synthetic'].labels.tolist() == [1, 2, 1, 2]
  assert sets['real'].labels.tolist() == [2, -1]
  assert sets['test'].labels.tolist() == [2, 0, -1]


class _Given(arrays.Arrays):
  """A source that has labels and nothing else."""

  cells = {}

  def read_cells(self):
    return self.cells


_SCALARS = st.one_of(
    st.sampled_from(
        ['', 'nan', '1', '1.0', '01', '2,5', 'a', 'A', ' a', '1e9']
    ),
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.just(10**400),
)
_CELLS = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.integers(0, 2), min_size=2, max_size=3),
        st.dictionaries(st.sampled_from('abc'), inner),
    ),
    max_leaves=5,
)


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(
    columns=st.lists(
        st.dictionaries(st.sampled_from('abc'), _CELLS),
        min_size=12,
        max_size=12,
    ),
    task=st.sampled_from(['auto', 'class', 'regression', 'points', 'mask']),
    labels=st.sampled_from(['', 'a', 'b,c', 'mask']),
    group=st.sampled_from(['subject', 'c']),
)
def test_any_cells_are_read_or_refused_by_a_sentence(
    columns, task, labels, group
):
  source = _Given(height=4, width=6)
  source.cells = {str(i): cells for i, cells in enumerate(columns)}
  data = {
      kind: (
          source,
          _make_images(number, transform=np.ones((number, 4), np.float32)),
      )
      for kind, number in (('synthetic', 12), ('real', 5), ('test', 8))
  }
  try:
    found, sets = any_labels.attach(data, task=task, labels=labels, group=group)
  except InputError as error:
    assert '\n' not in str(error) and str(error)[-1] in '.)'
    return
  for kind, (_, images) in data.items():
    targets = sets[kind].targets
    if kind == 'real' and targets is None:
      continue
    assert targets.task == found and len(targets.values) == len(images.images)
    known = targets.find_known()
    assert known.shape == (len(images.images),)
    if found == 'class':
      assert targets.values.max() < len(targets.names)
      assert '' not in targets.names
