"""Refiner and discriminator (sections 2.1-2.2 and 3 of the paper)."""

import functools
from typing import final

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from simgan_jax.kernels.activation import relu
from simgan_jax.kernels.convolution import Conv
from simgan_jax.kernels.pooling import max_pool
from simgan_jax.method import noise as noise_lib


@final
class ResidualBlock(nn.Module):
  """Two convolutions whose result is added to the input, then ReLU.

  Noise is added to the result with a weight for each channel, at first 0
  (Karras et al., "A Style-Based Generator Architecture for Generative
  Adversarial Networks", CVPR 2019).

  Attributes:
    num_features: Number of channels.
    kernel_size: Side of the convolutions, pixels.
    dtype: Type of the computation.
  """

  num_features: int
  kernel_size: int
  dtype: DTypeLike

  @nn.compact
  def __call__(
      self,
      x: Float[Array, 'b h w c'],
      noise: Float[Array, 'b h w k'] | None = None,
  ) -> Float[Array, 'b h w c']:
    """Return features of the same shape; `noise` has deviation 1."""
    kernel = (self.kernel_size, self.kernel_size)
    conv = functools.partial(Conv, self.num_features, kernel, dtype=self.dtype)
    y = relu(conv(name='first')(x))
    y = conv(name='second')(y)
    if noise is not None:
      shape = noise.shape[-1], self.num_features
      weights = self.param('noise', nn.initializers.zeros, shape)
      y += (noise @ weights).astype(self.dtype)
    return relu(x + y)


class Refiner(nn.Module):
  """Residual network that makes a synthetic image look real.

  A convolution with ReLU, `num_blocks` residual blocks, a 1x1 convolution to
  the image's channels and tanh; the resolution never changes. With the
  defaults 296,129 parameters for one channel, receptive field 19 pixels.

  Attributes:
    num_features: Number of channels of the hidden convolutions.
    num_blocks: Number of residual blocks.
    kernel_size: Side of the convolutions, pixels.
    dtype: Type of the computation; parameters and result are float32.
    rematerialize: True keeps only the blocks' inputs for the backward pass and
      computes the rest again: less memory, a third more time.
    noise_channels: Number of channels of Gaussian noise, `noise.draw_inputs`,
      that enter beside the image, and in every block; 0 is the paper's refiner.
  """

  num_features: int = 64
  num_blocks: int = 4
  kernel_size: int = 3
  dtype: DTypeLike = jnp.float32
  rematerialize: bool = False
  noise_channels: int = 0

  @nn.compact
  def __call__(
      self,
      images: Float[Array, 'b h w c'],
      keys: PRNGKeyArray | None = None,
  ) -> Float[Array, 'b h w c']:
    """Refine `images`.

    Args:
      images: Synthetic images, [b, h, w, c] float32 in [-1, 1], any h, w and c.
      keys: Key of each image's noise, [b]; None for noise of zeros. Without
        `noise_channels` they do nothing.
    """
    return self._to_images(self._features(images, keys), images.shape[-1])

  def _features(
      self, images: Float[Array, 'b h w c'], keys: PRNGKeyArray | None
  ) -> Float[Array, 'b h w f']:
    block = nn.remat(ResidualBlock) if self.rematerialize else ResidualBlock
    kernel = (self.kernel_size, self.kernel_size)
    noise = None
    if self.noise_channels:
      shape = (*images.shape[1:3], self.noise_channels)
      noise = jnp.zeros((len(images), *shape))
      if keys is not None:
        noise = noise_lib.draw_inputs(keys, shape)
      images = jnp.concatenate([images, noise], axis=-1)
    x = Conv(self.num_features, kernel, dtype=self.dtype, name='stem')(images)
    x = relu(x)
    for i in range(self.num_blocks):
      x = block(
          self.num_features, self.kernel_size, self.dtype, name=f'block{i}'
      )(x, noise)
    return x

  def _to_images(
      self, features: Float[Array, 'b h w f'], num_channels: int
  ) -> Float[Array, 'b h w c']:
    y = Conv(num_channels, (1, 1), dtype=self.dtype, name='head')(features)
    return jnp.tanh(y.astype(jnp.float32))


@final
class Discriminator(nn.Module):
  """Fully convolutional classifier of patches into real and refined.

  Convolutions with ReLU, a max-pool after the second, and a 1x1 convolution to
  two logits per patch without activation; logits[..., 1] is for *refined*.
  With the defaults 75,906 parameters for one channel, a 9 x 14 map at 35 x 55,
  receptive field 23 pixels.

  Attributes:
    features: Numbers of channels of the hidden convolutions.
    kernel_sizes: Sides of the hidden convolutions, pixels.
    strides: Strides of the hidden convolutions, pixels.
    pool_window: Side of the max-pool, pixels.
    pool_stride: Stride of the max-pool, pixels.
    local: Whether each patch gets a decision. False makes one decision per
      image with a fully connected layer, the paper's ablation.
    dtype: Type of the computation; parameters and logits are float32.
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
          kernel_size=(kernel, kernel),
          strides=(stride, stride),
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
