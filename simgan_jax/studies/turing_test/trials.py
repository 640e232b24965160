"""Who sees which image next, and which answers count."""

import datetime
import functools
import hashlib
import secrets
import threading
import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from simgan_jax.machine import errors
from simgan_jax.studies.turing_test.answers import (
    SELECTIONS,
    Answer,
    AnswersFile,
)

# As in the paper: 50 + 50 images a person, and 10 + 10 in the control.
NUM_IMAGES = {'refined': 50, 'synthetic': 10}
_MAX_NAME = 60  # characters


class RefusedError(ValueError):
  """An answer or a name that does not count; the message says why."""


class Study(NamedTuple):
  """The images of one test; every participant sees some of them."""

  kind: str  # 'refined', or 'synthetic' in the control
  # kind -> name -> [h, w, c] uint8 in 0..255, for 'real' and `kind`
  images: Mapping[str, Mapping[str, UInt8[np.ndarray, 'h w c']]]
  num_images: int  # of each kind that a participant sees


class Trial(NamedTuple):
  """One image that a participant judges."""

  kind: str  # 'real', 'refined' or 'synthetic'
  image: str  # its name


class Shown(NamedTuple):
  """The trial that a participant has to answer now."""

  token: str  # names this showing and says nothing about the image
  number: int  # from 1
  total: int
  trial: Trial


def read_name(text: str) -> str:
  """Return a participant's name, the same for all ways to type it.

  Raises:
    RefusedError: If it is empty, too long or has control characters.
  """
  name = ' '.join(unicodedata.normalize('NFKC', text).casefold().split())
  if not name or len(name) > _MAX_NAME or not name.isprintable():
    raise RefusedError(
        f'Type a name of 1 to {_MAX_NAME} characters; a made-up one will do.'
    )
  return name


def plan_trials(participant: str, study: Study) -> list[Trial]:
  """Return what a participant sees, in order.

  Images and order are drawn by hashing, so that they depend only on the names
  of the participant, as from `read_name`, and of the images.
  """

  def draw(purpose: str, trial: Trial) -> bytes:
    words = (purpose, study.kind, participant, *trial)
    return hashlib.sha256('\0'.join(words).encode()).digest()

  trials = []
  for kind, images in study.images.items():
    drawn = sorted((Trial(kind, n) for n in images), key=lambda t: draw('', t))
    trials += drawn[: study.num_images]
  return sorted(trials, key=lambda trial: draw('order', trial))


class Trials:
  """The state of a test: every participant's current trial, and the answers.

  Safe to use from several threads.
  """

  def __init__(self, study: Study, answers: AnswersFile):
    """Continue where the answers end.

    Raises:
      InputError: If they are about other images than the study's.
    """
    self.study = study
    self._file = answers
    self._lock = threading.Lock()
    self._tokens: dict[str, str] = {}  # of the trial shown to a participant
    self._plan = functools.cache(lambda name: plan_trials(name, study))
    self._num_answered = Counter()
    for answer in answers.answers:
      number = self._num_answered[answer.participant]
      plan = self._plan(answer.participant)
      if answer.number != number + 1 or plan[number : number + 1] != [
          Trial(answer.kind, answer.image)
      ]:
        raise errors.InputError(
            f'the stored answer {answer.number} of {answer.participant!r} is'
            f' about another image ({answer.image!r}) than this test shows:'
            ' use the data of that time, or move the answers file away.'
        )
      self._num_answered[answer.participant] += 1

  def answers(self) -> list[Answer]:
    """Return all answers so far, in the order they came."""
    with self._lock:
      return list(self._file.answers)

  def show(self, participant: str) -> Shown | None:
    """Return the trial to show until it is answered, None after the last."""
    with self._lock:
      number = self._num_answered[participant]
      plan = self._plan(participant)
      if number == len(plan):
        return None
      token = self._tokens.setdefault(participant, secrets.token_urlsafe(12))
      return Shown(token, number + 1, len(plan), plan[number])

  def answer(self, participant: str, token: str, selected: str) -> None:
    """Store an answer to the trial that `show` gave with a token.

    Raises:
      RefusedError: If that trial is not shown now, or there is no such choice.
      OSError: If it cannot be stored; the trial is then still open.
    """
    with self._lock:
      if token != self._tokens.get(participant):
        raise RefusedError(
            'That answer was not counted: it belongs to no image that is shown'
            ' to you now.'
        )
      if selected not in SELECTIONS:
        raise RefusedError('That answer was not counted: choose a button.')
      number = self._num_answered[participant]
      trial = self._plan(participant)[number]
      now = datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds')
      self._file.append(
          Answer(participant, number + 1, *trial, selected=selected, time=now)
      )
      self._num_answered[participant] += 1
      del self._tokens[participant]
