"""The protocol of section 3.1: the same estimator on every training set."""

import math
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.sharding import Mesh
from jaxtyping import UInt8

from simgan_jax.data import inputs
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.subjects import parse as parse_subjects
from simgan_jax.evaluation import image_quality, scoring, tasks
from simgan_jax.machine import batching, devices, errors, progress
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import estimation_errors
from simgan_jax.report import curves, page
from simgan_jax.report import rows as rows_lib
from simgan_jax.settings import config as config_lib
from simgan_jax.training import refiners


def make_mesh(config: config_lib.Config) -> Mesh:
  """Return the devices that share the batches of an evaluation."""
  size = math.gcd(config.evaluation.batch_size, batching.BATCH_SIZE)
  return mesh_lib.make_mesh(devices.choose_number(size))


def is_labelled_apart(
    real: LabelledImages,
    config: config_lib.Config,
    *,
    test_subjects: str,
    test_path: str = '',
) -> bool:
  """Return whether real labels of other persons than the tested ones exist.

  By the numbers of the persons; NYU's persons have none, but its folders are a
  training set and a test set.
  """
  of_training, of_test = config.data.real.subjects, test_subjects
  if config.data.real.name == 'nyu_hand':
    path = test_path or config.data.test.path or config.data.real.path
    of_test, of_training = (
        os.path.realpath(os.path.expanduser(folder))
        for folder in (path, config.data.real.path)
    )
    return of_test != of_training
  return bool(
      real.labels is not None
      and of_training
      and of_test
      and not set(parse_subjects(of_training)) & set(parse_subjects(of_test))
  )


def training_sets(
    synthetic: LabelledImages,
    matched: UInt8[np.ndarray, 'n h w c'] | None,
    refined: UInt8[np.ndarray, 'n h w c'],
    real: LabelledImages | None,
    *,
    base_images: int,
    scales: Sequence[int],
) -> list[scoring.TrainingSet]:
  """Return the rows of the table, in the paper's order.

  Args:
    synthetic: the simulator's images with labels.
    matched: the same images with the histograms of real ones, which is what
      the refiner got, if it did; their row, at the largest scale, says what
      that alone does.
    refined: the same images after refining.
    real: labelled real images of other persons than the test's, or None.
    base_images: the images of scale 1, the first ones.
    scales: multiples of `base_images`; those that need more images than there
      are, damaged ones included, get left out with a warning; the smallest
      takes what is there.

  Raises:
    InputError: when the synthetic images have no labels.
  """
  synthetic.check_labels(
      *('synthetic', 'an estimator learns from them; give a source with labels')
  )
  labels = synthetic.labels
  assert labels is not None
  available = len(synthetic.images) + len(synthetic.report.left_out)
  usable = []
  for scale in sorted(scales):
    if scale == min(scales) or scale * base_images <= available:
      usable.append(scale)
    else:
      print(
          f'warning: no rows of {scale}x: they need {scale * base_images:,}'
          f' synthetic images, there are {available:,}.',
          file=sys.stderr,
      )
  sets = []
  for train_on, images, chosen in (
      ('synthetic', synthetic.images, usable),
      ('matched', matched, usable[-1:]),
      ('refined', refined, usable),
  ):
    if images is None:
      continue
    for scale in chosen:
      num = scale * base_images
      sets.append(
          scoring.TrainingSet(train_on, scale, images[:num], labels[:num])
      )
  if real is not None and real.labels is not None:
    real.check_labels('real', 'label all of them or none')
    sets.append(scoring.TrainingSet('real', 1, real.images, real.labels))
  return sets


def _check_same_round(path: str, chosen_round: int) -> None:
  """Check that the estimators evaluated in `path` belong to a checkpoint.

  Raises:
    InputError: when they were trained on refinements of another one.
  """
  earlier = rows_lib.read(path) or {}
  found = earlier.get('checkpoint', {}).get('round', chosen_round)
  if found != chosen_round:
    raise errors.InputError(
        f'{path} is of the checkpoint of round {found:,}, by now that of round'
        f' {chosen_round:,} is the best: run eval.py without --reuse to train'
        ' estimators on its images.'
    )


