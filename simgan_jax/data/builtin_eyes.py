"""The built-in eye simulator as a source."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simgan_jax import simulators
from simgan_jax.data.builtin import Builtin


class BuiltinEyes(Builtin):
  """Simulated eyes; see base class."""

  @classmethod
  def files(cls) -> Sequence[Path]:
    """See base class."""
    folder = Path(simulators.__path__[0])
    return sorted(set(folder.glob('*.py')) - set(folder.glob('hand*.py')))

  def simulator(self) -> Any:
    """See base class."""
    from simgan_jax.simulators import eyes

    return eyes
