"""The losses of the compact estimator, one for each task."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

_SMOOTH = 0.01  # of the distance of angles, deviations of the labels


def class_loss(
    logits: Float[Array, 'b k'], classes: Int[Array, 'b']
) -> Float[Array, '']:
  """Return the mean cross-entropy; an unknown class counts nothing.

  Args:
    logits: Logarithms of the classes' probabilities up to a constant, [b, k]
      float32.
    classes: True classes, [b] int32, -1 where unknown.
  """
  losses = optax.softmax_cross_entropy_with_integer_labels(
      logits, jnp.maximum(classes, 0)
  )
  return jnp.mean(jnp.where(classes >= 0, losses, 0))


def number_loss(
    predicted: Float[Array, 'b k'], truth: Float[Array, 'b k']
) -> Float[Array, '']:
  """Return the mean squared difference; an unknown number counts nothing.

  Args:
    predicted: Numbers, [b, k] float32, in deviations of the labels.
    truth: True numbers, [b, k] float32, in the same unit, NaN where unknown.
  """
  known = ~jnp.isnan(truth)
  return jnp.mean(jnp.square(jnp.where(known, predicted - truth, 0)))


def gaze_loss(
    predicted: Float[Array, 'b 2'], truth: Float[Array, 'b 2']
) -> Float[Array, '']:
  """Return the mean distance of angles, which is nearly the angular error.

  Not its square, which would serve the few worst images first.

  Args:
    predicted: Yaw and pitch, [b, 2] float32, in deviations of the labels.
    truth: True yaw and pitch, [b, 2] float32, in the same unit.
  """
  squares = jnp.sum(jnp.square(predicted - truth), axis=-1)
  return jnp.mean(jnp.sqrt(squares + _SMOOTH**2))


LOSSES = {'gaze': gaze_loss, 'class': class_loss, 'regression': number_loss}
