"""The network of the compact estimator: from an image to one vector.

Every image is seen with mean 0 and deviation 1, so that light and contrast do
not matter.
"""

from typing import final

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simgan_jax.kernels.convolution import Conv

# Channels and stride; multiples of native.FEATURES, for the fast gradients.
LAYERS = ((16, 2), (32, 1), (32, 2), (48, 1), (64, 2), (96, 1))
NUM_HIDDEN = 128  # features of the first fully connected layer
SIDE = 56  # pixels; images of 1.5 times this side and more are made smaller
MIN_DEVIATION = 0.01  # of an image in [-1, 1]; below it is blank


def shrink(images: Float[Array, 'b h w c']) -> Float[Array, 'b hh ww c']:
  """Return means over squares of pixels if images are large."""
  height, width = images.shape[1:3]
  factor = round((height * width) ** 0.5 / SIDE)
  if factor < 2:
    return images
  window = (min(factor, height), min(factor, width))
  return nn.avg_pool(images, window, window)


def standardize(images: Float[Array, 'b h w c']) -> Float[Array, 'b h w c']:
  """Return each image with mean 0 and deviation 1; a blank one is 0."""
  images = images - images.mean((1, 2, 3), keepdims=True)
  deviation = images.std((1, 2, 3), keepdims=True)
  return images / jnp.maximum(deviation, MIN_DEVIATION)


@final
class CompactNetwork(nn.Module):
  """Six 3x3 convolutions with batch normalisation, two connected layers."""

  num_outputs: int
  axis_name: str | None = None  # mesh axis that splits a training batch

  @nn.compact
  def __call__(
      self, images: Float[Array, 'b h w c'], *, training: bool = False
  ) -> Float[Array, 'b k']:
    """Return [b, num_outputs] for images in [-1, 1].

    In training, the statistics are those of the whole batch.
    """
    x = standardize(shrink(images))
    for i, (features, stride) in enumerate(LAYERS):
      strides = (stride, stride)
      x = Conv(features, (3, 3), strides, use_bias=False, name=f'conv{i}')(x)
      x = nn.BatchNorm(
          use_running_average=not training,
          momentum=0.0,  # `statistics` of a batch, unmixed
          axis_name=self.axis_name,
          name=f'norm{i}',
      )(x)
      x = nn.relu(x)
    x = x.reshape(x.shape[0], -1)
    x = nn.relu(nn.Dense(NUM_HIDDEN, name='hidden')(x))
    return nn.Dense(self.num_outputs, name='outputs')(x)
