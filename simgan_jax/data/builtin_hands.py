"""The built-in hand simulator as a source."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simgan_jax import hands, simulators
from simgan_jax.data.builtin import Builtin


class BuiltinHands(Builtin):
  """Simulated depth images of hands; see base class."""

  LABELS = {'joints': (len(hands.JOINTS), 3), 'intrinsics': (4,)}

  @classmethod
  def files(cls) -> Sequence[Path]:
    """See base class."""
    folder = Path(simulators.__path__[0])
    shared = [Path(hands.__file__), folder / 'tiles.py']
    return [*shared, *sorted(folder.glob('hand*.py'))]

  def simulator(self) -> Any:
    """See base class."""
    from simgan_jax.simulators import hands

    return hands
