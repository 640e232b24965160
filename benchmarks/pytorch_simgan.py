"""The same networks and update in PyTorch, for comparison.

Only the benchmarks use it: `pip install torch` (without a GPU `torch==2.13.0`).
Images are [b, c, h, w] float32 in [-1, 1]; weights come from the Flax networks.
"""

import functools
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def _same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
  """Return the numbers of pixels that SAME padding adds before and after."""
  total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
  return total // 2, total - total // 2


class _Conv(nn.Conv2d):
  """Convolution with SAME padding, which may be asymmetric."""

  def __init__(self, channels: int, features: int, kernel: int, stride: int):
    super().__init__(channels, features, kernel, stride)

  def forward(self, images: torch.Tensor) -> torch.Tensor:
    kernel, stride = self.kernel_size[0], self.stride[0]
    height = _same_pads(images.shape[2], kernel, stride)
    width = _same_pads(images.shape[3], kernel, stride)
    if height[0] == height[1] and width[0] == width[1]:
      pads = (height[0], width[0])
    else:
      images = functional.pad(images, (*width, *height))
      pads = (0, 0)
    return functional.conv2d(images, self.weight, self.bias, stride, pads)


class Refiner(nn.Module):
  """Refiner equal to `networks.Refiner`."""

  def __init__(self, num_features=64, num_blocks=4, kernel_size=3, channels=1):
    """Take the sizes of the Flax network."""
    super().__init__()
    sizes = (num_features, num_features, kernel_size, 1)
    self.stem = _Conv(channels, num_features, kernel_size, 1)
    self.first = nn.ModuleList(_Conv(*sizes) for _ in range(num_blocks))
    self.second = nn.ModuleList(_Conv(*sizes) for _ in range(num_blocks))
    self.head = _Conv(num_features, channels, 1, 1)

  def forward(self, images: torch.Tensor) -> torch.Tensor:
    """Return the refined images, [b, c, h, w] float32 in [-1, 1]."""
    x = functional.relu(self.stem(images))
    for first, second in zip(self.first, self.second, strict=True):
      x = functional.relu(x + second(functional.relu(first(x))))
    return torch.tanh(self.head(x).float())

  def convolutions(self) -> dict[str, nn.Conv2d]:
    """Return the layers under the names of the Flax parameters."""
    layers: dict[str, Any] = {'stem': self.stem, 'head': self.head}
    for i, (first, second) in enumerate(
        zip(self.first, self.second, strict=True)
    ):
      layers |= {f'block{i}/first': first, f'block{i}/second': second}
    return layers


class Discriminator(nn.Module):
  """Discriminator equal to `networks.Discriminator` of default sizes."""

  def __init__(self):
    """Build the layers."""
    super().__init__()
    self.conv = nn.ModuleList(
        [
            _Conv(1, 96, 3, 2),
            _Conv(96, 64, 3, 2),
            _Conv(64, 32, 3, 1),
            _Conv(32, 32, 1, 1),
        ]
    )
    self.logits = _Conv(32, 2, 1, 1)

  def forward(self, images: torch.Tensor) -> torch.Tensor:
    """Return logits, [b, 2, map_h, map_w] float32."""
    x = images
    for i, layer in enumerate(self.conv):
      x = functional.relu(layer(x))
      if i == 1:
        x = functional.max_pool2d(x, 3, 1, padding=1)
    return self.logits(x).float()

  def convolutions(self) -> dict[str, nn.Conv2d]:
    """Return the layers under the names of the Flax parameters."""
    layers: dict[str, Any] = {f'conv{i}': c for i, c in enumerate(self.conv)}
    return layers | {'logits': self.logits}


class GazeEstimator(nn.Module):
  """Estimator equal to `estimators.gaze.GazeEstimator`, for 35 x 55 grey."""

  def __init__(self):
    """Build the layers."""
    super().__init__()
    sizes = (1, 32, 32, 64, 80, 192)
    self.conv = nn.ModuleList(
        nn.Conv2d(sizes[i], sizes[i + 1], 3) for i in range(5)
    )
    self.hidden = nn.Linear(9_600, 1_000)
    self.gaze = nn.Linear(1_000, 3)

  def forward(self, images: torch.Tensor) -> torch.Tensor:
    """Return gaze vectors, [b, 3]."""
    x = images
    for i, layer in enumerate(self.conv):
      x = functional.relu(layer(x))
      if i == 2:
        x = functional.max_pool2d(x, 3, 2)
      if i == 4:
        x = functional.max_pool2d(x, 2, 2)
    return self.gaze(functional.relu(self.hidden(x.flatten(1))))


def memory_layout(*, channels_last: bool) -> Any:
  """Return the layout of images in memory: channels last or first."""
  return torch.channels_last if channels_last else torch.contiguous_format


def to_tensor(
    images: np.ndarray | torch.Tensor,
    *,
    layout: Any,
    device: torch.device | str = 'cpu',
) -> torch.Tensor:
  """Return [b, h, w, c] uint8 images as [b, c, h, w] float32 in [-1, 1]."""
  tensor = torch.as_tensor(images).to(device).permute(0, 3, 1, 2)
  return (tensor.float() / 127.5 - 1.0).contiguous(memory_format=layout)


