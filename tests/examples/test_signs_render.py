"""The renderer of signs: labels, repeatability, and signs that differ."""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = 'examples/signs/render.py'


@pytest.fixture(scope='module')
def render():
  return runpy.run_path(SCRIPT)


@pytest.fixture
def write(monkeypatch, render):
  def write(folder: Path, *options: str) -> list[dict[str, str]]:
    arguments = [SCRIPT, f'--output={folder}', '--images=16', *options]
    monkeypatch.setattr(sys, 'argv', arguments)
    render['main']()
    with (folder / 'labels.csv').open(newline='') as file:
      return list(csv.DictReader(file))

  return write


def test_every_image_has_a_limit(write, render, tmp_path):
  rows = write(tmp_path / 'signs', '--size=24')
  assert [int(row['limit']) for row in rows] == [*render['LIMITS']] * 2
  for row in rows:
    with Image.open(tmp_path / 'signs' / row['file']) as image:
      assert (image.size, image.mode) == ((24, 24), 'RGB')


def test_the_seed_decides(write, tmp_path):
  for name, seed in (('a', 1), ('b', 1), ('c', 2)):
    write(tmp_path / name, f'--seed={seed}')
  a, b, c = ((tmp_path / x / '00003.png').read_bytes() for x in 'abc')
  assert a == b != c


def test_signs_have_a_red_ring_and_dark_digits(render):
  for limit in render['LIMITS']:
    rng = np.random.default_rng(0)
    sign = render['draw_sign'](limit, rng, 48, scene='plain')
    pixels = np.asarray(sign, float)
    red, green, _ = np.moveaxis(pixels, -1, 0)
    inside = np.s_[16:32, 16:32]
    assert 0.1 < (red - green > 80).mean() < 0.4
    assert 0.1 < (red[inside] < 100).mean() < 0.6
    assert 0.1 < (green[inside] > 180).mean()


def _draw_many(render, scene):
  signs = [
      render['draw_sign'](20, np.random.default_rng(seed), 48, scene=scene)
      for seed in range(20)
  ]
  return np.stack([np.asarray(sign, float).mean(-1) for sign in signs])


def test_each_scene_varies_in_more_than_the_one_before(render):
  plain, lights, spots = (
      _draw_many(render, scene) for scene in render['SCENES']
  )
  white = np.s_[:, 16:32, 16:32]
  brightest = [x[white].max((1, 2)).std() for x in (plain, lights, spots)]
  assert brightest[0] < 5 < 20 < min(brightest[1:])
  corner = np.s_[:, :5, :5]
  uneven = [x[corner].std((1, 2)).mean() for x in (plain, lights, spots)]
  assert max(uneven[:2]) < 1e-6 and uneven[2] > 5


def test_no_two_limits_look_alike(render):
  signs = []
  for limit in render['LIMITS']:
    rng = np.random.default_rng(3)
    sign = render['draw_sign'](limit, rng, 48, scene='plain')
    signs.append(np.asarray(sign, float))
  for i, sign in enumerate(signs):
    for other in signs[:i]:
      assert np.abs(sign - other).mean() > 1
