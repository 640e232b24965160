"""Floating-point operations and least bytes of a round, from layer sizes.

Only convolutions are counted. All else is below one percent of the operations
and, fused into the convolutions, of the bytes. `docs/scaling.md` explains the
model.
"""

import dataclasses
import math
from collections.abc import Sequence

from simgan_jax.settings import config as config_lib


@dataclasses.dataclass(frozen=True)
class Layer:
  """Sizes of a convolution: input and output of one image, and kernel."""

  pixels_in: int
  pixels_out: int
  channels_in: int
  channels_out: int
  kernel_size: int

  @property
  def operations(self) -> int:
    """Return the floating-point operations of one image's forward pass."""
    window = self.kernel_size**2 * self.channels_in
    return 2 * self.pixels_out * window * self.channels_out

  @property
  def scalars_in(self) -> int:
    """Return the number of input scalars of one image."""
    return self.pixels_in * self.channels_in

  @property
  def scalars_out(self) -> int:
    """Return the number of output scalars of one image."""
    return self.pixels_out * self.channels_out

  @property
  def parameters(self) -> int:
    """Return the number of parameters of kernel and bias."""
    window = self.kernel_size**2 * self.channels_in
    return (window + 1) * self.channels_out


def refiner_layers(config: config_lib.Config) -> list[Layer]:
  """Return the layers of the refiner."""
  data, sizes = config.data, config.refiner
  pixels, hidden = data.height * data.width, sizes.num_features
  stem = Layer(pixels, pixels, data.channels, hidden, sizes.kernel_size)
  block = Layer(pixels, pixels, hidden, hidden, sizes.kernel_size)
  head = Layer(pixels, pixels, hidden, data.channels, 1)
  return [stem, *[block] * (2 * sizes.num_blocks), head]


def discriminator_layers(config: config_lib.Config) -> list[Layer]:
  """Return the layers of the discriminator without its max-pool."""
  data, sizes = config.data, config.discriminator
  height, width, channels = data.height, data.width, data.channels
  layers = []
  for i, features in enumerate((*sizes.features, 2)):
    last = i == len(sizes.features)
    kernel = 1 if last else sizes.kernel_sizes[i]
    stride = 1 if last else sizes.strides[i]
    out = math.ceil(height / stride), math.ceil(width / stride)
    layers.append(
        Layer(height * width, math.prod(out), channels, features, kernel)
    )
    (height, width), channels = out, features
    if i == 1:
      height = math.ceil(height / sizes.pool_stride)
      width = math.ceil(width / sizes.pool_stride)
  return layers


def _forward(layers: Sequence[Layer]) -> tuple[int, int]:
  """Return operations, and scalars read as inputs and written as outputs."""
  return (
      sum(layer.operations for layer in layers),
      sum(layer.scalars_in + layer.scalars_out for layer in layers),
  )


def _training(layers: Sequence[Layer]) -> tuple[int, int]:
  """Return operations and scalars of the forward pass and both gradients.

  The first layer's input needs no gradient. In the backward pass a layer reads
  its input and its output's gradient, and writes its input's gradient.
  """
  operations, scalars = _forward(layers)
  operations = 3 * operations - layers[0].operations
  backward = sum(2 * x.scalars_in + x.scalars_out for x in layers)
  return operations, scalars + backward - layers[0].scalars_in


def _input_gradient(layers: Sequence[Layer]) -> tuple[int, int]:
  """Return operations and scalars of forward pass and input gradient."""
  operations, scalars = _forward(layers)
  backward = sum(layer.scalars_in + layer.scalars_out for layer in layers)
  return 2 * operations, scalars + backward


@dataclasses.dataclass(frozen=True)
class Cost:
  """Work of one round for a whole batch."""

  operations: float
  bytes: float  # of activations, parameters and optimiser states
  image_bytes: float  # of the uint8 images of a round

  def seconds(self, *, rate: float, bandwidth: float) -> float:
    """Return the least time: that of operations or bytes, the longer one."""
    return max(self.operations / rate, self.bytes / bandwidth)


def gradient_sizes(config: config_lib.Config) -> tuple[int, int]:
  """Return the bytes of the gradients of refiner and discriminator."""
  networks = refiner_layers(config), discriminator_layers(config)
  refiner, discriminator = (
      4 * sum(layer.parameters for layer in layers) for layers in networks
  )
  return refiner, discriminator


def round_cost(config: config_lib.Config) -> Cost:
  """Return the cost of K_g refiner and K_d discriminator steps."""
  refiner, discriminator = refiner_layers(config), discriminator_layers(config)
  k_g, k_d = config.refiner_steps, config.discriminator_steps
  batch = config.batch_size
  scalar_bytes = {'float32': 4, 'bfloat16': 2}[config.compute_dtype]

  # A discriminator step refines half a batch and trains on two whole ones.
  work = (
      (k_g, _training(refiner)),
      (k_g, _input_gradient(discriminator)),
      (0.5 * k_d, _forward(refiner)),
      (2.0 * k_d, _training(discriminator)),
  )
  operations = batch * sum(times * found[0] for times, found in work)
  moved = batch * scalar_bytes * sum(times * found[1] for times, found in work)
  # Adam reads gradient, parameter and two moments; it writes all but the first.
  sizes = gradient_sizes(config)
  moved += 7 * (k_g * sizes[0] + k_d * sizes[1])
  pixels = config.data.height * config.data.width * config.data.channels
  return Cost(
      operations=operations,
      bytes=moved,
      image_bytes=batch * pixels * (k_g + 2 * k_d),
  )
