"""The question turned round: can an estimator of photographs read renders?

Refining mends looks, not shapes. What an estimator that was trained on real
images cannot read in synthetic images, neither before nor after refining, has a
wrong shape there.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.evaluation import scoring
from simgan_jax.evaluation.run import Run
from simgan_jax.measures import estimation_errors

NUM_IMAGES = 2_000  # synthetic images


def _hold_out(test: LabelledImages) -> Bool[np.ndarray, 'n']:
  """Return which images are held out: every other group, or image."""
  groups = test.groups
  if groups is None or len(np.unique(groups)) < 2:
    groups = np.arange(len(test.images))
  return np.isin(groups, np.unique(groups)[1::2])


def _ask(
    run: Run, learnt: LabelledImages, asked: dict[str, LabelledImages]
) -> dict[str, dict[str, Any]]:
  """Return how an estimator of some images reads others, by their names."""
  assert learnt.labels is not None
  params = scoring.train(
      run,
      learnt.images,
      learnt.labels,
      augmented=True,
      seed=run.seeds[0],
      what='check shapes',
  )
  task, found = run.task, {}
  for name, data in asked.items():
    predicted = task.estimator.predict(params, data.images, mesh=run.mesh)
    errors = task.errors(predicted, data)
    summary = estimation_errors.summarize(errors, task.unit)
    found[name] = {f'mean_{task.unit.name}': summary.mean} | {
        key: value if isinstance(value, float) else value.tolist()
        for key, value in task.measures(predicted, data).items()
    }
  return found


def ask(
    run: Run, refined: UInt8[np.ndarray, 'n h w c']
) -> dict[str, dict[str, Any]]:
  """Return how an estimator of the test images reads synthetic ones.

  The estimator learns from the labelled test images, augmented; it is used for
  nothing else. Another one, of half of their groups, reads the other half: so
  much can be asked of an estimator of photographs.

  Returns:
    Mean error and measures by 'photographs', 'synthetic' and 'refined'.
  """
  # By chance, because simulators write classes in turn.
  places = np.random.default_rng(0).permutation(len(refined))[:NUM_IMAGES]
  synthetic, held_out = run.synthetic.take(places), _hold_out(run.test)
  return _ask(
      run,
      run.test.take(~held_out),
      {'photographs': run.test.take(held_out)} if held_out.any() else {},
  ) | _ask(
      run,
      run.test,
      {
          'synthetic': synthetic,
          'refined': synthetic._replace(images=refined[places]),
      },
  )
