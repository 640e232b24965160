"""Estimators are reused for the labels that they learnt only."""

import dataclasses

import jax
import numpy as np
import pytest

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.targets import Targets
from simgan_jax.evaluation import run as run_lib
from simgan_jax.evaluation import scoring, tasks
from simgan_jax.evaluation.training_sets import TrainingSet
from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.settings import config as config_lib


@pytest.fixture
def make(tmp_path):
  """Return a function that makes a run that learns the given classes."""

  def make(names=('a', 'b'), gray=0, **settings):
    images = np.full((2, 16, 16, 1), gray, np.uint8)
    data = LabelledImages(
        images=images,
        subjects=np.zeros(2, np.int32),
        names=np.array(['0', '1']),
        targets=Targets('class', np.array([0, 1], np.int32), names),
    )
    config = config_lib.Config()
    config.evaluation = dataclasses.replace(config.evaluation, **settings)
    return run_lib.Run(
        workdir=str(tmp_path),
        config=config,
        mesh=mesh_lib.make_mesh(1),
        seeds=(0,),
        task=tasks.choose('class', data, config.evaluation),
        synthetic=data,
        real=data,
        apart=data,
        test=data,
        test_name='test',
    )

  return make


def _find(run, train_on):
  training_set = TrainingSet(train_on, 1, run.test.images, run.test.labels)
  return scoring.find(run.workdir, training_set, augmented=False, seed=0)


def test_estimators_of_other_labels_or_settings_are_refused(make):
  run = make(labels='width')
  params = run.task.estimator.init_params(
      jax.random.key(0), image_shape=(16, 16, 1)
  )
  for train_on in ('synthetic', 'real'):
    scoring.save(_find(run, train_on), params, run)
  path, real = _find(run, 'synthetic'), _find(run, 'real')
  # Seeds, rows and groups may be others, as may the real images of other rows.
  same = make(labels='width', gray=1, num_seeds=9, scales=(1,), group='clip')
  loaded = scoring.load(path, same)
  assert jax.tree.all(jax.tree.map(np.array_equal, loaded, params))
  for other, message in (
      ({'labels': 'height'}, "labels='width', but now there is labels='height"),
      ({'names': ('b', 'a')}, r"names=\['a', 'b'\], but .*names=\['b', 'a'\]"),
      ({'num_steps': 7}, 'num_steps=1000, .* without --reuse'),
  ):
    with pytest.raises(errors.InputError, match=message):
      scoring.load(path, make(**({'labels': 'width'} | other)))
  with pytest.raises(errors.InputError, match='real_1x_seed0 was .*images='):
    scoring.load(real, same)
