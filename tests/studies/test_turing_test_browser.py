"""The test as its participants see it: a real server, a real browser."""

import itertools
import json
import pathlib
import re
import signal
import subprocess
import sys
from collections import Counter

import jax.numpy as jnp
import numpy as np
import pytest
from playwright import sync_api

from configs import eyes
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.report import metrics_file
from simgan_jax.studies.turing_test import images
from simgan_jax.training import build, checkpoint
from simgan_jax.training import workdir as workdir_lib

ROOT = pathlib.Path(__file__).parents[2]
SECONDS = 120  # to wait at most, on a machine with much else to do
# How an image is answered: a key or, where there is no key, the mouse.
WAYS = (
    *(('real', 'r'), ('synthetic', 's'), ('real', 'ArrowLeft')),
    *(('synthetic', 'ArrowRight'), ('real', ''), ('synthetic', 'S')),
    ('synthetic', ''),
)


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
  """Return the folder of a small run whose refiner is as good as untrained."""
  path = str(tmp_path_factory.mktemp('runs') / 'a run')
  config = eyes.get_config()
  config.batch_size, config.history_size = 4, 8
  config.refiner.num_features, config.refiner.num_blocks = 4, 1
  config.data.synthetic.limit = config.data.test.limit = 64
  config.data.test.subjects = ''
  workdir_lib.claim_workdir(path, config)
  state = build.make_state_fn(config, mesh_lib.make_mesh(1))()
  checkpoints = checkpoint.Checkpoints(
      path, rule=selection.Rule(config.data.width, config.num_rounds)
  )
  # The newer one is worse.
  for number, distance in ((160, 1.0), (200, 2.0)):
    found = {selection.DISTANCE: distance}
    file = metrics_file.MetricsFile(
        path, last_round=160, name=metrics_file.INSPECTION
    )
    file.append({'round': number, **found})
    checkpoints.save(number, state._replace(round=jnp.int32(number)), found)
  checkpoints.close()
  return path


