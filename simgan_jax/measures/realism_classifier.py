"""The classifier behind the automatic visual Turing test, and its training."""

import functools
from typing import Any, cast, final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Float, UInt8

from simgan_jax.kernels.convolution import Conv
from simgan_jax.machine import batching, fitting, pixels
from simgan_jax.machine import mesh as mesh_lib

_PREDICT_BATCH = 256  # images a call of `predict`


@final
class RealismClassifier(nn.Module):
  """Three strided 3x3 convolutions, mean over the image, one logit.

  The features are the means over the image, scaled to mean 0 and variance 1
  within each image. They are bounded, so that a kernel needs no scale.
  """

  @nn.compact
  def __call__(
      self, images: Float[Array, 'b h w c']
  ) -> tuple[Float[Array, 'b'], Float[Array, 'b f']]:
    """Return logits (positive: real) and features, for images in [-1, 1]."""
    x = images
    for i, features in enumerate((16, 32, 64)):
      x = nn.relu(Conv(features, (3, 3), strides=(2, 2), name=f'conv{i}')(x))
    x = jnp.mean(x, axis=(1, 2))
    x = nn.LayerNorm(use_bias=False, use_scale=False, name='scaled')(x)
    return nn.Dense(1, name='logit')(x)[:, 0], x


@functools.cache
def _make_step(num_steps: int, learning_rate: float):
  """Return the optimiser and a compiled step(state, images), half real."""
  optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps))

  @jax.jit
  def step(state, images):
    params, opt_state = state
    is_real = np.arange(len(images)) < len(images) // 2

    def loss_fn(params):
      logits = _apply(params, images)[0]
      return jnp.mean(optax.sigmoid_binary_cross_entropy(logits, is_real))

    loss, gradients = jax.value_and_grad(loss_fn)(params)
    updates, opt_state = optimizer.update(gradients, opt_state, params)
    return (optax.apply_updates(params, updates), opt_state), loss

  return optimizer, step


def train(
    real: UInt8[np.ndarray, 'n h w c'],
    other: UInt8[np.ndarray, 'm h w c'],
    *,
    seed: int,
    num_steps: int,
    batch_size: int,
    learning_rate: float,
) -> Any:
  """Return the parameters of a classifier trained on all these images.

  Arguments and errors are those of `realism.classify`.
  """

  def draw_batches():
    generator = np.random.default_rng((seed, 1))
    while True:
      batch = [
          images[generator.integers(len(images), size=batch_size // 2)]
          for images in (real, other)
      ]
      yield np.concatenate(batch)

  optimizer, step = _make_step(num_steps, learning_rate)
  init = jax.jit(RealismClassifier().init)  # faster than compiling op by op
  params = init(jax.random.key(seed), jnp.zeros((1, *real.shape[1:])))['params']
  state = params, optimizer.init(params)
  params, _ = fitting.fit(
      step,
      state,
      draw_batches(),
      name='the realism classifier',
      remedy='its images may be damaged',
      num_steps=num_steps,
      check_every=num_steps,
  )
  return params


@jax.jit
def _apply(params, images):
  outputs = RealismClassifier().apply(
      {'params': params}, pixels.scale_images(images)
  )
  return cast(tuple[jax.Array, jax.Array], outputs)


def predict(
    params: Any, images: UInt8[np.ndarray, 'n h w c']
) -> tuple[Float[np.ndarray, 'n'], Float[np.ndarray, 'n f']]:
  """Return logits (positive: real) and features of at least one image."""
  found = batching.map_batches(
      lambda batch: jnp.column_stack(_apply(params, batch)),
      images,
      mesh=mesh_lib.make_mesh(1),
      batch_size=min(_PREDICT_BATCH, len(images)),
  )
  outputs = np.concatenate(list(found))
  return outputs[:, 0], outputs[:, 1:]
