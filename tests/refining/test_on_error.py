"""Refining that goes on with another --on_error."""

import json

import numpy as np
import pytest
from PIL import Image

from simgan_jax.machine import errors
from simgan_jax.refining import manifest, naming, refined_set


@pytest.fixture
def folder(tmp_path, monkeypatch):
  """Return a folder of 5 images, the fourth damaged; a shard has 2 images."""
  monkeypatch.setattr(refined_set, '_SHARD', 2)
  folder = tmp_path / 'mine'
  folder.mkdir()
  for i, name in enumerate('abcde'):
    pixels = np.full((35, 55), 50 * i, np.uint8)
    Image.fromarray(pixels).save(folder / f'{name}.png')
  (folder / 'd.png').write_text('no image')
  return folder


def test_after_a_stop_the_rest_is_refined_and_the_damage_skipped(
    refine, folder, tmp_path
):
  out = tmp_path / 'out'
  with pytest.raises(errors.InputError, match='d.png: .*--on_error=skip'):
    refine(folder)
  first = out / naming.PROGRESS / '00000.json'
  made = (out / 'a.png').stat().st_mtime_ns
  assert first.exists()
  found = refine(folder, flag='skip')
  assert (out / 'a.png').stat().st_mtime_ns == made
  assert found['images'] == 4 and found['left_out'][0].startswith('d.png: ')
  assert sorted(path.name for path in out.glob('*.png')) == [
      f'{name}.png' for name in 'abce'
  ]


def test_a_set_with_gaps_is_not_finished_as_one_without(
    refine, folder, tmp_path, monkeypatch
):
  out = tmp_path / 'out'
  with monkeypatch.context() as patch:
    patch.setattr(refined_set.manifest, 'complete', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
      refine(folder, flag='skip')
  for flag in ('', 'stop'):
    with pytest.raises(errors.InputError, match=r'\(another on_error\)'):
      refine(folder, flag=flag)
  refine(folder, flag='skip')
  written = json.loads((out / manifest.FILE).read_text())
  assert written['complete'] and len(written['left_out']) == 1


def test_the_flag_replaces_the_setting_of_the_run(refine, folder, tmp_path):
  with pytest.raises(errors.InputError, match='d.png: '):
    refine(folder, tmp_path / 'other', flag='stop', on_error='skip')
  found = refine(folder, on_error='skip')
  assert found['images'] == 4 and found['on_error'] == 'skip'
