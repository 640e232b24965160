"""Any names, tables and JSON files: images are read rightly, or one sentence.

Each image is of one brightness, which is its number.
"""

import csv
import io
import json
import os
import pathlib
import tempfile
from typing import NamedTuple

import hypothesis
from hypothesis import strategies as st
from PIL import Image

from simgan_jax.data import companions, inputs, preview
from simgan_jax.data.pixel_labels import PixelLabels
from simgan_jax.machine.errors import InputError
from simgan_jax.refining import written_labels

_PARTS = (
    *('0', '00', '1', '10', 'a', 'A', 'b', 'x', 'mask', 'rgb', 'depth', ' '),
    *('.', '-', '_', ',', ';', "'", '"', '#', '(1)', '%', '[', '*', 'file'),
    *('ö', 'o\u0308', 'ß', 'SS', '眼', '\u200d', 'İ', 'ı', '\udce9', '=', '\\'),
)
_ENDINGS = (
    *('.png', '.png', '.png', '.PNG', '.jpg', '.Jpeg', '.bmp', '.tif', '.npy'),
    *('.webp', '.json', '.txt', '.gif', ''),
)
_CELLS = (
    *('', '0', '1', '0.5', '-0,5', '1e999', 'nan', 'x', 'a b', '"', "'", ' '),
    *('1;2', '1,2', '\t', 'ö', '眼', '\0', '\u2028', '#', '\\', '1_0', '٣'),
)
_FILE = 'file', 'filename', 'image'
_COLUMNS = (
    *('file', 'File', ' file', 'filename', 'image', 'yaw', 'pitch', 'Yaw', ''),
    *('yaw_deg', 'pitch_deg', 'gaze_x', 'gaze_y', 'gaze_z', 'subject', 'x'),
    *('größe', 'a;b', '"', '#', 'sep=;'),
)
_ENCODINGS = (
    *('utf-8', 'utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be'),
    *('utf-8', 'utf-8', 'latin-1', 'cp1252'),
)
_KEYS = 'yaw', 'pitch', 'Yaw', 'gaze_x', 'subject', 'x', 'y', 'p', 'größe', ''
_VALUES = (
    *(0, 1, 2.5, -0.5, 1e308, 10**400, float('nan'), float('inf'), None, True),
    *('', '0,5', '1', 'x', '-'),
)


def _joined(parts, least, most):
  return st.lists(st.sampled_from(parts), min_size=least, max_size=most).map(
      ''.join
  )


_names = st.builds(
    '{}{}{}'.format,
    st.sampled_from(
        ('', '', '', 'a/', 'A/', '0/', 'images/', 'masks/', 'ö ./')
    ),
    _joined(_PARTS, 1, 4),
    st.sampled_from(_ENDINGS),
).filter(lambda name: set(name.rpartition('/')[2]) != {'.'})


_json_values = st.recursive(
    st.sampled_from(_VALUES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    ),
    max_leaves=8,
)


@st.composite
def _json_files(draw):
  """Return the content of a JSON file, more or less as people write it."""
  value = draw(
      st.one_of(
          st.dictionaries(st.sampled_from(_KEYS), _json_values, max_size=5),
          _json_values,
      )
  )
  encoding = draw(st.sampled_from(_ENCODINGS))
  text = json.dumps(value, ensure_ascii=draw(st.booleans()))
  return _damage(draw, text.encode(encoding, 'ignore'))


def _damage(draw, content):
  """Return a content, cut or with other bytes in it now and then."""
  if _rarely(draw):
    content = content[: draw(st.integers(0, len(content)))]
  if _rarely(draw):
    place = draw(st.integers(0, len(content)))
    content = content[:place] + draw(st.binary(max_size=4)) + content[place:]
  return content


def _rarely(draw):
  return not draw(st.integers(0, 7))


@st.composite
def _spelled(draw, names):
  """Return one of the names, perhaps spelled otherwise, or something else."""
  name = draw(st.sampled_from(names))
  if draw(st.integers(0, 3)):
    return name
  change = draw(
      st.sampled_from(
          (
              *(str.upper, str.casefold, lambda x: '0' + x),
              *(lambda x: x.replace('/', '\\'), lambda x: './' + x),
              *(lambda x: os.path.splitext(x)[0], os.path.basename),
              *(
                  lambda x: 'C:\\data\\' + x,
                  lambda x: x + 'x',
                  lambda x: ' ' + x,
              ),
              *(lambda x: '../' + x, lambda _: '', lambda x: x + '/'),
          )
      )
  )
  return change(name)


@st.composite
def _tables(draw, names):
  """Return the content of a table, more or less as people write it."""
  header = draw(
      st.lists(
          st.sampled_from(_COLUMNS),
          max_size=4,
          unique_by=lambda column: column.strip().lower(),
      )
  )
  if not {column.strip().lower() for column in header} & set(_FILE):
    header.insert(draw(st.integers(0, len(header))), 'file')
  separator = draw(st.sampled_from(',,,;;\t|:'))
  quoting = draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
  end = draw(st.sampled_from(('\n', '\r\n', '\r', '\n\n')))
  text = io.StringIO()
  writer = csv.writer(
      text, delimiter=separator, quoting=quoting, lineterminator=end
  )
  writer.writerow(header)
  for _ in range(draw(st.integers(1, 5))):
    row = [
        draw(_spelled(names) if column in _FILE else st.sampled_from(_CELLS))
        for column in map(str.lower, map(str.strip, header))
    ]
    if _rarely(draw):
      row.append(draw(st.sampled_from(_CELLS)))
    writer.writerow(row)
  before = draw(st.sampled_from(('', '', '', '\n', '# a\n', ' \r\n')))
  if _rarely(draw):
    before += f'sep={separator}\n'
  encoding = draw(st.sampled_from(_ENCODINGS))
  content = (before + text.getvalue()).encode(encoding, 'ignore')
  return _damage(draw, content)


