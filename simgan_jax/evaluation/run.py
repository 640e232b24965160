"""A trained run, with the images and the devices of its evaluation."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jax.sharding import Mesh

from simgan_jax.data import inputs
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.estimators import trainer
from simgan_jax.evaluation import tasks, training_sets
from simgan_jax.machine import batching, devices
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import stored, validation


class Run(NamedTuple):
  """What an evaluation reads before it computes anything."""

  workdir: str
  config: config_lib.Config
  mesh: Mesh  # devices that share a batch
  seeds: Sequence[int]  # of the estimators
  task: tasks.Task
  synthetic: LabelledImages
  real: LabelledImages  # that the refiner learnt from
  apart: LabelledImages | None  # `real`, if labelled and of other persons
  test: LabelledImages  # real images with labels
  test_name: str

  def recipe(self, *, augmented: bool) -> trainer.Recipe:
    """Return how every estimator of the evaluation is trained."""
    options = self.config.evaluation
    rate = options.learning_rate or self.task.estimator.learning_rate
    return trainer.Recipe(
        options.num_steps, options.batch_size, rate, augmented
    )


def make_mesh(config: config_lib.Config) -> Mesh:
  """Return the devices that share the batches of an evaluation."""
  size = math.gcd(config.evaluation.batch_size, batching.BATCH_SIZE)
  return mesh_lib.make_mesh(devices.choose_number(size))


def read(
    *,
    workdir: str,
    data_dir: str,
    seeds: Sequence[int] = (),
    test_path: str = '',
    test_subjects: str = '',
    on_error: str = '',
    changes: Mapping[str, Any] | None = None,
) -> Run:
  """Return the run in a folder.

  Args:
    workdir: Folder of a finished or stopped run of train.py.
    data_dir: Folder of the prepared data sets.
    seeds: Seeds of the estimators; empty for as many as the settings say.
    test_path: Folder of another test set of the same kind.
    test_subjects: Other persons to test on, such as '25-32'.
    on_error: What to do at damaged images, 'stop' or 'skip'; empty for what the
      settings say.
    changes: Other values of fields of `EvaluationConfig`; None changes nothing.

  Raises:
    InputError: If the run or an image is missing, if test images have no
      labels, if the synthetic images have labels of another kind, or if a
      change does not work.
  """
  config = stored.read_run(workdir)
  config.data.on_error = on_error or config.data.on_error
  given = {k: v for k, v in (changes or {}).items() if v is not None}
  config.evaluation = dataclasses.replace(config.evaluation, **given)
  # Methods that a trained run cannot use are no reason to stop.
  optional = () if 'methods' in given else ('evaluation.methods',)
  validation.validate(config, optional=optional, only='evaluation.')
  task, labelled = inputs.load_with_targets(
      config,
      data_dir=data_dir,
      test_path=test_path,
      test_subjects=test_subjects,
  )
  remedy = 'an estimator learns from them; correct or remove them'
  synthetic, real, test = (
      labelled['synthetic'].keep_labelled('synthetic', remedy),
      labelled['real'],
      labelled['test'].keep_labelled(
          'test', 'give a labelled set with --test_path'
      ),
  )
  places = inputs.open_real(config), inputs.open_test(config, path=test_path)
  subjects = test_subjects or config.data.test.subjects
  return Run(
      workdir=workdir,
      config=config,
      mesh=make_mesh(config),
      seeds=seeds or range(config.evaluation.num_seeds),
      task=tasks.choose(task, test, config.evaluation),
      synthetic=synthetic,
      real=real,
      apart=training_sets.labelled_apart(
          real, test, of_one_place=places[0].place == places[1].place
      ),
      test=test,
      test_name=f'{test.source} {subjects}'.strip(),
  )
