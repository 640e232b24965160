"""The protocol of section 3.1: the same estimator on every training set."""

import math
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import tqdm
from jax.sharding import Mesh
from jaxtyping import Float, UInt8

from simgan_jax import (
    checkpoint,
    create,
    devices,
    errors,
    inputs,
    refining,
)
from simgan_jax import config as config_lib
from simgan_jax import mesh as mesh_lib
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.subjects import parse as parse_subjects
from simgan_jax.estimators import gaze as estimator
from simgan_jax.evaluation import curves, metrics, report
from simgan_jax.evaluation import rows as rows_lib

BATCH_SIZE = 200  # images a call when nothing is learnt


class TrainingSet(NamedTuple):
  """One row of the table: what the estimator is trained on."""

  train_on: str  # 'synthetic', 'refined' or 'real'
  scale: int  # 1 or 4, a multiple of the base number of images
  images: UInt8[np.ndarray, 'n h w c']
  gaze: Float[np.ndarray, 'n 3']


def load_refined(
    config: config_lib.Config,
    synthetic: UInt8[np.ndarray, 'n h w c'],
    *,
    workdir: str,
    mesh: Mesh,
) -> UInt8[np.ndarray, 'n h w c']:
  """Refine `synthetic` with the newest checkpoint of `workdir`.

  Raises:
    InputError: when there is no trained checkpoint.
  """
  checkpoints = checkpoint.Checkpoints(workdir)
  one_device = mesh_lib.make_mesh(1)
  state = checkpoints.restore(create.make_state_fn(config, one_device)())
  checkpoints.close()
  if state is None or not int(state.round):
    raise errors.InputError(
        f'{workdir} has no checkpoint of a trained refiner; run train.py with'
        f' --workdir={workdir} first.'
    )
  with tqdm.tqdm(total=len(synthetic), desc='refine', unit='image') as bar:
    return refining.refine_images(
        jax.device_put(state.refiner, mesh_lib.replicated(mesh)),
        synthetic,
        mesh=mesh,
        batch_size=BATCH_SIZE,
        on_progress=bar.update,
    )


def is_labelled_apart(
    real: LabelledImages, config: config_lib.Config, test_subjects: str
) -> bool:
  """Return whether real labels of other persons than the tested ones exist."""
  of_training, of_test = config.data.real.subjects, test_subjects
  return bool(
      real.gaze is not None
      and of_training
      and of_test
      and not set(parse_subjects(of_training)) & set(parse_subjects(of_test))
  )


def training_sets(
    synthetic: LabelledImages,
    refined: UInt8[np.ndarray, 'n h w c'],
    real: LabelledImages | None,
    *,
    base_images: int,
    scales: Sequence[int],
) -> list[TrainingSet]:
  """Return the rows of the table, in the paper's order.

  Args:
    synthetic: the simulator's images with labels.
    refined: the same images after refining.
    real: labelled real images of other persons than the test's, or None.
    base_images: the images of scale 1, the first ones.
    scales: multiples of `base_images`; those that need more images than there
      are get left out with a warning, the smallest takes what is there.

  Raises:
    InputError: when the synthetic images have no gaze labels.
  """
  if synthetic.gaze is None:
    raise errors.InputError(
        'the synthetic images have no gaze labels: an estimator cannot be'
        ' trained on them; give a source with labels.'
    )
  sets = []
  for train_on, images in (
      ('synthetic', synthetic.images),
      ('refined', refined),
  ):
    for scale in sorted(scales):
      num = scale * base_images
      if num > len(images) and scale != min(scales):
        print(
            f'warning: no {train_on} {scale}x: it needs {num:,} images, there'
            f' are {len(images):,}.',
            file=sys.stderr,
        )
        continue
      sets.append(
          TrainingSet(train_on, scale, images[:num], synthetic.gaze[:num])
      )
  if real is not None and real.gaze is not None:
    sets.append(TrainingSet('real', 1, real.images, real.gaze))
  return sets


