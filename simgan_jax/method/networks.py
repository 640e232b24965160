"""Refiner and discriminator (sections 2.1-2.2 and 3 of the paper)."""

import functools
from typing import final

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from simgan_jax.kernels.activation import relu
from simgan_jax.kernels.convolution import Conv
from simgan_jax.kernels.pooling import max_pool

LOST = 1.0  # what a lost pixel shows, `hands.BACKGROUND`
_RARELY = -3.0  # logarithm of the odds that an untrained refiner loses a pixel
_TEMPERATURE = 0.3  # of the choice in the backward pass


@final
class ResidualBlock(nn.Module):
  """Two convolutions around which the input is added, then ReLU.

  Attributes:
    num_features: channels.
    kernel_size: side of the convolutions, pixels.
    dtype: type of the computation.
  """

  num_features: int
  kernel_size: int
  dtype: DTypeLike

  @nn.compact
  def __call__(self, x: Float[Array, 'b h w c']) -> Float[Array, 'b h w c']:
    """Return [b, h, w, c] for as many channels."""
    kernel = (self.kernel_size, self.kernel_size)
    conv = functools.partial(Conv, self.num_features, kernel, dtype=self.dtype)
    y = relu(conv(name='first')(x))
    return relu(x + conv(name='second')(y))


def _draw_logistic(images: Float[Array, 'b h w c']) -> Float[Array, 'b h w 1']:
  """Return logistic noise drawn from the bits of each image.

  So equal images have equal noise, wherever they are in whatever batch.
  """
  # 16 bits, so that it does not matter how integers were scaled to [-1, 1].
  levels = (images.astype(jnp.float32) + 1) * 32_767.5
  levels = jnp.round(levels).astype(jnp.uint32)
  levels = levels.reshape(images.shape[0], -1)
  # The multiplication that Knuth hashes with: modulo 2 ** 32, odd factors.
  places = jnp.arange(levels.shape[1], dtype=jnp.uint32)
  factors = (places * jnp.uint32(2_654_435_761)) | jnp.uint32(1)
  seeds = (levels * factors[None]).sum(axis=1, dtype=jnp.uint32)
  shape = (*images.shape[1:3], 1)
  return jax.vmap(lambda s: jax.random.logistic(jax.random.key(s), shape))(
      seeds
  )


@final
class Refiner(nn.Module):
  """Residual network that makes a synthetic image look real.

  A convolution with ReLU, `num_blocks` residual blocks, a 1x1 convolution to
  the image's channels and tanh; the resolution never changes. With the
  defaults 296,129 parameters for one channel, receptive field 19 pixels.

  Attributes:
    num_features: channels of the hidden convolutions.
    num_blocks: residual blocks.
    kernel_size: side of the convolutions, pixels.
    dtype: type of the computation; parameters and result are float32.
    loses_pixels: True lets it lose pixels by chance, with odds that a second
      1x1 convolution says for each, as depth sensors do; the paper's refiner
      has no chance in it. Gradients are the straight-through ones of Jang, Gu
      and Poole, "Categorical Reparameterization with Gumbel-Softmax", ICLR
      2017. A choice on the edge may fall otherwise where sums are rounded
      otherwise, as on another number of devices.
    rematerialize: True keeps only the blocks' inputs for the backward pass and
      computes the rest again: less memory, a third more time.
  """

  num_features: int = 64
  num_blocks: int = 4
  kernel_size: int = 3
  loses_pixels: bool = False
  dtype: DTypeLike = jnp.float32
  rematerialize: bool = False

  @nn.compact
  def __call__(
      self, images: Float[Array, 'b h w c']
  ) -> Float[Array, 'b h w c']:
    """Refine `images`, [b, h, w, c] float32 in [-1, 1], any h, w and c."""
    block = nn.remat(ResidualBlock) if self.rematerialize else ResidualBlock
    sizes = (self.num_features, self.kernel_size, self.dtype)
    kernel = (self.kernel_size, self.kernel_size)
    x = Conv(self.num_features, kernel, dtype=self.dtype, name='stem')(images)
    x = relu(x)
    for i in range(self.num_blocks):
      x = block(*sizes, name=f'block{i}')(x)
    y = Conv(images.shape[-1], (1, 1), dtype=self.dtype, name='head')(x)
    refined = jnp.tanh(y.astype(jnp.float32))
    if not self.loses_pixels:
      return refined
    odds = Conv(1, (1, 1), dtype=self.dtype, name='lost')(x)
    odds = odds.astype(jnp.float32) + _RARELY + _draw_logistic(images)
    lost = nn.sigmoid(odds / _TEMPERATURE)
    # All or nothing, with the gradient as if there were something in between.
    lost += jax.lax.stop_gradient(jnp.round(lost) - lost)
    return refined + lost * (LOST - refined)


@final
class Discriminator(nn.Module):
  """Fully convolutional classifier of patches into real and refined.

  Convolutions with ReLU, a max-pool after the second, and a 1x1 convolution to
  two logits a patch without activation: logits[..., 1] speaks for *refined*.
  With the defaults 75,906 parameters for one channel, a 9 x 14 map at 35 x 55,
  receptive field 23 pixels.

  Attributes:
    features: channels of the hidden convolutions.
    kernel_sizes: sides of the hidden convolutions, pixels.
    strides: strides of the hidden convolutions, pixels.
    pool_window: side of the max-pool, pixels.
    pool_stride: stride of the max-pool, pixels.
    local: False replaces the map by one decision an image, made by a fully
      connected layer; this is the paper's ablation.
    dtype: type of the computation; parameters and logits are float32.
  """

  features: tuple[int, ...] = (96, 64, 32, 32)
  kernel_sizes: tuple[int, ...] = (3, 3, 3, 1)
  strides: tuple[int, ...] = (2, 2, 1, 1)
  pool_window: int = 3
  pool_stride: int = 1
  local: bool = True
  dtype: DTypeLike = jnp.float32

  @nn.compact
  def __call__(
      self, images: Float[Array, 'b h w c']
  ) -> Float[Array, 'b map_h map_w 2']:
    """Return logits for `images`, [b, h, w, c] float32 in [-1, 1]."""
    x = images
    layers = zip(self.features, self.kernel_sizes, self.strides, strict=True)
    for i, (features, kernel, stride) in enumerate(layers):
      x = Conv(
          features,
          *((kernel, kernel), (stride, stride)),
          dtype=self.dtype,
          name=f'conv{i}',
      )(x)
      x = relu(x)
      if i == 1:
        x = max_pool(x, self.pool_window, self.pool_stride, 'SAME')
    if not self.local:
      x = x.reshape(x.shape[0], 1, 1, -1)
    x = Conv(2, (1, 1), dtype=self.dtype, name='logits')(x)
    return x.astype(jnp.float32)


def count_parameters(params) -> int:
  """Return the number of scalars in a pytree of arrays."""
  return sum(leaf.size for leaf in jax.tree.leaves(params))