class _Folder(NamedTuple):
  images: dict[str, int]  # brightness by name
  files: dict[str, bytes]


@st.composite
def _folders(draw):
  names = draw(st.lists(_names, min_size=1, max_size=6, unique=True))
  files = {}
  for name in names:
    stem, ending = os.path.splitext(name)
    if ending == '.json':
      files[name] = draw(_json_files())
    elif not draw(st.integers(0, 3)):
      beside = stem + draw(
          st.sampled_from(('.json', '.JSON', f'{ending}.json'))
      )
      files[beside] = draw(_json_files())
  for place in draw(
      st.lists(st.sampled_from(('', '', 'a/', 'A/')), max_size=2, unique=True)
  ):
    within = [x.removeprefix(place) for x in names if x.startswith(place)]
    table = draw(_tables(within or names))
    files[place + draw(st.sampled_from(('labels.csv', 'Labels.CSV')))] = table
  images = {name: i for i, name in enumerate(names) if name not in files}
  return _Folder(images, files)


def _write(folder, files):
  for name, content in files.items():
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _draw(number):
  content = io.BytesIO()
  Image.new('L', (3, 3), number).save(content, 'PNG')
  return content.getvalue()


_PNG = [_draw(number) for number in range(8)]


def _check(folder, images, files, **options):
  """Check what is read of a folder; return the source if it can be read."""
  _write(
      folder, {name: _PNG[number] for name, number in images.items()} | files
  )

  def open_folder():
    return inputs.make_source(
        'image_folder', path=folder, height=3, width=3, **options
    )

  seen = preview.look('synthetic', open_folder())
  assert not any('\n' in text for text in (*seen.problems, *seen.lines))
  try:
    source = open_folder()
    samples = {entry.name: source.read(entry) for entry in source.entries}
    _ = source.fingerprint, source.label_shapes, source.find_pixel_labels(3)
    said = ' '.join([*source.notes, source.label_warning])
  except InputError as error:
    assert str(error).strip() and '\n' not in str(error)
    assert seen.problems
    return None
  assert 'points' in options or seen.names == list(samples)
  assert len(samples) == len(source.entries)
  for name, sample in samples.items():
    assert (sample.image == images[name]).all(), name
  # Those that look like labels of others are not read.
  missing = {
      name
      for name in images
      if os.path.splitext(name)[1].lower() in companions.IMAGES
      and not any(part.startswith('.') for part in name.split('/'))
  }.difference(samples)
  assert not missing or f'{len(missing):,} images belong to others' in said
  kept = {name: [written_labels.Kept(name, name)] for name in samples}
  for table in source.label_tables:
    place = table.path.relative_to(folder).as_posix()
    with tempfile.TemporaryDirectory() as output:
      written_labels.carry_over(
          table, pathlib.Path(output), kept, PixelLabels()
      )
      assert (pathlib.Path(output) / place).read_bytes() == files[place]
  return source


_SETTINGS = hypothesis.settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(os.environ.get('FUZZ', 200)),
    suppress_health_check=list(hypothesis.HealthCheck),
)


@_SETTINGS
@hypothesis.given(
    _folders(),
    st.sampled_from(({}, {}, {'points': 'x,y'}, {'points': 'p,x'})),
)
def test_any_folder(content, options):
  hypothesis.assume(_can_be_made(content))
  with tempfile.TemporaryDirectory() as folder:
    _check(pathlib.Path(folder), content.images, content.files, **options)


def _can_be_made(content):
  names = {*content.images, *content.files}
  folders = {
      str(parent)
      for name in names
      for parent in pathlib.PurePosixPath(name).parents
  }
  return not folders & {str(pathlib.PurePosixPath(name)) for name in names}


@st.composite
def _plain_tables(draw):
  """Return names and a table of subjects that every program reads."""
  names = draw(st.lists(_names, min_size=1, max_size=6, unique=True))
  names = [
      name
      for name in names
      if name == name.strip()
      and '/.' not in f'/{name}'
      and '\udce9' not in name
  ]
  columns = ['file', 'subject', draw(st.sampled_from(('class', 'größe', '')))]
  columns = draw(st.permutations(columns))
  encoding = draw(st.sampled_from(('utf-8', 'utf-8-sig', 'utf-16')))
  text = io.StringIO()
  writer = csv.writer(
      text,
      delimiter=draw(st.sampled_from(',;\t|')),
      quoting=draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))),
      lineterminator=draw(st.sampled_from(('\n', '\r\n'))),
  )
  writer.writerow(columns)
  for number, name in draw(st.permutations(list(enumerate(names)))):
    row = {'file': name, 'subject': number + 10}
    writer.writerow(
        [
            row.get(
                column, draw(st.sampled_from(('a', 'a b', '1,5', 'x"y', '')))
            )
            for column in columns
        ]
    )
  return names, text.getvalue().encode(encoding)


@_SETTINGS
@hypothesis.given(_plain_tables())
def test_rows_are_those_of_their_images(found):
  names, table = found
  images = {name: i for i, name in enumerate(names)}
  hypothesis.assume(names and _can_be_made(_Folder(images, {})))
  with tempfile.TemporaryDirectory() as folder:
    source = _check(pathlib.Path(folder), images, {'labels.csv': table})
    assert source
    for entry in source.entries:
      assert entry.subject == images[entry.name] + 10
    assert {x.name for x in source.entries} == set(names)
