"""The protocol of section 3.1: the same estimator on every training set."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from simgan_jax.evaluation import (
    image_quality,
    scoring,
    shapes,
    training_sets,
    variety,
)
from simgan_jax.evaluation.run import Run
from simgan_jax.evaluation.training_sets import TrainingSet
from simgan_jax.machine import errors, files, progress
from simgan_jax.measures import selection, units
from simgan_jax.report import confusion, curves, page
from simgan_jax.report import rows as rows_lib
from simgan_jax.training import refiners


def _refine(
    run: Run, *, reuse: bool
) -> tuple[selection.Chosen, np.ndarray, variety.Samples]:
  """Return the checkpoint, the refiner's input and its output, both uint8."""
  refiner, chosen = refiners.load_refiner(
      run.config, workdir=run.workdir, mesh=run.mesh
  )
  path = os.path.join(run.workdir, 'eval', 'metrics.json')
  earlier = (rows_lib.read(path) or {}) if reuse else {}
  found = earlier.get('checkpoint', {}).get('round', chosen.round)
  if found != chosen.round:
    raise errors.InputError(
        f'{path} is of the checkpoint of round {found:,}, but by now round'
        f' {chosen.round:,} is the best: run eval.py without --reuse to train'
        ' estimators on its images.'
    )
  prepared = refiners.match_histograms(
      run.config, run.synthetic.images, workdir=run.workdir
  )
  total = variety.count(run) * len(prepared)
  with progress.make_bar(total, 'refine', 'image') as bar:
    samples = variety.refine(run, refiner, prepared, on_progress=bar.update)
  return chosen, prepared, samples


def _score(
    run: Run, sets: Sequence[TrainingSet], *, reuse: bool, estimators_from: str
) -> tuple[list[rows_lib.Row], dict[str, np.ndarray]]:
  """Return the rows of the tables, and the predictions of the estimators."""
  rows, predictions = [], {}
  for augmented in run.config.evaluation.augmented:
    for training_set in sets:
      of_refiner = training_set.train_on in ('refined', 'samples')
      taken = bool(estimators_from) and not of_refiner
      row, predicted = scoring.score(
          training_set,
          run,
          augmented=augmented,
          workdir=estimators_from if taken else run.workdir,
          reuse=reuse or taken,
      )
      rows.append(row)
      predictions |= predicted
  if run.task.unit is not units.GAZE:
    return rows, predictions  # the other methods estimate gaze only
  largest = max(training_set.scale for training_set in sets)
  rows += [
      scoring.score_baseline(method, training_set, run)
      for method in run.config.evaluation.methods
      for training_set in sets
      if training_set.scale == largest
      and training_set.train_on in ('synthetic', 'refined')
  ]
  return rows, predictions


def evaluate(
    run: Run,
    *,
    reuse: bool = False,
    estimators_from: str = '',
    check_shapes: bool = False,
) -> dict[str, Any]:
  """Measure how much refining lowers an estimator's error on real images.

  Writes `report.html` and, in `eval`, `metrics.json`, `predictions.npz`,
  `curve.png` (of classes `confusion.png`) and, unless they are reused, the
  estimators' parameters.

  Args:
    run: A finished or stopped run of train.py.
    reuse: Whether to score the estimators trained before instead of training.
    estimators_from: Folder of another evaluated run on the same images. Its
      estimators trained on synthetic and real images are scored instead of
      training.
    check_shapes: Whether to ask an estimator of the test images about the
      synthetic ones.

  Returns:
    The contents of `eval/metrics.json`.

  Raises:
    InputError: If a checkpoint, estimator or label is missing, or if
      estimators to reuse are of another checkpoint, or of other labels or
      settings.
  """
  settings, task = run.config.evaluation, run.task
  chosen, prepared, samples = _refine(run, reuse=reuse)
  refined = samples[0]
  sets = training_sets.build(
      run.synthetic,
      prepared if run.config.data.match_histograms else None,
      samples,
      run.apart,
      base_images=settings.base_images,
      scales=settings.scales,
  )
  # Before the training, so that a failure here does not cost the estimators.
  quality = image_quality.assess(run, refined)
  rows, predictions = _score(
      run, sets, reuse=reuse, estimators_from=estimators_from
  )
  # The estimator that saw the most refined images.
  path = scoring.find(
      run.workdir,
      [s for s in sets if s.train_on == 'refined'][-1],
      augmented=settings.augmented[-1],
      seed=run.seeds[0],
  )
  params = scoring.load(path, run)
  shift = image_quality.measure_label_shift(
      run.synthetic, refined, task=task, params=params, mesh=run.mesh
  )
  quality.setdefault('label_preservation', {}).update(shift)
  if len(samples) > 1:
    quality['samples'] = variety.measure(run, samples, params)
  constant = task.constant(sets[0].labels)[None]
  everywhere = np.repeat(constant, len(run.test.images), axis=0)
  results = rows_lib.build(
      rows,
      test_name=run.test_name,
      constant_errors=task.errors(everywhere, run.test),
      groups=scoring.group_images(run.test, group=settings.group),
      group=settings.group,
      unit=task.unit,
      labels=task.names,
  )
  results['constant_predictor'] |= {
      key: value
      for key, value in task.measures(everywhere, run.test).items()
      if isinstance(value, float)
  }
  results |= {'checkpoint': chosen._asdict()} | quality
  if check_shapes:
    results['shapes'] = shapes.ask(run, refined)
  _write(run, rows, results, predictions)
  return results


def _write(
    run: Run,
    rows: Sequence[rows_lib.Row],
    results: dict[str, Any],
    predictions: dict[str, np.ndarray],
) -> None:
  """Write all files of an evaluation, the report last."""
  folder, unit = os.path.join(run.workdir, 'eval'), run.task.unit
  arrays: dict[str, Any] = {
      'names': run.test.names,
      'labels': run.test.labels,
      'label_names': np.array(run.task.names, np.str_),
      **predictions,
  }
  if run.test.groups is not None:
    arrays['groups'] = run.test.groups
  files.write_arrays(os.path.join(folder, 'predictions.npz'), arrays)
  if unit is units.CLASS:
    confusion.draw(os.path.join(folder, 'confusion.png'), results)
  else:
    curves.draw(
        os.path.join(folder, 'curve.png'),
        rows,
        test_name=run.test_name,
        unit=unit,
    )
  files.write_json(os.path.join(folder, 'metrics.json'), results)
  page.render_run(run.workdir)
