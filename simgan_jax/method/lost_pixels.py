"""A refiner that loses pixels by chance, as depth sensors do; not the paper's.

Real depth images have holes and ragged edges that differ from shot to shot. A
refiner without any noise cannot make them.
"""

from typing import final

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, PRNGKeyArray

from simgan_jax.kernels.convolution import Conv
from simgan_jax.method import networks

LOST = 1.0  # value of a lost pixel, the background of depth images
_RARELY = -3.0  # logarithm of the odds that an untrained refiner loses a pixel
_TEMPERATURE = 0.3  # of the choice in the backward pass


def _draw_logistic(images: Float[Array, 'b h w c']) -> Float[Array, 'b h w 1']:
  """Return logistic noise whose seed is a hash of the pixels of each image.

  The noise depends only on the image, not on its place in the batch.
  """
  # 16 bits: the hash is the same for any float scaling of 8 or 16-bit images.
  levels = (images.astype(jnp.float32) + 1) * 32_767.5
  levels = jnp.round(levels).astype(jnp.uint32)
  levels = levels.reshape(images.shape[0], -1)
  # Knuth's multiplicative hash: modulo 2 ** 32, odd factors.
  places = jnp.arange(levels.shape[1], dtype=jnp.uint32)
  factors = (places * jnp.uint32(2_654_435_761)) | jnp.uint32(1)
  seeds = (levels * factors[None]).sum(axis=1, dtype=jnp.uint32)
  shape = (*images.shape[1:3], 1)
  return jax.vmap(lambda s: jax.random.logistic(jax.random.key(s), shape))(
      seeds
  )


@final
class LosingRefiner(networks.Refiner):
  """The paper's refiner, and a 1x1 convolution to odds that a pixel is lost.

  A lost pixel becomes background. Gradients are the straight-through ones of
  Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax", ICLR
  2017. Rounding may flip borderline pixels, for example on another number of
  devices.
  """

  @nn.compact
  def __call__(
      self,
      images: Float[Array, 'b h w c'],
      keys: PRNGKeyArray | None = None,
  ) -> Float[Array, 'b h w c']:
    """Refine `images`, [b, h, w, c] float32 in [-1, 1], any h, w and c."""
    features = self._features(images, keys)
    refined = self._to_images(features, images.shape[-1])
    odds = Conv(1, (1, 1), dtype=self.dtype, name='lost')(features)
    odds = odds.astype(jnp.float32) + _RARELY + _draw_logistic(images)
    lost = nn.sigmoid(odds / _TEMPERATURE)
    # The forward pass is all or nothing, the gradient that of the sigmoid.
    lost += jax.lax.stop_gradient(jnp.round(lost) - lost)
    return refined + lost * (LOST - refined)