def evaluate(
    *,
    workdir: str,
    data_dir: str,
    seeds: Sequence[int] = (),
    test_path: str = '',
    test_subjects: str = '',
    reuse: bool = False,
    estimators_from: str = '',
) -> dict[str, Any]:
  """Measure how much refining lowers an estimator's error on real images.

  Writes `eval/metrics.json`, `eval/curve.png`, `report.html` and, unless they
  are reused, the estimators' parameters.

  Args:
    workdir: of a finished or stopped run of train.py.
    data_dir: folder of the prepared data sets.
    seeds: of the estimators, empty for as many as the settings say.
    test_path: folder of another test set of the same kind.
    test_subjects: other persons to test on, such as '25-32'.
    reuse: score the estimators trained before instead of training.
    estimators_from: another evaluated run on the same images; its estimators
      trained on synthetic and real ones are scored instead of training.

  Returns:
    The contents of `eval/metrics.json`.

  Raises:
    InputError: for a missing run, checkpoint, estimator or label.
  """
  config = config_lib.read(os.path.join(workdir, 'config.json'))
  seeds = seeds or range(config.evaluation.num_seeds)
  mesh = make_mesh(config)
  synthetic = inputs.load_synthetic(config, data_dir=data_dir)
  real = inputs.load_real(config, data_dir=data_dir)
  test = inputs.load_test(
      config, data_dir=data_dir, path=test_path, subjects=test_subjects
  )
  test.check_labels('test', 'give a labelled set with --test_path')
  labelled = synthetic.labels is not None
  if labelled and (test.joints is None) != (synthetic.joints is None):
    raise errors.InputError(
        f'the labels of the synthetic images ({synthetic.source}) and of the'
        f' test images ({test.source}) are of two kinds, gaze and joints: give'
        ' a test set of the same kind.'
    )
  task = tasks.choose(test, config.evaluation)
  subjects = test_subjects or config.data.test.subjects
  refiner, chosen = refiners.load_refiner(config, workdir=workdir, mesh=mesh)
  folder = os.path.join(workdir, 'eval')
  if reuse:
    _check_same_round(os.path.join(folder, 'metrics.json'), chosen.round)
  prepared = refiners.match_histograms(
      config, synthetic.images, workdir=workdir
  )
  with progress.make_bar(len(prepared), 'refine', 'image') as bar:
    refined = refiners.refine_images(
        refiner, prepared, mesh=mesh, on_progress=bar.update
    )
  apart = is_labelled_apart(
      *(real, config), test_subjects=subjects, test_path=test_path
  )
  sets = training_sets(
      synthetic,
      prepared if config.data.match_histograms else None,
      refined,
      real if apart else None,
      base_images=config.evaluation.base_images,
      scales=config.evaluation.scales,
  )
  # Before the long part, so that nothing which fails here costs it.
  found = {'checkpoint': chosen._asdict()} | image_quality.inspect(
      config, synthetic, refined, real
  )
  directory = os.path.join(folder, 'estimators')
  others = os.path.join(estimators_from, 'eval', 'estimators')
  rows = []
  for augmented in config.evaluation.augmented:
    for training_set in sets:
      taken = bool(estimators_from) and training_set.train_on != 'refined'
      rows.append(
          scoring.score(
              *(training_set, test),
              augmented=augmented,
              seeds=seeds,
              directory=others if taken else directory,
              reuse=reuse or taken,
              mesh=mesh,
              settings=config.evaluation,
              task=task,
          )
      )
  largest = max(s.scale for s in sets)
  rows += [
      scoring.score_baseline(method, training_set, test, seeds=seeds)
      for method in config.evaluation.methods
      for training_set in sets
      if task.measure
      is estimation_errors.GAZE  # which is all that they estimate
      and training_set.scale == largest
      and training_set.train_on in ('synthetic', 'refined')
  ]
  name = f'{test.source} {subjects}'.strip()
  constant = task.constant(sets[0].labels)
  results = rows_lib.build(
      rows,
      test_name=name,
      constant_errors=task.measure_errors(
          np.broadcast_to(constant, (len(test.images), *constant.shape)), test
      ),
      groups=scoring.group_images(test),
      measure=task.measure,
  )
  # By the estimator that saw most refined images.
  path = scoring.find(
      directory,
      [s for s in sets if s.train_on == 'refined'][-1],
      augmented=config.evaluation.augmented[-1],
      seed=seeds[0],
  )
  params = scoring.load(path, test.images.shape[1:], mesh, task)
  if task.measure is estimation_errors.GAZE:
    shift = image_quality.measure_gaze_shift(
        *(synthetic.images, refined), params=params, mesh=mesh
    )
    found['label_preservation']['gaze_shift_deg'] = shift
  else:
    shift = image_quality.measure_joint_shift(
        *(synthetic, refined), task=task, params=params, mesh=mesh
    )
    found['label_preservation'] = {'joint_shift_px': shift}
  results |= found
  curves.draw(
      os.path.join(folder, 'curve.png'),
      rows,
      test_name=name,
      measure=task.measure,
  )
  rows_lib.write(os.path.join(folder, 'metrics.json'), results)
  page.render_run(workdir)
  return results
