"""Equations 2 and 4 of the paper, in one convention.

Every loss is the mean over the batch of sums over patches, pixels and
channels, for images in [-1, 1]. A loss also returns its terms, for the log.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def channel_mean(images: Float[Array, 'b h w c']) -> Float[Array, 'b h w 1']:
  """Return the mean over the channels, psi for colour images.

  For images with one channel it is the identity, the paper's psi for grey
  images.
  """
  return jnp.mean(images, axis=-1, keepdims=True)


def identity(images: Float[Array, 'b h w c']) -> Float[Array, 'b h w c']:
  """Return the images, so that every channel is held on its own."""
  return images


def gradients(images: Float[Array, 'b h w c']) -> Float[Array, 'b h w d']:
  """Return forward differences in x and y, zero at the far border."""
  dx = jnp.diff(images, axis=2, append=images[:, :, -1:])
  dy = jnp.diff(images, axis=1, append=images[:, -1:])
  return jnp.concatenate([dx, dy], axis=-1)


FEATURES: dict[str, Callable[[jax.Array], jax.Array]] = {
    'identity': identity,
    'channel_mean': channel_mean,
    'gradients': gradients,
}


def cross_entropy(
    logits: Float[Array, 'b map_h map_w 2'], *, refined: bool
) -> Float[Array, '']:
  """Return the cross-entropy summed over patches, mean over the batch.

  With D = softmax(logits)[..., 1], the probability that a patch is refined, it
  is -sum log D for `refined=True` and -sum log(1 - D) otherwise.

  >>> import jax.numpy as jnp
  >>> loss = cross_entropy(jnp.zeros((4, 9, 14, 2)), refined=True)
  >>> f'{loss:.2f}'  # 126 patches x ln 2
  '87.34'

  Args:
    logits: Logits of D, [b, map_h, map_w, 2] float32.
    refined: Class that every patch should have.
  """
  # Of two logits, D is the sigmoid of their difference.
  evidence = logits[..., 1] - logits[..., 0]
  patches = -jax.nn.log_sigmoid(evidence if refined else -evidence)
  return jnp.mean(jnp.sum(patches, axis=(1, 2)))


class DiscriminatorLoss(NamedTuple):
  """Terms of eq. 2, each a float32 scalar."""

  total: Float[Array, '']
  refined: Float[Array, '']  # -sum log D(refined)
  real: Float[Array, '']  # -sum log(1 - D(real))


def discriminator_loss(
    refined_logits: Float[Array, 'b map_h map_w 2'],
    real_logits: Float[Array, 'b map_h map_w 2'],
) -> DiscriminatorLoss:
  """Return L_D = -sum log D(refined) - sum log(1 - D(real)), eq. 2.

  Args:
    refined_logits: Logits of refined images, [b, map_h, map_w, 2] float32.
    real_logits: Logits of real images, [b, map_h, map_w, 2] float32.
  """
  refined = cross_entropy(refined_logits, refined=True)
  real = cross_entropy(real_logits, refined=False)
  return DiscriminatorLoss(total=refined + real, refined=refined, real=real)


def gradient_penalty(
    real_logits: Float[Array, 'b map_h map_w 2'],
    noised_logits: Float[Array, 'b map_h map_w 2'],
    *,
    noise_scale: float,
) -> Float[Array, '']:
  """Return ||d D / d x||^2 / 2 of the logits of D, summed over patches.

  R1 of Mescheder et al., "Which Training Methods for GANs do actually
  Converge?", ICML 2018. The gradient is estimated from the change of the
  logits under a little noise on real images (Lin et al., "Diffusion
  Adversarial Post-Training", ICML 2025). A less steep D keeps the two networks
  from oscillating. The SimGAN paper has no such term.

  Args:
    real_logits: Logits of real images, [b, map_h, map_w, 2] float32.
    noised_logits: Logits of the same images with Gaussian noise, same shape.
    noise_scale: Standard deviation of the noise.
  """
  difference = noised_logits - real_logits
  evidence = difference[..., 1] - difference[..., 0]
  squares = (evidence / noise_scale) ** 2
  return jnp.mean(jnp.sum(squares, axis=(1, 2))) / 2


def self_regularization_loss(
    refined: Float[Array, 'n h w c'],
    synthetic: Float[Array, 'b h w c'],
    *,
    features_fn: Callable[[jax.Array], jax.Array] = channel_mean,
    limit: float = 0.0,
) -> Float[Array, '']:
  """Return || psi(refined) - psi(synthetic) ||_1, mean over the batch.

  Of several samples of an image the mean is compared, so that noise around the
  synthetic image costs little.

  Args:
    refined: Refined images, [n, h, w, c] float32 in [-1, 1]; n = b, or n = k b
      for k samples of each image, side by side.
    synthetic: Synthetic images, [b, h, w, c] float32 in [-1, 1].
    features_fn: Psi, one of `FEATURES` or any function of a batch of images.
    limit: What a value of psi costs at most; 0 for no limit, as in the paper.
  """
  if len(refined) != len(synthetic):
    samples = refined.reshape(len(synthetic), -1, *synthetic.shape[1:])
    refined = jnp.mean(samples, axis=1)
  difference = jnp.abs(features_fn(refined) - features_fn(synthetic))
  if limit:
    difference = jnp.minimum(difference, limit)
  return jnp.mean(jnp.sum(difference, axis=(1, 2, 3)))


def mode_seeking_loss(refined: Float[Array, 'n h w c']) -> Float[Array, '']:
  """Return 1 / the mean absolute difference of two samples of an image.

  Mao et al., "Mode Seeking Generative Adversarial Networks for Diverse Image
  Synthesis", CVPR 2019. Noise that changes nothing costs much. The paper
  divides by the difference of the noise, too, which here is always the same.

  Args:
    refined: Samples, two or another even number of each image side by side,
      [n, h, w, c] float32 in [-1, 1].
  """
  difference = jnp.abs(refined[::2] - refined[1::2])
  return jnp.mean(1 / (jnp.mean(difference, axis=(1, 2, 3)) + 0.01))


class RefinerLoss(NamedTuple):
  """Terms of eq. 4, each a float32 scalar; they add up to `total`."""

  total: Float[Array, '']
  adversarial: Float[Array, '']  # -sum log(1 - D(R(x)))
  self_regularization: Float[Array, '']  # lambda || psi(R(x)) - psi(x) ||_1
  mode_seeking: Float[Array, ''] | float = 0.0  # with its weight


def refiner_loss(
    refined_logits: Float[Array, 'n map_h map_w 2'],
    refined: Float[Array, 'n h w c'],
    synthetic: Float[Array, 'b h w c'],
    *,
    self_regularization_weight: float,
    features_fn: Callable[[jax.Array], jax.Array] = channel_mean,
    limit: float = 0.0,
    mode_seeking_weight: float = 0.0,
) -> RefinerLoss:
  """Return L_R = -sum log(1 - D(R(x))) + lambda ||psi(R(x)) - psi(x)||_1.

  Equation 4 of the paper.

  Args:
    refined_logits: D's logits of `refined`, [n, map_h, map_w, 2] float32.
    refined: Refined images R(x), [n, h, w, c] float32 in [-1, 1]; of k samples
      of each image, side by side, n = k b.
    synthetic: Synthetic images x, [b, h, w, c] float32 in [-1, 1].
    self_regularization_weight: Lambda, against sums over patches and pixels.
    features_fn: Psi.
    limit: See `self_regularization_loss`.
    mode_seeking_weight: Weight of `mode_seeking_loss`, 0 as in the paper.
  """
  adversarial = cross_entropy(refined_logits, refined=False)
  regularization = self_regularization_weight * self_regularization_loss(
      refined, synthetic, features_fn=features_fn, limit=limit
  )
  total, mode_seeking = adversarial + regularization, 0.0
  if mode_seeking_weight:
    mode_seeking = mode_seeking_weight * mode_seeking_loss(refined)
    total += mode_seeking
  return RefinerLoss(total, adversarial, regularization, mode_seeking)


def patch_accuracy(
    logits: Float[Array, 'b map_h map_w 2'], *, refined: bool
) -> Float[Array, '']:
  """Return the share of patches, in [0, 1], that D gives the stated class."""
  says_refined = logits[..., 1] > logits[..., 0]
  return jnp.mean(says_refined == refined)
