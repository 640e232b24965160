"""How many devices and parts share a batch, and where programs are kept."""

import os

import jax
import pytest

from simgan_jax.machine import devices, errors


def test_the_largest_number_that_divides_is_chosen():
  assert jax.device_count() == 8
  assert devices.choose_number(16) == 8
  assert devices.choose_number(12) == 6
  assert devices.choose_number(7) == 7
  assert devices.choose_number(11) == 1
  assert devices.choose_number(16, num_devices=4) == 4


@pytest.mark.parametrize('number', [3, 16])
def test_a_number_that_does_not_fit_is_an_error(number):
  with pytest.raises(errors.InputError, match=f'num_devices={number}'):
    devices.choose_number(16, num_devices=number)


@pytest.mark.parametrize(
    ('batch_size', 'num_devices', 'parts'),
    [(32, 2, 4), (512, 2, 64), (8, 2, 1), (2, 1, 1), (12, 2, 1), (24, 2, 3)],
)
def test_parts_of_a_cpu_hold_a_few_images(batch_size, num_devices, parts):
  found = devices.choose_parts(batch_size, num_devices=num_devices)
  assert found == parts
  # Every part has whole pairs of images.
  assert batch_size % (2 * num_devices * found) == 0
  asked = devices.choose_parts(batch_size, num_devices=num_devices, num_parts=5)
  assert asked == 5


@pytest.mark.parametrize('num_devices', [1, 2, 4, 5, 8, 10, 40, 200])
def test_parts_divide_every_share_of_a_batch_to_refine(num_devices):
  parts = devices.choose_parts(200, num_devices=num_devices)
  assert (200 // num_devices) % parts == 0


def test_a_folder_that_jax_was_told_stays(monkeypatch, tmp_path):
  before = {
      name: getattr(jax.config, name)
      for name in (
          'jax_compilation_cache_dir',
          'jax_persistent_cache_min_compile_time_secs',
      )
  }
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  try:
    jax.config.update('jax_compilation_cache_dir', None)
    devices.cache_programs()
    chosen = jax.config.jax_compilation_cache_dir
    assert chosen.startswith(str(tmp_path / 'simgan_jax'))
    jax.config.update('jax_compilation_cache_dir', str(tmp_path / 'own'))
    devices.cache_programs()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / 'own')
  finally:
    for name, value in before.items():
      jax.config.update(name, value)


def test_memory_is_named_by_where_it_is():
  assert devices.describe_memory(devices.peak_memory_gib()).startswith('host ')
  text = devices.describe_memory({'host': 1.5, 'device': 8.0})
  assert text == 'host 1.5 GiB, device 8 GiB'


@pytest.mark.parametrize(
    ('error', 'words'),
    [
        (AssertionError(), 'plugin of these devices is not installed'),
        (
            RuntimeError(
                "Unable to initialize backend 'tpu': no chip. (set"
                " JAX_PLATFORMS='' to automatically choose a backend)"
            ),
            r"\(Unable to initialize backend 'tpu': no chip\); unset it",
        ),
    ],
)
def test_devices_that_are_not_here_are_named(error, words, monkeypatch):
  def fail():
    raise error

  devices.start()
  monkeypatch.setattr(jax, 'devices', fail)
  with pytest.raises(errors.InputError, match=words):
    devices.start()


def test_other_failures_of_jax_stay(monkeypatch):
  def fail():
    raise RuntimeError('a process of the cluster died')

  monkeypatch.setattr(jax, 'devices', fail)
  with pytest.raises(RuntimeError, match='cluster died'):
    devices.start()


@pytest.mark.parametrize('home', ['file/below', 'file'])
def test_a_home_that_cannot_be_written_is_named_once(
    home, monkeypatch, tmp_path, capsys
):
  (tmp_path / 'file').touch()
  monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
  monkeypatch.setenv('HOME', str(tmp_path / home))
  folder = devices.cache_folder()
  assert os.path.isdir(folder) and devices.cache_folder() == folder
  error = capsys.readouterr().err
  assert error.startswith(f'warning: {tmp_path / home}/.cache/simgan_jax/')
  assert 'cannot be written (Not a directory)' in error
  assert 'JAX_COMPILATION_CACHE_DIR' in error and error.count('\n') == 1


def test_a_user_without_a_home_gets_no_folder_named_tilde(
    monkeypatch, tmp_path, capsys
):
  monkeypatch.chdir(tmp_path)
  monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
  monkeypatch.setattr(os.path, 'expanduser', lambda path: path)
  assert os.path.isabs(devices.cache_folder())
  assert 'no home folder' in capsys.readouterr().err
  assert not list(tmp_path.iterdir())
