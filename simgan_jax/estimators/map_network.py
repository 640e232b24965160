"""A small U-Net: from an image to maps as wide as the image, or half as wide.

Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical
Image Segmentation", MICCAI 2015.
"""

from typing import final

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simgan_jax.kernels.convolution import Conv
from simgan_jax.kernels.pooling import max_pool

_GROUP = 8  # channels of a group norm
_SMALLEST = 4  # pixels; a level this small is not halved any more
_MAX_LEVELS = 6
_BLOCK = 2  # pixels of the image to one of the finest level


def num_levels(height: int, width: int) -> int:
  """Return the number of levels for images of this size in pixels."""
  side, levels = min(height, width) // _BLOCK, 1
  while side >= 2 * _SMALLEST and levels < _MAX_LEVELS:
    side, levels = side // 2, levels + 1
  return levels


def _unfold(
    x: Float[Array, 'b h w c'], block: int
) -> Float[Array, 'b hh hw d']:
  """Return each block of pixels as one pixel of `block ** 2 * c` channels."""
  b, h, w, c = x.shape
  x = x.reshape(b, h // block, block, w // block, block, c)
  return x.swapaxes(2, 3).reshape(b, h // block, w // block, -1)


def _fold(x: Float[Array, 'b h w c'], block: int) -> Float[Array, 'b hh hw d']:
  """Return each pixel as a block of pixels; the inverse of `_unfold`."""
  b, h, w, c = x.shape
  x = x.reshape(b, h, w, block, block, c // block**2).swapaxes(2, 3)
  return x.reshape(b, h * block, w * block, -1)


def _norm(num_features: int) -> nn.GroupNorm:
  """Return a normalisation that depends on no other image."""
  return nn.GroupNorm(num_features // _GROUP)


@final
class Block(nn.Module):
  """A group norm, a ReLU and a 3x3 convolution, added to the input if it fits.

  The convolution comes last, so that what it adds may be negative. With a ReLU
  last, an estimator of hands errs by a fifth more after as many steps.
  """

  num_features: int  # channels of the output, a multiple of `_GROUP`

  @nn.compact
  def __call__(self, x: Float[Array, 'b h w c']) -> Float[Array, 'b h w d']:
    """Return [b, h, w, num_features]."""
    y = nn.relu(_norm(x.shape[-1])(x))
    y = Conv(self.num_features, (3, 3))(y)
    return x + y if x.shape == y.shape else y


@final
class UNet(nn.Module):
  """Halves the image until it is tiny and doubles it again, with skips.

  Blocks of pixels become channels before the first convolution, and channels
  become blocks of pixels after the last one. So the finest level, which costs
  most, has few pixels.
  """

  num_maps: int
  fold: int = 1  # pixels of a map to one of the finest level; 2 or 1
  features: tuple[int, ...] = (16, 48, 96, 128)  # channels of each level

  @property
  def scale(self) -> float:
    """Return the pixels of a map to one of the image."""
    return self.fold / _BLOCK

  @nn.compact
  def __call__(
      self, images: Float[Array, 'b h w c']
  ) -> Float[Array, 'b mh mw k']:
    """Return maps, logarithms up to a constant, for images of any size."""
    height, width = images.shape[1:3]
    levels = num_levels(height, width)
    features = [
        self.features[min(i, len(self.features) - 1)] for i in range(levels)
    ]
    multiple = _BLOCK * 2 ** (levels - 1)
    pads = [(0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)]
    x = _unfold(jnp.pad(images, pads, mode='edge'), _BLOCK)
    x = Conv(features[0], (3, 3))(x)
    aside = [x]
    for num in features[1:]:
      x = max_pool(x, 2, 2, 'VALID')
      x = Block(num)(Block(num)(x))
      aside.append(x)
    for num, skip in zip(features[-2::-1], aside[-2::-1], strict=True):
      x = Conv(num, (1, 1))(x).repeat(2, axis=1).repeat(2, axis=2)
      x = Block(num)(x + skip)
    x = nn.relu(_norm(features[0])(x))
    x = _fold(Conv(self.num_maps * self.fold**2, (1, 1))(x), self.fold)
    # The map of the padding is of no use.
    rows, columns = (-(-side * self.fold // _BLOCK) for side in (height, width))
    return x[:, :rows, :columns]
