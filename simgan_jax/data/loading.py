"""The one way to load a data set: by its name."""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simgan_jax.data import cache
from simgan_jax.data.builtin import Builtin
from simgan_jax.data.builtin_eyes import BuiltinEyes
from simgan_jax.data.builtin_hands import BuiltinHands
from simgan_jax.data.columbia_gaze import ColumbiaGaze
from simgan_jax.data.entries import read_entries
from simgan_jax.data.hdf5 import Hdf5
from simgan_jax.data.image_folder import ImageFolder
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.mpiigaze import Mpiigaze
from simgan_jax.data.nyu_hand import NyuHand
from simgan_jax.data.originals import Originals
from simgan_jax.data.source import Source, SourceConfig
from simgan_jax.data.unity_eyes import UnityEyes
from simgan_jax.machine.errors import InputError

SOURCES: dict[str, type[Source]] = {
    builder.name: builder
    for builder in (
        UnityEyes,
        ColumbiaGaze,
        Mpiigaze,
        BuiltinEyes,
        ImageFolder,
        Hdf5,
        NyuHand,
        BuiltinHands,
    )
}


def _ask(
    name: str,
    *,
    path: str | Path = '',
    data_dir: str | Path,
    height: int,
    width: int,
    channels: int = 1,
    subjects: str = '',
    limit: int = 0,
    on_error: str = 'stop',
    **options: Any,
) -> tuple[type[Source], SourceConfig, Path]:
  """Returns a source, what is asked of it, and where it is prepared.

  Args:
    name: 'unity_eyes', 'columbia_gaze', 'mpiigaze', 'builtin_eyes',
      'image_folder', 'hdf5', 'nyu_hand' or 'builtin_hands'.
    path: Folder or file of the source; none for the built-in simulators.
    data_dir: Folder for prepared data sets.
    height: Height of the images in pixels.
    width: Width of the images in pixels.
    channels: 1 (grey, by luma) or 3 (RGB).
    subjects: Ranges of the subjects to load, e.g. '1-24'; empty means all.
    limit: Number of images to load at most, the first ones in the order of the
      source: 'unity_eyes' by number, others by name; 0 means all.
    on_error: 'stop' raises at the first damaged file, 'skip' leaves it out.
    **options: For the built-in simulators: `num_images`, `num_subjects`, and
      `domain` ('synthetic' or 'real') and `seed` if not the first and 0. For
      'mpiigaze': `samples`, 'evaluation' (the lists, default) or 'all'. For
      'unity_eyes': `crop`, 'box' (default) or 'columbia'. For 'nyu_hand':
      `domain`, 'real' (default) or 'synthetic', and `views`, ranges such as
      '1-3' (default '1'). For 'image_folder' and 'hdf5': `fit`, 'crop'
      (default), 'resize' or 'pad', how images are brought to the size.

  Raises:
    InputError: If an argument is wrong.
  """
  if name not in SOURCES:
    raise InputError(
        f'There is no data source {name!r}; choose one of'
        f' {", ".join(SOURCES)}.'
    )
  if min(height, width) < 1 or channels not in (1, 3) or limit < 0:
    raise InputError(
        f'{name}: height={height} and width={width} must be at least 1,'
        f' channels={channels} 1 or 3, limit={limit} not negative.'
    )
  if on_error not in ('stop', 'skip'):
    raise InputError(f"on_error={on_error!r} must be 'stop' or 'skip'.")
  source = SOURCES[name]
  if not path and not issubclass(source, Builtin):
    raise InputError(
        f'{name} needs the folder or file to read; set path to it.'
    )
  config = source.CONFIG(
      path=Path(path).expanduser(),
      height=height,
      width=width,
      channels=channels,
      subjects=subjects,
      limit=limit,
      on_error=on_error,
      **options,
  )
  return source, config, Path(data_dir).expanduser().absolute()


def prepare(
    name: str,
    *,
    num_workers: int = 0,
    beam_options: Sequence[str] = (),
    **request: Any,
) -> Source:
  """Prepares a data set, unless it is, and returns its builder.

  Args:
    name: Of the source.
    num_workers: Threads that read files; 0 is one a core.
    beam_options: Flags of an Apache Beam pipeline that reads them instead.
    **request: As `_ask` has it.

  Raises:
    InputError: If an argument is wrong, or a file of the source.
    RunError: If Beam fails.
  """
  return cache.prepare(
      *_ask(name, **request), num_workers=num_workers, beam_options=beam_options
  )


def load(name: str, **request: Any) -> LabelledImages:
  """Returns a data set, prepared on the first call and read from then on.

  Args:
    name: Of the source.
    **request: As `_ask` has it.

  Returns:
    The images and their labels, in the order of the source.

  Raises:
    InputError: If an argument is wrong, or a file of the source.
  """
  loaded = cache.read(prepare(name, **request))
  if loaded.left_out:
    print(
        f'{name}: {len(loaded.names)} images, {len(loaded.left_out)} left out,'
        f' the first: {loaded.left_out[0]}'
    )
  if loaded.label_warning:
    print(
        f'warning: {name}: {loaded.label_warning}; only eval.py needs them.',
        file=sys.stderr,
    )
  return loaded


def open_originals(name: str, **request: Any) -> Originals:
  """Returns the images of a data set as files hold them, to be read one by one.

  Args:
    name: Of the source.
    **request: As `_ask` has it.

  Raises:
    InputError: If an argument is wrong, or a list of the source.
  """
  builder = cache.open_builder(*_ask(name, **request))
  config = builder.builder_config
  return Originals(
      source=name,
      fingerprint=config.name,
      entries=builder.selected(),
      label_shapes=builder.known_labels,
      label_table=builder.label_table,
      limit=config.limit,
      read=functools.partial(read_entries, on_error=config.on_error),
  )
