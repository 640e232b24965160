"""The built-in hand simulator as a source."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simgan_jax import simulators
from simgan_jax.data.builtin import Builtin
from simgan_jax.simulators import hand_images


class BuiltinHands(Builtin):
  """Simulated depth images of hands; see base class."""

  LABELS = {'joints': (len(hand_images.JOINTS), 3), 'intrinsics': (4,)}

  @classmethod
  def files(cls) -> Sequence[Path]:
    """See base class."""
    folder = Path(simulators.__path__[0])
    return [folder / 'tiles.py', *sorted(folder.glob('hand*.py'))]

  def simulator(self) -> Any:
    """See base class."""
    from simgan_jax.simulators import hands

    return hands
