"""A trained run, with the images and the devices of its evaluation."""

import math
import os
from collections.abc import Sequence
from typing import NamedTuple

from jax.sharding import Mesh

from simgan_jax.data import inputs
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.evaluation import tasks, training_sets
from simgan_jax.machine import batching, devices, errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.settings import config as config_lib


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

  Raises:
    InputError: If the run or an image is missing, if test images have no
      labels, or if the synthetic images have labels of another kind.
  """
  config = config_lib.read(os.path.join(workdir, 'config.json'))
  config.data.on_error = on_error or config.data.on_error
  synthetic = inputs.load_synthetic(config, data_dir=data_dir)
  real = inputs.load_real(config, data_dir=data_dir)
  test = inputs.load_test(
      config, data_dir=data_dir, path=test_path, subjects=test_subjects
  )
  test = test.keep_labelled('test', 'give a labelled set with --test_path')
  if synthetic.labels is not None:
    remedy = 'an estimator learns from them; correct or remove them'
    synthetic = synthetic.keep_labelled('synthetic', remedy)
  of_eyes = synthetic.joints is None
  if synthetic.labels is not None and of_eyes != (test.joints is None):
    raise errors.InputError(
        f'the labels of the synthetic images ({synthetic.source}) and of the'
        f' test images ({test.source}) are of two kinds, gaze and joints: give'
        ' a test set of the same kind.'
    )
  subjects = test_subjects or config.data.test.subjects
  apart = training_sets.is_labelled_apart(
      real, config, test_subjects=subjects, test_path=test_path
  )
  return Run(
      workdir=workdir,
      config=config,
      mesh=make_mesh(config),
      seeds=seeds or range(config.evaluation.num_seeds),
      task=tasks.choose(test, config.evaluation),
      synthetic=synthetic,
      real=real,
      apart=real.keep_labelled('real', 'correct them') if apart else None,
      test=test,
      test_name=f'{test.source} {subjects}'.strip(),
  )
