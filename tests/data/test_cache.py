"""Prepared once, again when the folder changed, never taken half-done."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simgan_jax.data import cache, inputs
from simgan_jax.machine.errors import InputError
from simgan_jax.settings import config

SIZE = {'height': 35, 'width': 55}


@pytest.fixture
def folder(tmp_path):
  folder = tmp_path / 'images'
  folder.mkdir()
  pixels = np.random.default_rng(0).integers(0, 256, (20, 35, 55), np.uint8)
  for number, image in enumerate(pixels):
    Image.fromarray(image).save(folder / f'{number:02d}.png')
  return folder


def caches(data_dir: Path) -> dict[str, int]:
  """The finished caches, with the time each was written."""
  return {
      str(file.relative_to(data_dir)): file.stat().st_mtime_ns
      for file in data_dir.glob('*/*/*/dataset_info.json')
      if 'incomplete' not in str(file)
  }


def load(folder, data_dir, **options):
  source = inputs.make_source('image_folder', path=folder, **SIZE | options)
  return cache.load(source, data_dir)


def test_prepared_once_and_without_loss(folder, tmp_path):
  first = load(folder, tmp_path / 'cache')
  pixels = np.random.default_rng(0).integers(0, 256, (20, 35, 55), np.uint8)
  np.testing.assert_array_equal(first.images[..., 0], pixels)
  written = caches(tmp_path / 'cache')
  assert len(written) == 1
  second = load(folder, tmp_path / 'cache')
  assert caches(tmp_path / 'cache') == written
  np.testing.assert_array_equal(second.images, first.images)
  np.testing.assert_array_equal(second.names, first.names)


def test_contents_are_not_looked_at(folder, tmp_path):
  first = load(folder, tmp_path / 'cache')
  file = folder / '07.png'
  status, length = file.stat(), len(file.read_bytes())
  file.write_bytes(b'x' * length)
  os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
  np.testing.assert_array_equal(
      load(folder, tmp_path / 'cache').images, first.images
  )


def touch(folder: Path) -> None:
  os.utime(folder / '03.png', ns=(1, 1))


def rename(folder: Path) -> None:
  (folder / '03.png').rename(folder / '33.png')


def add(folder: Path) -> None:
  (folder / '44.png').write_bytes((folder / '04.png').read_bytes())


def remove(folder: Path) -> None:
  (folder / '03.png').unlink()


def label(folder: Path) -> None:
  (folder / 'labels.csv').write_text('file,yaw,pitch\n01.png,0,0\n')


def grow(folder: Path) -> None:
  file, status = folder / '03.png', (folder / '03.png').stat()
  file.write_bytes(file.read_bytes() + b' ')
  os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize('change', [touch, grow, rename, add, remove, label])
def test_a_changed_folder_is_prepared_again(folder, tmp_path, change):
  load(folder, tmp_path / 'cache')
  change(folder)
  load(folder, tmp_path / 'cache')
  assert len(caches(tmp_path / 'cache')) == 2


@pytest.mark.parametrize(
    'options',
    [{'height': 36}, {'channels': 3}, {'limit': 3}, {'on_error': 'skip'}],
)
def test_another_request_is_another_cache(folder, tmp_path, options):
  load(folder, tmp_path / 'cache')
  load(folder, tmp_path / 'cache', **options)
  assert len(caches(tmp_path / 'cache')) == 2


def test_a_moved_folder_is_the_same(folder, tmp_path):
  load(folder, tmp_path / 'cache')
  folder.rename(tmp_path / 'moved')
  load(tmp_path / 'moved', tmp_path / 'cache')
  assert len(caches(tmp_path / 'cache')) == 1


def test_relative_folders_and_home(folder, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('HOME', str(tmp_path))
  for path in ('images', '~/images'):
    for data_dir in ('cache', '~/cache'):
      assert len(load(path, data_dir).images) == 20
  assert len(caches(tmp_path / 'cache')) == 1


def test_what_was_decided_is_said_every_time(folder, tmp_path, capsys):
  for number in (3, 17):
    Image.new('RGBA', (55, 35), (9, 9, 9, number)).save(
        folder / f'{number:02d}.png'
    )
  said = (
      '2 of 20 images: transparent pixels are composited on black, first 03.png'
  )
  for _ in range(2):
    assert load(folder, tmp_path / 'cache').report.notes == (said,)
    assert f'images: {said}\n' in capsys.readouterr().out


KILLED = """
import os, signal, sys
from simgan_jax.data import cache, decoding, inputs