def load_convolutions(network: Refiner | Discriminator, params: Any) -> None:
  """Copy Flax parameters into a network."""
  with torch.no_grad():
    for name, layer in network.convolutions().items():
      found = functools.reduce(
          lambda tree, key: tree[key], name.split('/'), params
      )
      kernel = np.asarray(found['kernel']).transpose(3, 2, 0, 1)
      layer.weight.copy_(torch.from_numpy(kernel.copy()))
      assert layer.bias is not None
      layer.bias.copy_(torch.from_numpy(np.array(found['bias'])))


def _cross_entropy(logits: torch.Tensor, *, refined: bool) -> torch.Tensor:
  labels = torch.full(
      (logits.shape[0], *logits.shape[2:]), int(refined), device=logits.device
  )
  patches = functional.cross_entropy(logits, labels, reduction='none')
  return patches.sum((1, 2)).mean()


class Training:
  """State and rounds of Algorithm 1 with the history."""

  def __init__(
      self,
      refiner_params: Any,
      discriminator_params: Any,
      *,
      self_regularization_weight: float,
      learning_rate: float,
      history: np.ndarray,
      device: str = 'cpu',
      channels_last: bool = False,
      dtype: torch.dtype = torch.float32,
      compile_mode: str | None = None,
  ):
    """Start from Flax parameters and a full history, [b/2, m, h, w, c]."""
    self.device, self.dtype = torch.device(device), dtype
    self.weight = self_regularization_weight
    self.refiner, self.discriminator = Refiner(), Discriminator()
    load_convolutions(self.refiner, refiner_params)
    load_convolutions(self.discriminator, discriminator_params)
    self.layout = memory_layout(channels_last=channels_last)
    optimizers = []
    for network in (self.refiner, self.discriminator):
      network.to(self.device, memory_format=self.layout)
      optimizers.append(
          torch.optim.Adam(network.parameters(), learning_rate, fused=True)
      )
    self.refiner_optimizer, self.discriminator_optimizer = optimizers
    history = np.moveaxis(history, -1, -3)
    self.history = torch.from_numpy(history.copy()).to(self.device)

    def compiled(function):
      if compile_mode is None:
        return function
      return torch.compile(function, mode=compile_mode)

    self.refiner_loss = compiled(self._refiner_loss)
    self.discriminator_loss = compiled(self._discriminator_loss)
    self.refine = compiled(self._refine)

  def _cast(self):
    enabled = self.dtype != torch.float32
    return torch.autocast(self.device.type, self.dtype, enabled=enabled)

  def _refine(self, synthetic: torch.Tensor) -> torch.Tensor:
    with self._cast():
      return self.refiner(synthetic)

  def _refiner_loss(self, synthetic: torch.Tensor) -> torch.Tensor:
    with self._cast():
      refined = self.refiner(synthetic)
      logits = self.discriminator(refined)
    change = (refined - synthetic).abs().sum((1, 2, 3)).mean()
    return _cross_entropy(logits, refined=False) + self.weight * change

  def _discriminator_loss(
      self, refined: torch.Tensor, real: torch.Tensor
  ) -> torch.Tensor:
    with self._cast():
      logits = self.discriminator(torch.cat([refined, real]))
    fake, genuine = logits.chunk(2)
    loss = _cross_entropy(fake, refined=True)
    return loss + _cross_entropy(genuine, refined=False)

  def images(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return [b, h, w, c] uint8 images as [b, c, h, w] on the device."""
    return to_tensor(images, layout=self.layout, device=self.device)

  def _mix(self, fresh: torch.Tensor) -> torch.Tensor:
    """Return fresh and old images; put the fresh ones into the history."""
    pairs, slots = self.history.shape[:2]
    pair = torch.arange(pairs, device=self.device)
    drawn, replaced = torch.randint(slots, (2, pairs), device=self.device)
    mixed = torch.cat([fresh, self.history[pair, drawn]])
    self.history[pair, replaced] = fresh
    return mixed

  def round(
      self,
      synthetic: np.ndarray | torch.Tensor,
      real: np.ndarray | torch.Tensor,
  ) -> tuple[torch.Tensor, torch.Tensor]:
    """Run K_g refiner steps and one discriminator step.

    Args:
      synthetic: Synthetic images, [K_g + 1, b, h, w, c] uint8.
      real: Real images, [b, h, w, c] uint8.

    Returns:
      Loss of the refiner, mean over its steps, and loss of the discriminator.
    """
    refiner_losses = []
    self.discriminator.requires_grad_(False)
    for batch in synthetic[:-1]:
      self.refiner_optimizer.zero_grad()
      loss = self.refiner_loss(self.images(batch))
      loss.backward()
      refiner_losses.append(loss.detach().clone())  # CUDA graphs reuse it.
      self.refiner_optimizer.step()
    self.discriminator.requires_grad_(True)
    with torch.no_grad():
      # Half of the batch comes from the history, so that half is refined.
      fresh = self.refine(self.images(synthetic[-1, ::2]))
      mixed = self._mix(fresh)
    self.discriminator_optimizer.zero_grad()
    loss = self.discriminator_loss(mixed, self.images(real))
    loss.backward()
    self.discriminator_optimizer.step()
    return torch.stack(refiner_losses).mean(), loss.detach()
