"""The one loop around compiled optimiser steps."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from simgan_jax.machine import errors


def fit(
    step: Callable[[Any, Any], tuple[Any, Any]],
    state: Any,
    stream: Iterator[Any],
    *,
    name: str,
    remedy: str,
    num_steps: int,
    first_step: int = 0,
    check_every: int = 1,
    should_stop: Callable[[int], bool] = lambda number: False,
    on_progress: Callable[[int], object] = int,
) -> Any:
  """Take optimiser steps and return the last state.

  Args:
    step: Function of (state, batch) that returns the new state and metrics: a
      pytree of scalars or, where a call takes k steps, of arrays [k].
    state: State before the first step.
    stream: Batches, one for each call of `step`.
    name: What is trained, for the error message.
    remedy: What to do about a loss that is not finite, for the error message.
    num_steps: Number of steps after which the training is finished.
    first_step: Number of steps that an earlier, stopped training took.
    check_every: Number of calls after which the metrics are read. Reading them
      waits for the devices.
    should_stop: Function of the number of steps taken. True ends the training.
    on_progress: Function that is called with the number of steps of each call.

  Raises:
    NonFiniteError: If a metric is not finite.
  """
  unread: list[Any] = []  # metrics of the last calls

  def check_finite() -> None:
    rows = [jax.tree.leaves(jax.device_get(metrics)) for metrics in unread]
    finite = np.concatenate(
        [np.isfinite(row).reshape(len(row), -1).all(axis=0) for row in rows]
    )
    if not finite.all():
      number = done - len(finite) + int(np.argmin(finite)) + 1
      raise errors.NonFiniteError(
          f'{name}: the loss is not finite at step {number}; {remedy}.'
      )
    unread.clear()

  done = first_step
  while done < num_steps and not should_stop(done):
    state, metrics = step(state, next(stream))
    unread.append(metrics)
    taken = jax.tree.leaves(metrics)[0].size
    done += taken
    if len(unread) == check_every:
      check_finite()
    on_progress(taken)
  if unread:
    check_finite()
  return state
