"""The stacked hourglass network: from an image to a heat-map for every joint.

Newell, Yang and Deng, "Stacked Hourglass Networks for Human Pose Estimation",
ECCV 2016.
"""

from typing import final

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simgan_jax.kernels.convolution import Conv
from simgan_jax.kernels.pooling import max_pool

_GROUP = 8  # channels of a group norm


@final
class Residual(nn.Module):
  """Residual block of 1x1, 3x3 and 1x1 convolutions, normalised before each.

  Differs from the paper: group normalisation in place of batch normalisation,
  so that a result depends on no other image and on no running mean.
  """

  num_features: int  # channels of the output

  @nn.compact
  def __call__(self, x: Float[Array, 'b h w c']) -> Float[Array, 'b h w d']:
    """Return [b, h, w, num_features]."""
    num, y = self.num_features, x
    layers = (num // 2, 1), (num // 2, 3), (num, 1)
    for i, (features, side) in enumerate(layers):
      groups = max(1, y.shape[-1] // _GROUP)
      y = nn.relu(nn.GroupNorm(groups, name=f'norm{i}')(y))
      y = Conv(features, (side, side), name=f'conv{i}')(y)
    if x.shape[-1] != num:
      x = Conv(num, (1, 1), name='skip')(x)
    return x + y


def _hourglass(x: jax.Array, depth: int, num_features: int) -> jax.Array:
  """Halve x `depth` times and double it again, with a skip at each size."""
  aside = Residual(num_features)(x)
  low = Residual(num_features)(max_pool(x, 2, 2, 'VALID'))
  if depth > 1:
    low = _hourglass(low, depth - 1, num_features)
  else:
    low = Residual(num_features)(low)
  low = Residual(num_features)(low)
  return aside + low.repeat(2, axis=1).repeat(2, axis=2)


@final
class StackedHourglass(nn.Module):
  """Hourglasses in a row, each with heat-maps of its own.

  A convolution of stride 2 and, for stride 4, a max-pool bring the image to the
  size of the heat-maps. Every hourglass gets the heat-maps of the one before.
  The paper's hands have 256 x 256 pixels, 64 x 64 heat-maps and 2 stacks.
  """

  num_joints: int  # heat-maps
  num_stacks: int  # hourglasses
  num_features: int  # channels
  depth: int  # halvings in an hourglass; 2 ** depth divides the heat-maps' side
  stride: int  # pixels of the image to one of a heat-map, 2 or 4

  @nn.compact
  def __call__(
      self, images: Float[Array, 'b h w c']
  ) -> Float[Array, 'b s hh hw k']:
    """Return the heat-maps of every stack, for images in [-1, 1].

    A softmax over the pixels gives the probability that the joint is there.
    """
    num = self.num_features
    x = nn.relu(Conv(num // 4, (7, 7), (2, 2), name='stem')(images))
    x = Residual(num // 2, name='stem_residual')(x)
    if self.stride == 4:
      x = max_pool(x, 2, 2, 'VALID')
    x = Residual(num, name='stem_last')(x)
    found = []
    for stack in range(self.num_stacks):
      y = Residual(num)(_hourglass(x, self.depth, num))
      y = nn.relu(nn.GroupNorm(max(1, num // _GROUP))(Conv(num, (1, 1))(y)))
      heatmaps = Conv(self.num_joints, (1, 1), name=f'heatmaps{stack}')(y)
      found.append(heatmaps)
      if stack + 1 < self.num_stacks:
        x = x + Conv(num, (1, 1))(y) + Conv(num, (1, 1))(heatmaps)
    return jnp.stack(found, axis=1)
