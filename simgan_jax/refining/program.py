"""The refiner as a StableHLO program, its parameters included."""

import jax
import jax.numpy as jnp
from flax.training import train_state
from jax import export
from jaxtyping import Array, UInt8, UInt32

from simgan_jax.machine import pixels

PLATFORMS = ('cpu', 'cuda', 'tpu')


def make_program(
    refiner: train_state.TrainState,
    image_shape: tuple[int, int, int],
    *,
    has_noise: bool = False,
) -> export.Exported:
  """Return the program that refines any number of uint8 images.

  It holds the code of each of `PLATFORMS` wherever it is exported. As it
  has no gradients, it never calls the machine code of `kernels.native`.

  Args:
    refiner: Trained refiner.
    image_shape: Height, width and channels of an image.
    has_noise: Whether the refiner has noise; its seeds are then the program's
      second argument, [b] uint32, one for each image.

  Returns:
    The program for all of `PLATFORMS`, from [b, h, w, c] uint8 to the same
    shape and type, rounded by `pixels.to_integers`.
  """
  params = jax.device_get(refiner.params)  # become constants of the program

  def refine(
      images: UInt8[Array, 'b h w c'], seeds: UInt32[Array, 'b'] | None = None
  ) -> UInt8[Array, 'b h w c']:
    keys = None if seeds is None else jax.vmap(jax.random.key)(seeds)
    refined = refiner.apply_fn(
        {'params': params}, pixels.scale_images(images), keys
    )
    return pixels.to_integers(refined)

  batch = export.symbolic_shape('b')
  given = [jax.ShapeDtypeStruct((*batch, *image_shape), jnp.uint8)]
  if has_noise:
    given.append(jax.ShapeDtypeStruct(batch, jnp.uint32))
  return export.export(jax.jit(refine), platforms=PLATFORMS)(*given)
