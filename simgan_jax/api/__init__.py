"""What `import simgan_jax` offers to notebooks and other programs.

What the commands do with folders, on arrays in memory. A run is a folder as
theirs: eval.py, refine.py and the report work on it.
"""

from simgan_jax.api.fitted import Evaluation, Run, load
from simgan_jax.api.fitting import draw, fit
from simgan_jax.settings.config import Config
from simgan_jax.settings.presets import folders as default_config

__all__ = (
    'Config',
    'Evaluation',
    'Run',
    'default_config',
    'draw',
    'fit',
    'load',
)
