"""An estimator of photographs is asked about synthetic images."""

import numpy as np
import pytest

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.targets import Targets
from simgan_jax.evaluation import run as run_lib
from simgan_jax.evaluation import scoring, shapes, tasks
from simgan_jax.settings import config as config_lib


@pytest.fixture
def make(monkeypatch):
  """Return a function that makes a run; its estimator knows what it saw."""

  def make(groups):
    images = np.arange(8, dtype=np.uint8)[:, None, None, None]
    test = LabelledImages(
        images=images,
        subjects=np.zeros(8, np.int32),
        names=np.arange(8).astype(str),
        targets=Targets('class', np.arange(8) % 2, ('even', 'odd')),
        groups=groups,
    )

    def train(run, images, labels, **options):
      return set(images.ravel().tolist())

    def predict(seen, images, *, mesh):
      right = np.eye(2)[images.ravel() % 2]
      known = np.isin(images.ravel(), list(seen))
      return np.where(known[:, None], right, 1 - right)

    monkeypatch.setattr(scoring, 'train', train)
    task = tasks.choose('class', test, config_lib.EvaluationConfig())
    estimator = task.estimator._replace(predict=predict)
    task = task._replace(estimator=estimator)
    given = dict.fromkeys(run_lib.Run._fields) | {'seeds': [0]}
    return run_lib.Run(
        **given | {'task': task, 'test': test, 'synthetic': test}
    )

  return make


@pytest.mark.parametrize(
    'groups', [None, np.array(list('aabbccdd')), np.array([''] * 8)]
)
def test_photographs_are_asked_about_by_an_estimator_of_others(make, groups):
  run = make(groups)
  found = shapes.ask(run, run.synthetic.images + 100)
  accuracies = {name: row['accuracy'] for name, row in found.items()}
  # The estimator of all test images has seen them, that of half no other.
  assert accuracies == {'photographs': 0, 'synthetic': 100, 'refined': 0}
  assert np.sum(found['photographs']['confusion']) == 4


def test_one_photograph_has_no_other_half(make):
  run = make(None)
  run = run._replace(test=run.test.take(np.arange(1)))
  assert list(shapes.ask(run, run.synthetic.images)) == ['synthetic', 'refined']
