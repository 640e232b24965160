"""Stacked hourglass network: from an image to a heat-map for every joint.

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

SIGMA = 1.0  # of the Gaussian around a joint, heat-map pixels
_GROUP = 8  # channels that are normalised together


@final
class Residual(nn.Module):
  """Bottleneck: normalised 1x1, 3x3 and 1x1 convolutions, the input added.

  Differs from the paper: group normalisation in place of batch normalisation,
  so that an image's result depends on no other one and on no running mean.

  Attributes:
    num_features: channels.
  """

  num_features: int

  @nn.compact
  def __call__(self, x: Float[Array, 'b h w c']) -> Float[Array, 'b h w d']:
    """Return [b, h, w, num_features]."""
    half = self.num_features // 2
    y = x
    for i, (features, side) in enumerate(
        ((half, 1), (half, 3), (self.num_features, 1))
    ):
      groups = max(1, y.shape[-1] // _GROUP)
      y = nn.relu(nn.GroupNorm(groups, name=f'norm{i}')(y))
      y = Conv(features, (side, side), name=f'conv{i}')(y)
    if x.shape[-1] != self.num_features:
      x = Conv(self.num_features, (1, 1), name='skip')(x)
    return x + y


def _hourglass(x: jax.Array, depth: int, num_features: int) -> jax.Array:
  """Return x after going down `depth` halvings and up again, sides added."""
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
  """Hourglasses one after the other, each with heat-maps of its own.

  A stride-2 convolution and, at a quarter, a max-pool bring the image to the
  size of the heat-maps; every hourglass sees the heat-maps of the one before.
  For the paper's hands: 256 x 256 pixels, 64 x 64 heat-maps, 2 stacks.

  Attributes:
    num_joints: heat-maps.
    num_stacks: hourglasses.
    num_features: channels.
    depth: halvings in an hourglass; the heat-maps' side is a multiple of
      2 ** depth.
    stride: pixels of the image to one of the heat-maps, 2 or 4.
  """

  num_joints: int
  num_stacks: int = 2
  num_features: int = 256
  depth: int = 4
  stride: int = 4

  @nn.compact
  def __call__(
      self, images: Float[Array, 'b h w c']
  ) -> Float[Array, 'b s hh hw k']:
    """Return the heat-maps of every stack, for images in [-1, 1].

    They are logarithms up to a constant: a softmax over the pixels gives the
    probability of the joint there.
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


def draw_heatmaps(
    joints: Float[Array, 'b k 2'], *, size: int
) -> Float[Array, 'b s s k']:
  """Return Gaussians of height 1 around joints (x, y) in heat-map pixels."""
  pixels = jnp.arange(float(size))[None, None]
  x, y = jnp.moveaxis(joints, -1, 0)[..., None]  # [b, k, 1] each
  columns = jnp.exp(-0.5 * ((pixels - x) / SIGMA) ** 2)
  rows = jnp.exp(-0.5 * ((pixels - y) / SIGMA) ** 2)
  return jnp.einsum('bki,bkj->bijk', rows, columns)


def find_places(heatmaps: Float[Array, 'b s s k']) -> Float[Array, 'b k 2']:
  """Return the joint of each heat-map: (x, y) in its pixels, sub-pixel.

  The mean place under the squared probabilities: the centre of a Gaussian, and
  of several guesses the likeliest, drawn towards the others the more they are
  as likely. That errs less in the mean than the highest pixel, which is wrong
  by a whole finger when it is, and than the mean place, which is never sharp.
  Within 2 px of the border it is drawn inside, at most by 0.3 px.

  Args:
    heatmaps: [b, s, s, k] float32, logarithms up to a constant.
  """
  shares = jax.nn.softmax(2 * heatmaps, axis=(1, 2))
  pixels = jnp.arange(float(heatmaps.shape[1]))
  x = jnp.einsum('bijk,j->bk', shares, pixels)
  y = jnp.einsum('bijk,i->bk', shares, pixels)
  return jnp.stack([x, y], axis=-1)
