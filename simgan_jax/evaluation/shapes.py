"""The question turned round: can an estimator of photographs read renders?

Refining mends looks, not shapes. What an estimator that was trained on real
images cannot read in synthetic images, neither before nor after refining, has a
wrong shape there.
"""

from typing import Any

import numpy as np
from jaxtyping import UInt8

from simgan_jax.evaluation import scoring
from simgan_jax.evaluation.run import Run
from simgan_jax.machine import batching
from simgan_jax.measures import estimation_errors

NUM_IMAGES = 2_000  # synthetic images, spread over the data set


def ask(
    run: Run, refined: UInt8[np.ndarray, 'n h w c']
) -> dict[str, dict[str, Any]]:
  """Return how an estimator of the test images reads synthetic ones.

  The estimator learns from the labelled test images, augmented; it is used for
  nothing else.

  Returns:
    Mean error and measures by 'synthetic' and 'refined'.
  """
  task, test = run.task, run.test
  assert test.labels is not None
  params = scoring.train(
      run,
      test.images,
      test.labels,
      augmented=True,
      seed=run.seeds[0],
      what='check shapes',
  )
  places = batching.spread(len(refined), NUM_IMAGES)
  asked = run.synthetic.take(places)
  images = {'synthetic': asked.images, 'refined': refined[places]}
  found = {}
  for name, values in images.items():
    predicted = task.estimator.predict(params, values, mesh=run.mesh)
    errors = task.errors(predicted, asked)
    summary = estimation_errors.summarize(errors, task.unit)
    found[name] = {f'mean_{task.unit.name}': summary.mean} | {
        key: value if isinstance(value, float) else value.tolist()
        for key, value in task.measures(predicted, asked).items()
    }
  return found
