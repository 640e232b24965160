"""What Apache Beam prepares is what is prepared without it.

Beam asks for older versions of what others need: CI installs it last and runs
this again.
"""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from runs import ROOT

from simgan_jax.data import cache, inputs
from simgan_jax.machine.errors import InputError, RunError

pytest.importorskip('apache_beam', reason='pip install apache-beam')

OPTIONS = ['--runner=DirectRunner']

# Of TFDS, with the protobuf that Beam asks for.
pytestmark = pytest.mark.filterwarnings('ignore:label:DeprecationWarning')


@pytest.fixture
def folder(tmp_path):
  folder = tmp_path / 'images'
  folder.mkdir()
  pixels = np.random.default_rng(0).integers(0, 255, (300, 40, 60))
  for number, image in enumerate(pixels.astype(np.uint8)):
    size = 60 - number % 2
    Image.fromarray(image[:, :size]).save(folder / f'{number:03d}.png')
  rows = ''.join(f'{i:03d}.png,0.1,{i}e-3\n' for i in range(300))
  (folder / 'labels.csv').write_text('file,yaw,pitch\n' + rows)
  return folder


@pytest.fixture
def prepare(tmp_path, folder):
  def prepare(name, beam_options=(), **options):
    source = inputs.make_source(
        'image_folder', path=folder, height=35, width=55, **options
    )
    return cache.prepare(source, tmp_path / name, beam_options=beam_options)

  return prepare


def test_images_labels_and_order_are_the_same(prepare, folder):
  for damaged in ('007.png', '270.png'):  # in both parts
    (folder / damaged).write_bytes(b'no image')
  with (folder / 'labels.csv').open('a') as table:
    table.write('deep.png,up,0\n')
  deep = np.full((40, 60), 300, np.uint16)
  Image.fromarray(deep).save(folder / 'deep.png')
  plain, by_beam = (
      prepare(name, on_error='skip', beam_options=options).read()
      for name, options in (('plain', ()), ('beam', OPTIONS))
  )
  assert len(by_beam.images) == 299
  for name in ('images', 'gaze', 'names', 'subjects'):
    np.testing.assert_array_equal(
        getattr(plain, name), getattr(by_beam, name), strict=True
    )
  assert by_beam.report == plain.report
  assert len(plain.report.left_out) == 2
  assert plain.report.sizes == {'60 x 40': 150, '59 x 40': 149}
  assert plain.report.sixteen_bit == (1, 300, 300)
  assert plain.report.label_warning != ''


def test_a_prepared_set_is_not_prepared_again(prepare):
  first, again = (
      {path.name: path.stat().mtime for path in builder.data_path.iterdir()}
      for builder in (prepare('beam'), prepare('beam', beam_options=OPTIONS))
  )
  assert first == again


def test_a_damaged_file_is_told_in_the_same_sentence(prepare, folder):
  (folder / '123.png').write_bytes(b'no image')
  sentences = []
  for options in ((), OPTIONS):
    with pytest.raises(InputError, match='123.png') as caught:
      prepare('stopped', beam_options=options)
    sentences.append(str(caught.value))
  assert sentences[0] == sentences[1]


def test_what_beam_cannot_do(prepare):
  with pytest.raises(InputError, match='limit=3'):
    prepare('part', limit=3, beam_options=OPTIONS)
  with pytest.raises(RunError, match='MoonRunner'):
    prepare('moon', beam_options=['--runner=MoonRunner'])


def test_several_processes_by_the_command(tmp_path, folder):
  options = ('direct_num_workers=2', 'direct_running_mode=multi_processing')
  process = subprocess.run(
      [
          *(sys.executable, 'prepare.py', '--config=configs/folders.py'),
          f'--config.data.synthetic.path={folder}',
          f'--config.data.real.path={folder}',
          f'--data_dir={tmp_path / "data"}',
          f'--beam_options=runner=DirectRunner,{",".join(options)}',
      ],
      cwd=ROOT,
      capture_output=True,
      text=True,
      timeout=300,
      check=False,
  )
  assert process.returncode == 0, process.stderr
  assert process.stdout.splitlines()[0].startswith('synthetic: 300 images')
