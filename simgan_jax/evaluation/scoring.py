"""One row of the tables: estimators trained on one data set, tested on real."""

import contextlib
import dataclasses
import functools
import hashlib
import os
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Shaped, UInt8

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.estimators.estimator import Estimator
from simgan_jax.evaluation.run import Run
from simgan_jax.evaluation.training_sets import TrainingSet
from simgan_jax.machine import errors, files, progress
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.report import rows as rows_lib
from simgan_jax.training import checkpoint


def find(
    workdir: str, training_set: TrainingSet, *, augmented: bool, seed: int
) -> str:
  """Return the path of an estimator's parameters in the folder of a run."""
  kind = '_augmented' if augmented else ''
  name = f'{training_set.train_on}_{training_set.scale}x{kind}_seed{seed}'
  return os.path.join(workdir, 'eval', 'estimators', name)


@functools.cache  # tracing a network takes a second
def _abstract_params(
    estimator: Estimator, image_shape: tuple[int, ...], mesh: Mesh
) -> Any:
  init_params = functools.partial(
      estimator.init_params, image_shape=image_shape
  )
  return jax.tree.map(
      lambda leaf: leaf.update(sharding=mesh_lib.replicated(mesh)),
      jax.eval_shape(init_params, jax.random.key(0)),
  )


def _describe(path: str, run: Run) -> dict[str, Any]:
  """Return what an estimator depends on beside the folder and its name."""
  known = dataclasses.asdict(run.config.evaluation)
  for name in ('scales', 'augmented', 'methods', 'num_seeds', 'group'):
    del known[name]
  known |= {'task': run.task.unit.task, 'names': list(run.task.names)}
  if os.path.basename(path).startswith('real') and run.apart is not None:
    known['images'] = hashlib.sha256(run.apart.images.tobytes()).hexdigest()
  return known


def save(path: str, params: Any, run: Run) -> None:
  """Write an estimator's parameters, and to PATH.json what it depends on."""
  with contextlib.suppress(FileNotFoundError):
    os.remove(path + '.json')  # parameters are never beside that of others
  checkpoint.save_params(path, params)
  files.write_json(path + '.json', _describe(path, run))


def load(path: str, run: Run) -> Any:
  """Return an estimator's parameters.

  Args:
    path: What `find` returned.
    run: The evaluation that needs them.

  Raises:
    InputError: If there are none, or they are of other labels or settings.
  """
  found, wanted = files.read_json(path + '.json') or {}, _describe(path, run)
  different = [name for name in wanted if found.get(name) != wanted[name]]
  if different and os.path.exists(path):
    before, now = (
        ', '.join(f'{name}={x.get(name)!r:.60}' for name in different[:3])
        for x in (found, wanted)
    )
    raise errors.InputError(
        f'{path} was trained for {before}, but now there is {now}: run eval.py'
        ' without --reuse to train estimators anew.'
    )
  shape = run.test.images.shape[1:]
  abstract = _abstract_params(run.task.estimator, shape, run.mesh)
  return checkpoint.load_params(path, abstract)


def train(
    run: Run,
    images: UInt8[np.ndarray, 'n h w c'],
    labels: Shaped[np.ndarray, 'n ...'],
    *,
    augmented: bool,
    seed: int,
    what: str,
) -> Any:
  """Return a new estimator's parameters, with a bar that says `what`."""
  recipe = run.recipe(augmented=augmented)
  with progress.make_bar(recipe.num_steps, what, 'step') as bar:
    return run.task.estimator.train(
        images,
        labels,
        mesh=run.mesh,
        seed=seed,
        recipe=recipe,
        on_progress=bar.update,
    )


def score(
    training_set: TrainingSet,
    run: Run,
    *,
    augmented: bool,
    workdir: str,
    reuse: bool,
) -> tuple[rows_lib.Row, dict[str, np.ndarray]]:
  """Train or load one estimator a seed and test it.

  Args:
    training_set: Images and labels to train on.
    run: Settings, seeds and test images.
    augmented: Whether to change the training images at random.
    workdir: Folder of the run that keeps the estimators' parameters.
    reuse: Whether to load the parameters instead of training; errors are
      those of `load`.

  Returns:
    The row of the tables, and the predictions by the estimators' names.

  Raises:
    NonFiniteError: If a loss or a prediction is not finite.
  """
  train_on, scale, images, labels = training_set
  task = run.task
  found, measures, predictions = {}, {}, {}
  for seed in run.seeds:
    path = find(workdir, training_set, augmented=augmented, seed=seed)
    name = os.path.basename(path)
    if reuse:
      params = load(path, run)
    else:
      what = f'train on {name}'
      params = train(
          run, images, labels, augmented=augmented, seed=seed, what=what
      )
      save(path, params, run)
    predicted = task.estimator.predict(params, run.test.images, mesh=run.mesh)
    if not np.isfinite(predicted).all():
      raise errors.NonFiniteError(
          f'the estimator {name} predicts values that are not numbers; set a'
          ' lower --learning_rate.'
      )
    found[seed] = task.errors(predicted, run.test)
    measures[seed] = task.measures(predicted, run.test)
    predictions[name] = predicted
  row = rows_lib.Row(
      train_on, scale, len(images), found, augmented, measures=measures
  )
  return row, predictions


def score_baseline(
    method: str, training_set: TrainingSet, run: Run
) -> rows_lib.Row:
  """Fit one of Table 3's other methods, a `baselines.METHODS`, and test it.

  Only random forests depend on the seed. The other methods are fitted once,
  under the first seed.
  """
  # Imported here because scikit-learn, used nowhere else, takes seconds.
  from simgan_jax.estimators import baselines

  train_on, scale, images, gaze = training_set
  found = {}
  for seed in run.seeds if method == 'random_forest' else run.seeds[:1]:
    predicted = baselines.fit_predict(
        method, images, gaze, run.test.images, seed=seed
    )
    found[seed] = run.task.errors(predicted, run.test)
  return rows_lib.Row(train_on, scale, len(images), found, method=method)


def group_images(test: LabelledImages, *, group: str) -> dict[str, np.ndarray]:
  """Return each image's head yaw in steps of 15 degrees, and its group.

  The result is {name: [n]}, as far as the test set knows them; `group` is the
  name of the groups, such as 'subject'.
  """
  groups = {}
  if test.head_pose is not None:
    yaw = np.rint(np.degrees(test.head_pose[:, 0]) / 15) * 15
    groups['head_yaw_deg'] = yaw.astype(int)
  if test.groups is not None and len(np.unique(test.groups)) > 1:
    groups[group] = test.groups
  return groups
