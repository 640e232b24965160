"""SimGAN in JAX and Flax (Shrivastava et al., CVPR 2017).

    run = simgan_jax.fit(synthetic, real, labels=labels, workdir='runs/mine')
    refined = run.refine(synthetic)
    print(run.evaluate(test_images, test_labels))

`simgan_jax.api` describes these functions.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from simgan_jax.api import (
      Config,
      Evaluation,
      Run,
      default_config,
      draw,
      fit,
      load,
  )

__all__ = [
    'Config',
    'Evaluation',
    'Run',
    'default_config',
    'draw',
    'fit',
    'load',
]


def __getattr__(name: str) -> Any:
  # Imported on first use, so that a command need not wait for all of it.
  if name in __all__:
    from simgan_jax import api

    return getattr(api, name)
  raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