@pytest.fixture
def start(data_dir, environment):
  """Return a function that starts the command in its own process."""
  started = []

  def run(workdir, *flags):
    # Ctrl-C is ignored, as for a job in the background of a script.
    background = ['sh', '-c', 'trap "" INT; exec "$@"', 'sh']
    command = [
        *background,
        sys.executable,
        '-m',
        'simgan_jax.studies.turing_test',
    ]
    process = subprocess.Popen(
        [*command, f'--workdir={workdir}', f'--data_dir={data_dir}', *flags],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started.append(process)
    return process

  yield run
  for process in started:
    process.kill()
    process.communicate()


def _wait_for_address(process):
  for line in process.stdout:
    found = re.search(r'http://127\.0\.0\.1:\d+/', line)
    if found:
      return found[0]
  raise AssertionError(process.stderr.read())


@pytest.fixture
def page(browser):
  """Return a page that must not complain nor ask other servers."""
  page = browser.new_page(viewport={'width': 1_000, 'height': 800})
  page.set_default_timeout(SECONDS * 1_000)
  complaints, asked = [], set()
  page.on('console', lambda message: complaints.append(message.text))
  page.on('pageerror', lambda error: complaints.append(str(error)))
  page.on('request', lambda request: asked.add(request.url.split('/')[2]))
  yield page
  address = page.url.split('/')[2]
  page.close()
  assert not complaints and asked - {''} <= {address}


def _begin(page, address, name):
  page.goto(address)
  page.get_by_label('Your name').fill(name)
  page.get_by_role('button', name='Begin').click()


def _wait_for_title(page, title):
  sync_api.expect(page).to_have_title(title, timeout=SECONDS * 1_000)
  page.wait_for_load_state()  # The script comes last.


def _play(page, numbers, ways):
  for number, (selected, key) in zip(numbers, ways, strict=False):
    _wait_for_title(page, f'Image {number} of 100')
    # That the picture is there, at 8 times its size, and the bar counts.
    assert page.evaluate(
        '[document.images.length, document.images[0].naturalWidth,'
        ' document.images[0].width, document.images[0].height,'
        ' document.querySelector("progress").value]'
    ) == [1, 55, 440, 280, number - 1]
    if key:
      page.keyboard.press(key)
    else:
      page.get_by_role('button', name=selected).click()


def test_a_participant_plays_100_trials_through_a_kill(start, workdir, page):
  process = start(workdir, '--port=0')
  address = _wait_for_address(process)
  ways = itertools.cycle(WAYS)
  _begin(page, address, 'Ann <b>O’Neill</b>')
  _play(page, range(1, 41), ways)
  _wait_for_title(page, 'Image 41 of 100')
  image = page.locator('img').get_attribute('src')
  process.send_signal(signal.SIGKILL)
  process.communicate()

  process = start(workdir, f'--port={address.split(":")[-1].strip("/")}')
  assert _wait_for_address(process) == address
  _begin(page, address, 'ann  <B>o’neill</B> ')
  _wait_for_title(page, 'Image 41 of 100')
  assert page.locator('img').get_attribute('src') == image
  # Neither shortcuts nor other keys are answers.
  for key in ('Control+s', 'Alt+r', 'x', 'Enter'):
    page.keyboard.press(key)
  _play(page, range(41, 101), ways)

  page.wait_for_selector('text=All images judged')
  assert 'ann <b>o’neill</b>' in page.inner_text('main')
  page.get_by_role('link', name='Results').click()
  rows = _read_answers(workdir)
  assert [row['selected'] for row in rows] == [
      selected for selected, _ in itertools.islice(itertools.cycle(WAYS), 100)
  ]
  assert len({(row['kind'], row['image']) for row in rows}) == 100
  counts = Counter((row['kind'], row['selected']) for row in rows)
  cells = [
      str(counts[kind, selected])
      for kind in ('real', 'refined')
      for selected in ('real', 'synthetic')
  ]
  assert page.locator('thead th').all_inner_texts() == [
      'selected as real',
      'selected as synthetic',
  ]
  assert page.locator('tbody th').all_inner_texts() == ['real', 'refined']
  assert page.locator('tbody td').all_inner_texts() == cells
  right = counts['real', 'real'] + counts['refined', 'synthetic']
  text = page.inner_text('main')
  assert f'{right} of 100 right ({right}.0 %, p = ' in text

  process.send_signal(signal.SIGINT)
  output, error = process.communicate(timeout=SECONDS)
  assert process.returncode == 0, error
  assert f'{right} of 100 right' in output and 'Traceback' not in error


def _read_answers(workdir):
  path = pathlib.Path(workdir, 'turing_test', 'answers_refined_000160.jsonl')
  return [json.loads(line) for line in path.read_text().splitlines()]


def test_pages_fit_a_narrow_screen_and_a_held_key_answers_once(
    start, workdir, page
):
  process = start(workdir, '--port=0', '--kind=synthetic')
  address = _wait_for_address(process)
  page.set_viewport_size({'width': 320, 'height': 600})
  _begin(page, address, 'bob')
  _wait_for_title(page, 'Image 1 of 20')
  width, scrolled = page.evaluate(
      '[document.images[0].width, document.documentElement.scrollWidth]'
  )
  assert width < 320 and scrolled == 320
  page.keyboard.down('r')
  _wait_for_title(page, 'Image 2 of 20')
  page.keyboard.down('r')  # Repeats, as while it is held.
  page.keyboard.up('r')
  page.reload()
  assert page.title() == 'Image 2 of 20'
  page.go_back()
  _wait_for_title(page, 'Image 2 of 20')
  page.goto(f'{address}results')
  assert page.evaluate('document.documentElement.scrollWidth') == 320
  assert page.locator('tbody th').all_inner_texts() == ['real', 'synthetic']


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (['--workdir=nowhere'], 'run train.py first'),
        (['--kind=real'], '--kind'),
        (['--port=70000'], '--port'),
        (['--host=203.0.113.1'], '--host=203.0.113.1'),
        (['eyes'], 'not a flag'),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(
    start, workdir, flags, message
):
  process = start(workdir, *flags)
  _, error = process.communicate(timeout=SECONDS)
  assert process.returncode == 2, error
  assert message in error and 'Traceback' not in error
  assert sum(line.startswith('error: ') for line in error.splitlines()) == 1


def test_refined_images_are_those_of_the_checkpoint(data_dir, workdir):
  study, path = images.load_study(workdir, data_dir=data_dir, kind='refined')
  control, other = images.load_study(
      workdir, data_dir=data_dir, kind='synthetic'
  )
  assert path.endswith('turing_test/answers_refined_000160.jsonl')
  assert other.endswith('turing_test/answers_synthetic.jsonl')
  assert (study.num_images, control.num_images) == (50, 10)
  assert study.images['real'].keys() == control.images['real'].keys()
  pairs = [
      (study.images['refined'][name], pixels)
      for name, pixels in control.images['synthetic'].items()
  ]
  assert len(pairs) == 64
  assert all((refined != pixels).any() for refined, pixels in pairs)


@pytest.mark.parametrize(
    ('num_real', 'num_synthetic', 'message'),
    [
        (50, 50, 'no checkpoint of a trained refiner'),
        (49, 50, 'the test data set has 49 images, fewer than the 50'),
        (50, 9, 'the synthetic data set has 9 images, fewer than the 50'),
    ],
)
def test_a_run_that_cannot_be_tested_says_why(
    monkeypatch, tmp_path, num_real, num_synthetic, message
):
  def make(num_images):
    return LabelledImages(
        images=np.zeros((num_images, 35, 55, 1), np.uint8),
        gaze=None,
        head_pose=None,
        subjects=np.zeros(num_images, np.int32),
        names=np.arange(num_images).astype(str),
    )

  workdir_lib.claim_workdir(str(tmp_path), eyes.get_config())
  for name, num_images in (('test', num_real), ('synthetic', num_synthetic)):
    found = make(num_images)
    monkeypatch.setattr(
        f'simgan_jax.data.inputs.load_{name}',
        lambda *_, found=found, **__: found,
    )
  with pytest.raises(errors.InputError, match=message):
    images.load_study(str(tmp_path), data_dir='', kind='refined')
  assert not (tmp_path / 'turing_test').exists()
