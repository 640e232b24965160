"""From the settings to images: which data sets a run reads."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simgan_jax.data import any_labels, encoding
from simgan_jax.data.arrays import Arrays
from simgan_jax.data.builtin import BuiltinEyes, BuiltinHands
from simgan_jax.data.columbia_gaze import ColumbiaGaze
from simgan_jax.data.hdf5 import Hdf5
from simgan_jax.data.image_folder import ImageFolder
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.mpiigaze import Mpiigaze
from simgan_jax.data.nyu_hand import NyuHand
from simgan_jax.data.source import Source
from simgan_jax.data.traffic_signs import TrafficSigns
from simgan_jax.data.unity_eyes import UnityEyes
from simgan_jax.machine.errors import InputError
from simgan_jax.settings.config import BUILTIN, Config, SourceConfig

SOURCES: dict[str, type[Source]] = {
    source.name: source
    for source in (
        BuiltinEyes,
        UnityEyes,
        ColumbiaGaze,
        Mpiigaze,
        BuiltinHands,
        NyuHand,
        TrafficSigns,
        ImageFolder,
        Hdf5,
        Arrays,
    )
}


def make_source(name: str, *, path: str | Path = '', **options: Any) -> Source:
  """Return the source of a name with those options, or raise InputError."""
  if name not in SOURCES:
    raise InputError(
        f'There is no data source {name!r}; choose one of {", ".join(SOURCES)}.'
    )
  if not path and name not in BUILTIN:
    raise InputError(
        f'{name} needs the folder or file to read; set path to it.'
    )
  return SOURCES[name](path=Path(path).expanduser(), **options)


def _choose(config: Config, settings: SourceConfig, *, domain: str) -> Source:
  """Return the source that the settings describe, by those it has fields for.

  'image_folder' may have the path of a file of arrays or HDF5.
  """
  name = settings.name
  if name == 'image_folder' and settings.path.endswith('.npz'):
    name = 'arrays'
  elif name == 'image_folder' and settings.path.endswith(('.h5', '.hdf5')):
    name = 'hdf5'
  offered = vars(config.data) | vars(settings) | {'domain': domain}
  fields = dataclasses.fields(SOURCES.get(name, Source))
  options = {f.name: offered[f.name] for f in fields if f.name in offered}
  for field in ('pattern', 'points', 'boxes'):
    if offered[field] and field not in options:
      raise InputError(
          f'{field}={offered[field]!r} is for images in a folder, not for'
          f' {name}; leave it out.'
      )
  return make_source(name, **options)


def _import_cache(source: Source) -> Any:
  """Return the module, which takes seconds and imports tensorflow."""
  try:
    from simgan_jax.data import cache
  except ImportError as error:
    raise InputError(
        f'{source.name} cannot be read here ({error}): install what is missing,'
        ' or write arrays with pack.py on another machine and give those.'
    ) from error
  return cache


def _load(source: Source, data_dir: str) -> LabelledImages:
  if isinstance(source, Arrays):
    return source.load()
  return _import_cache(source).load(source, data_dir)


def load_synthetic(config: Config, *, data_dir: str) -> LabelledImages:
  """Return the simulator's images, prepared in the folder `data_dir`.

  Raises:
    InputError: If the source cannot be used, or `data_dir` not be written.
  """
  return _load_synthetic(open_synthetic(config), data_dir)


def _load_synthetic(source: Source, data_dir: str) -> LabelledImages:
  loaded = _load(source, data_dir)
  for note in encoding.describe_pixel_labels(source, loaded.report.sizes):
    print(f'warning: {source}: {note}.', file=sys.stderr)
  return loaded


def load_real(config: Config, *, data_dir: str) -> LabelledImages:
  """Return the real images that the refiner learns from."""
  return _load(open_real(config), data_dir)


def open_real(config: Config) -> Source:
  """Return the source of the real images that the refiner learns from."""
  return _choose(config, config.data.real, domain='real')


def open_test(config: Config, *, path: str = '', subjects: str = '') -> Source:
  """Return the source of the labelled real images to test on.

  `path` and `subjects` replace those in the settings.
  """
  test, real = config.data.test, config.data.real
  if not path and not test.path:  # the same files
    test = dataclasses.replace(test, pattern=real.pattern, pages=real.pages)
  path = path or test.path or real.path
  subjects = subjects or test.subjects
  settings = dataclasses.replace(test, path=path, subjects=subjects)
  return _choose(config, settings, domain='real')


def load_with_targets(
    config: Config,
    *,
    data_dir: str,
    test_path: str = '',
    test_subjects: str = '',
) -> tuple[str, dict[str, LabelledImages]]:
  """Return the task of a run and its three sets, with targets and groups.

  Args:
    config: Settings of the run.
    data_dir: Folder of the prepared data sets.
    test_path: Folder or file of the test images; empty for the settings'.
    test_subjects: Persons to test on; empty for the settings'.

  Returns:
    What `any_labels.attach` does, of 'synthetic', 'real' and 'test'.
  """
  settings = config.evaluation
  source = open_synthetic(config)
  data = {'synthetic': (source, _load_synthetic(source, data_dir))}
  for name, source in (
      ('real', open_real(config)),
      ('test', open_test(config, path=test_path, subjects=test_subjects)),
  ):
    data[name] = source, _load(source, data_dir)
  return any_labels.attach(
      data, task=settings.task, labels=settings.labels, group=settings.group
  )


def load_test(
    config: Config, *, data_dir: str, path: str = '', subjects: str = ''
) -> LabelledImages:
  """Return the labelled real images that estimators are tested on.

  `path` and `subjects` replace those in the settings.
  """
  return _load(open_test(config, path=path, subjects=subjects), data_dir)


def open_synthetic(config: Config, *, path: str = '') -> Source:
  """Return the simulator's source, whose images can be read one by one.

  Args:
    config: Settings of the run.
    path: Folder or file to read instead of the one in the settings; if those
      name a built-in simulator or a file, a folder of images or a file.
  """
  settings = config.data.synthetic
  if path:
    name = settings.name
    if name in (*BUILTIN, 'arrays', 'hdf5') or path.endswith('.npz'):
      name = 'image_folder'
    settings = dataclasses.replace(
        settings, name=name, path=path, subjects='', limit=0
    )
  return _choose(config, settings, domain='synthetic')


def open_given(config: Config) -> dict[str, Source]:
  """Return the data sets that are built in or have a path.

  Returns:
    Sources by 'synthetic', 'real' and, unless it equals 'real', 'test'.
  """
  data, found = config.data, {}
  if data.synthetic.path or data.synthetic.name in BUILTIN:
    found['synthetic'] = open_synthetic(config)
  if data.real.path or data.real.name in BUILTIN:
    found['real'] = open_real(config)
  other = data.test.name != data.real.name or data.test.subjects
  given = data.test.path or data.test.name in BUILTIN
  if given or (data.real.path and other):
    test = open_test(config)
    if test != found.get('real'):
      found['test'] = test
  return found


def prepare(
    config: Config,
    *,
    data_dir: str,
    num_workers: int = 0,
    beam_options: Sequence[str] = (),
) -> dict[str, int]:
  """Prepare the data sets of a run, as far as that is not done.

  Other arguments and errors are those of `cache.prepare`.

  Returns:
    Numbers of images by 'synthetic', 'real' and 'test', without packed arrays.
  """
  found = {}
  for name, source in (
      ('synthetic', open_synthetic(config)),
      ('real', open_real(config)),
      ('test', open_test(config)),
  ):
    if not isinstance(source, Arrays):
      builder = _import_cache(source).prepare(
          source, data_dir, num_workers=num_workers, beam_options=beam_options
      )
      found[name] = builder.info.splits['train'].num_examples
  return found


def check_sizes(
    config: Config, synthetic: LabelledImages, real: LabelledImages
) -> None:
  """Raise an InputError if a data set has too few images for a batch."""
  for name, images in (('synthetic', synthetic), ('real', real)):
    if len(images.images) < config.batch_size:
      raise InputError(
          f'the {name} data set has {len(images.images)} images, fewer than a'
          f' batch of {config.batch_size}; give more images or a smaller'
          ' --config.batch_size.'
      )
