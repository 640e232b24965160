"""One function with different code for each platform, and its gradient.

JAX chooses when it lowers a program, not when it traces one: a program for one
platform holds that platform's code only, and a program exported for several
platforms holds the code of each.
"""

from collections.abc import Callable

import jax
from jax import lax

Pair = tuple[Callable, Callable]


def with_gradient(function: Callable) -> Pair:
  """Return `function` and JAX's own gradient of it, as `choose` takes them."""
  return function, lambda *arguments: (
      jax.vjp(function, *arguments[:-1])[1](arguments[-1])
  )


def choose(*, cpu: Pair, gpu: Pair, other: Pair) -> Callable:
  """Return a differentiable function that runs the code of its platform.

  Args:
    cpu: Function of arrays, and its gradient: a function of the same arrays and
      of the gradient for the result. It returns a tuple, one gradient an array.
    gpu: The same for CUDA and ROCm.
    other: The same for all other platforms, such as TPUs.
  """

  def on_platform(cpu, gpu, other):
    return lambda *arrays: lax.platform_dependent(
        *arrays, cpu=cpu, cuda=gpu, rocm=gpu, default=other
    )

  forward, backward = map(on_platform, cpu, gpu, other)
  chosen = jax.custom_vjp(forward)
  # Only the arrays are kept; XLA removes what is computed twice.
  chosen.defvjp(
      lambda *arrays: (forward(*arrays), arrays),
      lambda arrays, gradient: backward(*arrays, gradient),
  )
  return chosen
