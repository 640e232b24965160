"""Trials and answers: order, what counts, and what a kill leaves behind."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from simgan_jax.machine import errors
from simgan_jax.studies.turing_test import trials
from simgan_jax.studies.turing_test.answers import AnswersFile

PIXELS = np.zeros((35, 55, 1), np.uint8)


def _study(kind='refined', *, pool_size=20, num_images=5):
  names = [f'{i}.png' for i in range(pool_size)]
  images = {name: dict.fromkeys(names, PIXELS) for name in ('real', kind)}
  return trials.Study(kind=kind, images=images, num_images=num_images)


@pytest.fixture
def path(tmp_path):
  return tmp_path / 'turing_test/answers_refined_000160.jsonl'


@pytest.fixture
def open_test(path):
  """Return a function that closes the file and starts the test anew."""
  opened = []

  def start(study=None):
    if opened:
      opened.pop().close()
    opened.append(AnswersFile(str(path)))
    return trials.Trials(study or _study(), opened[0])

  yield start
  for file in opened:
    file.close()


def _play(test, participant, num_trials, selected='real'):
  for _ in range(num_trials):
    test.answer(participant, test.show(participant).token, selected)


def test_half_of_the_images_are_real_and_none_is_there_twice():
  plan = trials.plan_trials('ann', _study())
  assert Counter(trial.kind for trial in plan) == {'real': 5, 'refined': 5}
  assert len(set(plan)) == 10


def test_order_and_choice_belong_to_the_name():
  study = _study()
  plan = trials.plan_trials('ann', study)
  assert plan == trials.plan_trials('ann', study)
  other = trials.plan_trials('bob', study)
  assert set(plan) != set(other)
  assert [t.kind for t in plan] != [t.kind for t in other]


def test_every_place_and_image_has_its_fair_share():
  study = _study()
  plans = [trials.plan_trials(f'person {i}', study) for i in range(800)]
  real = np.mean([[t.kind == 'real' for t in plan] for plan in plans], axis=0)
  assert np.abs(real - 0.5).max() < 0.07  # 4 standard deviations
  seen = Counter(trial for plan in plans for trial in plan)
  assert len(seen) == 40
  assert all(abs(n / 800 - 0.25) < 0.07 for n in seen.values())


def test_one_person_has_one_name_however_it_is_typed():
  assert trials.read_name('  Ann\t O’Neill ') == trials.read_name('ann o’neill')
  name = trials.read_name('ΐ ﬁ Straße')
  assert trials.read_name(name) == name


@pytest.mark.parametrize('text', ['', ' \n', 'a' * 61, 'a\0b', 'a\u202eb'])
def test_what_is_no_name_is_refused(text):
  with pytest.raises(trials.RefusedError, match='Type a name'):
    trials.read_name(text)


def test_each_answer_is_a_line_with_what_was_shown(open_test, path):
  test = open_test()
  shown = test.show('ann')
  test.answer('ann', shown.token, 'synthetic')
  _play(test, 'ann', 1)
  lines = path.read_text().splitlines()
  assert len(lines) == 2
  row = json.loads(lines[0])
  assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00', row.pop('time'))
  assert row == {
      'participant': 'ann',
      'number': 1,
      'kind': shown.trial.kind,
      'image': shown.trial.image,
      'selected': 'synthetic',
  }


def test_only_the_image_shown_now_takes_an_answer_and_only_once(
    open_test, path
):
  test = open_test()
  for token in ('', 'guess'):
    with pytest.raises(trials.RefusedError, match='no image that is shown'):
      test.answer('ann', token, 'real')  # Nothing shown yet.
  first = test.show('ann')
  assert test.show('ann') == first  # Until answered, the same.
  with pytest.raises(trials.RefusedError, match='no image that is shown'):
    test.answer('bob', first.token, 'real')  # Shown to somebody else.
  with pytest.raises(trials.RefusedError, match='choose a button'):
    test.answer('ann', first.token, 'both')
  assert not path.read_bytes()
  test.answer('ann', first.token, 'real')
  second = test.show('ann')
  assert second.number == 2 and second.token != first.token
  with pytest.raises(trials.RefusedError, match='no image that is shown'):
    test.answer('ann', first.token, 'real')
  assert len(test.answers()) == 1


def test_after_the_last_image_there_is_nothing_to_answer(open_test):
  test = open_test()
  _play(test, 'ann', 10)
  assert test.show('ann') is None
  with pytest.raises(trials.RefusedError):
    test.answer('ann', '', 'real')
  assert test.show('bob').number == 1


def test_a_restart_goes_on_where_each_participant_stopped(open_test, path):
  plan = trials.plan_trials('ann', _study())
  test = open_test()
  _play(test, 'ann', 3)
  _play(test, 'bob', 1)
  old = test.show('ann')
  written = path.read_bytes()
  test = open_test()
  assert test.show('ann').trial == plan[3] == old.trial
  assert test.show('ann').number == 4 and test.show('bob').number == 2
  with pytest.raises(trials.RefusedError):
    test.answer('ann', old.token, 'real')  # Shown before, not since.
  _play(test, 'ann', 7)
  assert path.read_bytes().startswith(written)
  images = [(a.kind, a.image) for a in test.answers() if a.participant == 'ann']
  assert images == plan


@pytest.mark.parametrize('num_bytes', [1, 20, -1])
def test_an_answer_cut_short_by_a_kill_is_asked_again(
    open_test, path, num_bytes
):
  test = open_test()
  _play(test, 'ann', 2)
  first, second = path.read_bytes().splitlines(keepends=True)
  path.write_bytes(first + second[:num_bytes])
  test = open_test()
  assert path.read_bytes() == first
  assert test.show('ann').number == 2
  _play(test, 'ann', 1)
  assert len(path.read_bytes().splitlines()) == 2


def test_an_answer_that_cannot_be_stored_leaves_no_trace(
    open_test, path, monkeypatch
):
  test = open_test()
  _play(test, 'ann', 1)
  written = path.read_bytes()
  shown = test.show('ann')
  with monkeypatch.context() as patch:
    patch.setattr('os.fsync', lambda file: (_ for _ in ()).throw(OSError(28)))
    with pytest.raises(OSError, match='28'):
      test.answer('ann', shown.token, 'real')
  assert path.read_bytes() == written
  assert test.show('ann') == shown
  test.answer('ann', shown.token, 'real')
  assert len(path.read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    'line',
    [
        b'no json',
        b'[]',
        b'{"participant": "ann"}',
        b'\xff',
        b'{"participant": "a", "number": "1", "kind": "real", "image": "0.png",'
        b' "selected": "real", "time": ""}',
        b'{"participant": "a", "number": 1, "kind": "real", "image": "0.png",'
        b' "selected": "both", "time": ""}',
    ],
)
def test_a_damaged_file_is_told_by_line_and_left_alone(open_test, path, line):
  _play(open_test(), 'ann', 1)
  content = path.read_bytes() + line + b'\ntorn'
  path.write_bytes(content)
  with pytest.raises(errors.InputError, match='line 2 of .* is no answer'):
    open_test()
  assert path.read_bytes() == content


def test_answers_about_other_images_are_not_mixed_in(open_test, path):
  _play(open_test(), 'ann', 10)
  with pytest.raises(errors.InputError, match='another image'):
    open_test(_study(pool_size=21 * 20))
  content = path.read_bytes()
  path.write_bytes(content + content.splitlines(keepends=True)[0])
  with pytest.raises(errors.InputError, match="answer 1 of 'ann'"):
    open_test()


def test_one_server_at_a_time_has_the_file(open_test, path):
  open_test()
  with pytest.raises(errors.InputError, match='in use'):
    AnswersFile(str(path))


def test_a_file_that_cannot_be_written_is_an_input_error(tmp_path):
  (tmp_path / 'file').touch()
  with pytest.raises(errors.InputError, match='cannot be written'):
    AnswersFile(str(tmp_path / 'file' / 'answers.jsonl'))