read_image, count = decoding.read_image, 0

def read_ten_images(file, page):
  global count
  count += 1
  if count > 10:
    os.kill(os.getpid(), signal.SIGKILL)
  return read_image(file, page)

decoding.read_image = read_ten_images
source = inputs.make_source(
    'image_folder', path=sys.argv[1], height=35, width=55)
cache.load(source, sys.argv[2])
"""


def test_a_killed_preparation_is_done_again(folder, tmp_path):
  data_dir = tmp_path / 'cache'
  process = subprocess.run(
      [sys.executable, '-c', KILLED, str(folder), str(data_dir)], check=False
  )
  assert process.returncode == -signal.SIGKILL
  assert list(data_dir.glob('image_folder/*/*incomplete*'))
  assert not caches(data_dir)
  assert len(load(folder, data_dir).images) == 20


def test_a_failed_preparation_leaves_nothing_behind(folder, tmp_path):
  (folder / '15.png').write_text('not an image')
  for _ in range(2):
    with pytest.raises(InputError, match=r'15\.png: cannot be read') as caught:
      load(folder, tmp_path / 'cache')
    assert '\n' not in str(caught.value)
  assert not [
      file for file in (tmp_path / 'cache').rglob('*') if file.is_file()
  ]


def test_two_processes_may_prepare_the_same(folder, tmp_path):
  program = (
      'import sys; from simgan_jax.data import cache, inputs;'
      "source = inputs.make_source('image_folder', path=sys.argv[1],"
      ' height=35, width=55);'
      'print(len(cache.load(source, sys.argv[2]).images))'
  )
  arguments = [sys.executable, '-c', program, folder, tmp_path / 'cache']
  processes = [
      subprocess.Popen(
          arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
      )
      for _ in range(2)
  ]
  for process in processes:
    # Nothing of TensorFlow or TFDS on the terminal, either.
    assert process.communicate() == (b'20\n', b'')
    assert process.returncode == 0
  assert len(caches(tmp_path / 'cache')) == 1


def test_nothing_usable_is_an_error(folder, tmp_path):
  for file in folder.iterdir():
    file.write_text('not an image')
  with pytest.raises(InputError, match='none of the images can be used'):
    load(folder, tmp_path / 'cache', on_error='skip')


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        ('unity_eye', {}, "no data source 'unity_eye'; .*unity_eyes, columbia"),
        ('image_folder', {'path': ''}, 'image_folder needs the folder'),
        ('image_folder', {'path': 'nowhere'}, 'nowhere is not a folder'),
        ('unity_eyes', {}, r'images holds no \.json files'),
        ('columbia_gaze', {}, r'images holds no \.jpg files'),
        ('mpiigaze', {}, 'Normalized is not a folder'),
        (
            'image_folder',
            {'channels': 2},
            r'channels=2: choose one of \(1, 3\)',
        ),
        ('image_folder', {'height': 0}, 'height=0'),
        ('image_folder', {'limit': -1}, 'limit=-1'),
        ('image_folder', {'on_error': 'go'}, "on_error='go': choose one of"),
        ('image_folder', {'subjects': '1-'}, "subjects='1-' is not a list"),
        ('image_folder', {'subjects': '1'}, 'whose subjects are 0'),
    ],
)
def test_wrong_requests(folder, tmp_path, name, options, message):
  options = {'path': folder} | SIZE | options
  with pytest.raises(InputError, match=message):
    cache.load(inputs.make_source(name, **options), tmp_path / 'cache')


def test_the_settings_name_every_source():
  assert tuple(inputs.SOURCES) == config.SOURCES


def test_a_folder_that_cannot_be_written(folder):
  with pytest.raises(InputError, match='/proc/x cannot be written'):
    load(folder, '/proc/x')


@pytest.mark.parametrize(
    ('module', 'absent'),
    [
        ('simgan_jax.data', 'tensorflow'),
        ('simgan_jax.data.gaze_angles', 'tensorflow'),
        ('simgan_jax.data.labelled_images', 'tensorflow'),
        ('simgan_jax.data.inputs', 'tensorflow'),
        ('simgan_jax.data.inputs', 'jax'),
        ('simgan_jax.data.cache', 'jax'),
    ],
)
def test_imports(module, absent):
  program = f'import sys, {module}; sys.exit({absent!r} in sys.modules)'
  subprocess.run([sys.executable, '-c', program], check=True)