def score(
    training_set: TrainingSet,
    test: LabelledImages,
    *,
    seeds: Sequence[int],
    directory: str,
    reuse: bool,
    mesh: Mesh,
    settings: config_lib.EvaluationConfig,
) -> rows_lib.Row:
  """Train one estimator a seed, or load it, and test it.

  Args:
    training_set: what to train on.
    test: labelled real images.
    seeds: of the estimators.
    directory: where the estimators' parameters are kept.
    reuse: load the parameters instead of training.
    mesh: devices that share a batch.
    settings: the estimator's recipe.

  Returns:
    The row: the angular errors on the test images for every seed.

  Raises:
    InputError: when `reuse` finds no estimator of that row and seed.
  """
  assert test.gaze is not None
  angles_deg = {}
  for seed in seeds:
    label = f'{training_set.train_on}_{training_set.scale}x_seed{seed}'
    path = os.path.join(directory, label)
    if reuse:
      abstract = jax.eval_shape(
          lambda: estimator.init_params(
              jax.random.key(0), image_shape=test.images.shape[1:]
          )
      )
      abstract = jax.tree.map(
          lambda x: jax.ShapeDtypeStruct(
              x.shape, x.dtype, sharding=mesh_lib.replicated(mesh)
          ),
          abstract,
      )
      params: Any = checkpoint.load_params(path, abstract)
    else:
      with tqdm.tqdm(
          total=settings.num_steps, desc=f'train on {label}', unit='step'
      ) as bar:
        params = estimator.train(
            *(training_set.images, training_set.gaze),
            mesh=mesh,
            seed=seed,
            num_steps=settings.num_steps,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            on_progress=bar.update,
        )
      checkpoint.save_params(path, params)
    predicted = estimator.predict(
        params, test.images, mesh=mesh, batch_size=BATCH_SIZE
    )
    angles_deg[seed] = metrics.angular_error_deg(predicted, test.gaze)
  return rows_lib.Row(
      *(training_set.train_on, training_set.scale, len(training_set.images)),
      angles_deg,
  )


def evaluate(
    *,
    workdir: str,
    data_dir: str,
    seeds: Sequence[int] = (),
    test_path: str = '',
    test_subjects: str = '',
    reuse: bool = False,
) -> dict[str, Any]:
  """Measure how much refining lowers the gaze error on real images.

  Writes `eval/metrics.json`, `eval/curve.png`, `report.html` and, unless they
  are reused, the estimators' parameters.

  Args:
    workdir: of a finished or stopped run of train.py.
    data_dir: folder of the prepared data sets.
    seeds: of the estimators, empty for as many as the settings say.
    test_path: folder of another test set of the same kind.
    test_subjects: other persons to test on, such as '25-32'.
    reuse: score the estimators trained before instead of training.

  Returns:
    The contents of `eval/metrics.json`.

  Raises:
    InputError: for a missing run, checkpoint, estimator or label.
  """
  config = config_lib.read(os.path.join(workdir, 'config.json'))
  seeds = seeds or range(config.evaluation.num_seeds)
  mesh = mesh_lib.make_mesh(
      devices.choose_number(math.gcd(config.evaluation.batch_size, BATCH_SIZE))
  )
  synthetic = inputs.load_synthetic(config, data_dir=data_dir)
  real = inputs.load_real(config, data_dir=data_dir)
  test = inputs.load_test(
      config, data_dir=data_dir, path=test_path, subjects=test_subjects
  )
  if test.gaze is None:
    raise errors.InputError(
        'the test images have no gaze labels: give a labelled set with'
        ' --test_path.'
    )
  subjects = test_subjects or config.data.test.subjects
  # Estimators that are reused need no training images, only their number.
  refined = (
      synthetic.images
      if reuse
      else load_refined(config, synthetic.images, workdir=workdir, mesh=mesh)
  )
  sets = training_sets(
      synthetic,
      refined,
      real if is_labelled_apart(real, config, subjects) else None,
      base_images=config.evaluation.base_images,
      scales=config.evaluation.scales,
  )
  folder = os.path.join(workdir, 'eval')
  rows = [
      score(
          *(training_set, test),
          seeds=seeds,
          directory=os.path.join(folder, 'estimators'),
          reuse=reuse,
          mesh=mesh,
          settings=config.evaluation,
      )
      for training_set in sets
  ]
  name = f'{config.data.test.name} {subjects}'.strip()
  constant = metrics.constant_predictor(sets[0].gaze)
  results = rows_lib.build(
      rows,
      test_name=name,
      constant_angles_deg=metrics.angular_error_deg(
          np.broadcast_to(constant, test.gaze.shape), test.gaze
      ),
  )
  curves.draw(os.path.join(folder, 'curve.png'), rows, test_name=name)
  rows_lib.write(os.path.join(folder, 'metrics.json'), results)
  report.render_run(workdir)
  return results
