"""One row of the tables: estimators trained on one data set, tested on real."""

import functools
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, UInt8

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.evaluation import tasks
from simgan_jax.machine import batching, progress
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import estimation_errors
from simgan_jax.report import rows as rows_lib
from simgan_jax.settings import config as config_lib
from simgan_jax.training import checkpoint


class TrainingSet(NamedTuple):
  """What the estimators of a row are trained on."""

  train_on: str  # 'synthetic', 'matched', 'refined' or 'real'
  scale: int  # 1 or 4, a multiple of the base number of images
  images: UInt8[np.ndarray, 'n h w c']
  labels: Float[np.ndarray, 'n ...']


def find(
    directory: str, training_set: TrainingSet, *, augmented: bool, seed: int
) -> str:
  """Return the path of an estimator's parameters."""
  kind = '_augmented' if augmented else ''
  name = f'{training_set.train_on}_{training_set.scale}x{kind}_seed{seed}'
  return os.path.join(directory, name)


@functools.cache  # tracing an hourglass takes a second
def _abstract_params(task: tasks.Task, image_shape: tuple[int, ...]) -> Any:
  return jax.eval_shape(
      lambda: task.init_params(jax.random.key(0), image_shape=image_shape)
  )


def load(
    path: str,
    image_shape: tuple[int, int, int],
    mesh: Mesh,
    task: tasks.Task = tasks.GAZE,
) -> Any:
  """Return the parameters of an estimator trained before.

  Raises:
    InputError: when there are none at `path`.
  """
  abstract = _abstract_params(task, image_shape)
  sharding = mesh_lib.replicated(mesh)
  abstract = jax.tree.map(
      lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding),
      abstract,
  )
  return checkpoint.load_params(path, abstract)


def score(
    training_set: TrainingSet,
    test: LabelledImages,
    *,
    augmented: bool,
    seeds: Sequence[int],
    directory: str,
    reuse: bool,
    mesh: Mesh,
    settings: config_lib.EvaluationConfig,
    task: tasks.Task = tasks.GAZE,
) -> rows_lib.Row:
  """Train one estimator a seed, or load it, and test it.

  Args:
    training_set: what to train on.
    test: labelled real images.
    augmented: change the training images at random.
    seeds: of the estimators.
    directory: where the estimators' parameters are kept.
    reuse: load the parameters instead of training.
    mesh: devices that share a batch.
    settings: the estimator's recipe.
    task: what is estimated.

  Returns:
    The row: the errors on the test images for every seed.

  Raises:
    InputError: when `reuse` finds no estimator of that row and seed.
  """
  found, found_mm = {}, {}
  for seed in seeds:
    path = find(directory, training_set, augmented=augmented, seed=seed)
    if reuse:
      params = load(path, test.images.shape[1:], mesh, task)
    else:
      what = f'train on {os.path.basename(path)}'
      with progress.make_bar(settings.num_steps, what, 'step') as bar:
        params = task.train(
            *(training_set.images, training_set.labels),
            mesh=mesh,
            seed=seed,
            num_steps=settings.num_steps,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            augmented=augmented,
            on_progress=bar.update,
        )
      checkpoint.save_params(path, params)
    predicted = task.predict(
        params, test.images, mesh=mesh, batch_size=batching.BATCH_SIZE
    )
    found[seed] = task.errors(predicted, test)
    if task.errors_mm is not None:
      found_mm[seed] = task.errors_mm(predicted, test)
  return rows_lib.Row(
      *(training_set.train_on, training_set.scale, len(training_set.images)),
      found,
      augmented,
      errors_mm=found_mm or None,
  )


def score_baseline(
    method: str,
    training_set: TrainingSet,
    test: LabelledImages,
    *,
    seeds: Sequence[int],
) -> rows_lib.Row:
  """Fit one of Table 3's other methods, and test it.

  Args:
    method: one of `baselines.METHODS`.
    training_set: what to fit.
    test: labelled real images.
    seeds: of the random forests; the other methods draw nothing, so that one
      fit, under the first seed, is all there is.
  """
  # The only use of scikit-learn, and seconds to import.
  from simgan_jax.estimators import baselines

  assert test.gaze is not None
  angles_deg = {}
  for seed in seeds if method == 'random_forest' else seeds[:1]:
    predicted = baselines.fit_predict(
        *(method, training_set.images, training_set.labels, test.images),
        seed=seed,
    )
    angles_deg[seed] = estimation_errors.angular_error_deg(predicted, test.gaze)
  return rows_lib.Row(
      *(training_set.train_on, training_set.scale, len(training_set.images)),
      angles_deg,
      method=method,
  )


def group_images(test: LabelledImages) -> dict[str, np.ndarray]:
  """Return {name: [n] int} of what test images are told apart by.

  Head yaw is rounded to 15 degrees; what the test set does not know is left
  out.
  """
  groups = {}
  if test.head_pose is not None:
    yaw = np.degrees(test.head_pose[:, 0])
    groups['head_yaw_deg'] = (np.rint(yaw / 15) * 15).astype(int)
  if len(np.unique(test.subjects)) > 1:
    groups['subject'] = test.subjects.astype(int)
  return groups
