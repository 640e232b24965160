"""From the settings to images: which data sets a run reads."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from simgan_jax.data import arrays
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.originals import Originals
from simgan_jax.machine import errors
from simgan_jax.settings.config import BUILTIN, Config, SourceConfig

# People in the built-in domains: the synthetic ones vary as a simulator's do,
# the real ones are few, as in data sets of people.
NUM_SYNTHETIC_PEOPLE = 1_000
NUM_REAL_PEOPLE = 32


def _import_sources(name: str) -> Any:
  """Return the module, which costs seconds and imports tensorflow.

  Only who reads data pays for it.

  Raises:
    InputError: when something it needs is not installed.
  """
  try:
    from simgan_jax.data import loading
  except ImportError as error:
    raise errors.InputError(
        f'{name} cannot be read here ({error}): install what is missing,'
        ' or write arrays with pack.py on another machine and give those.'
    ) from error
  return loading


def _of_file(source: SourceConfig) -> SourceConfig:
  """Return the source to read a file with that was given for a folder."""
  if source.name == 'image_folder':
    for name, suffixes in (('arrays', '.npz'), ('hdf5', ('.h5', '.hdf5'))):
      if source.path.endswith(suffixes):
        return dataclasses.replace(source, name=name)
  return source


def _request(
    config: Config, source: SourceConfig, *, domain: str
) -> dict[str, Any]:
  """Return what is asked of a source, by the names of `sources.load`."""
  data = config.data
  request = {
      'path': source.path,
      'subjects': source.subjects,
      'limit': source.limit,
      'height': data.height,
      'width': data.width,
      'channels': data.channels,
  }
  if source.name == 'arrays':
    return request
  request['on_error'] = data.on_error
  if source.name in BUILTIN:
    request |= {
        'limit': 0,
        'num_images': source.limit or 4_000,
        'domain': domain,
        'num_subjects': (
            NUM_SYNTHETIC_PEOPLE if domain == 'synthetic' else NUM_REAL_PEOPLE
        ),
    }
  elif source.name == 'mpiigaze':
    request['samples'] = source.samples
  elif source.name == 'unity_eyes':
    request['crop'] = source.crop
  elif source.name == 'nyu_hand':
    request |= {'domain': domain, 'views': source.views}
  elif source.name in ('image_folder', 'hdf5'):
    request['fit'] = data.fit
  return request


def _load(
    config: Config, source: SourceConfig, data_dir: str, *, domain: str
) -> LabelledImages:
  source = _of_file(source)
  request = _request(config, source, domain=domain)
  if source.name == 'arrays':
    return arrays.load(**request)
  loading = _import_sources(source.name)
  return loading.load(source.name, data_dir=data_dir, **request)


def load_synthetic(config: Config, *, data_dir: str) -> LabelledImages:
  """Return the simulator's images; see `data.sources.load` for errors."""
  return _load(config, config.data.synthetic, data_dir, domain='synthetic')


def open_synthetic(
    config: Config, *, data_dir: str, path: str = ''
) -> Originals:
  """Return the simulator's images to be read one by one.

  Args:
    config: the settings of the run.
    data_dir: folder of the prepared data sets; nothing is written there.
    path: another folder or file; where the simulator is built in or its images
      are in one file, a folder of images or such a file.

  Raises:
    InputError: as `data.sources.load`.
  """
  source = config.data.synthetic
  if path:
    name = source.name
    if name in (*BUILTIN, 'arrays', 'hdf5') or path.endswith('.npz'):
      name = 'image_folder'
    source = dataclasses.replace(
        source, name=name, path=path, subjects='', limit=0
    )
  source = _of_file(source)
  request = _request(config, source, domain='synthetic')
  if source.name == 'arrays':
    return arrays.open_originals(**request)
  loading = _import_sources(source.name)
  return loading.open_originals(source.name, data_dir=data_dir, **request)


def load_real(config: Config, *, data_dir: str) -> LabelledImages:
  """Return the real images that the refiner learns from."""
  return _load(config, config.data.real, data_dir, domain='real')


def _test_source(config: Config, path: str, subjects: str) -> SourceConfig:
  test = config.data.test
  return dataclasses.replace(
      test,
      path=path or test.path or config.data.real.path,
      subjects=subjects or test.subjects,
  )


def load_test(
    config: Config, *, data_dir: str, path: str = '', subjects: str = ''
) -> LabelledImages:
  """Return the labelled real images that estimators are tested on.

  Args:
    config: the settings of the run.
    data_dir: folder of the prepared data sets.
    path: another folder than the settings name.
    subjects: other persons than the settings name.
  """
  source = _test_source(config, path, subjects)
  return _load(config, source, data_dir, domain='real')


def prepare(
    config: Config,
    *,
    data_dir: str,
    num_workers: int = 0,
    beam_options: Sequence[str] = (),
) -> dict[str, int]:
  """Prepare the data sets of a run, as far as that is not done.

  Args:
    config: the settings of the run.
    data_dir: folder of the prepared data sets.
    num_workers: threads that read files, 0 = one a core.
    beam_options: flags of an Apache Beam pipeline that reads them instead.

  Returns:
    The numbers of images, by 'synthetic', 'real' and 'test'.

  Raises:
    InputError: as `data.sources.load`.
    RunError: when Beam fails.
  """
  found = {}
  for name, source in (
      ('synthetic', config.data.synthetic),
      ('real', config.data.real),
      ('test', _test_source(config, '', '')),
  ):
    source = _of_file(source)
    if source.name == 'arrays':
      continue  # nothing to prepare
    domain = 'synthetic' if name == 'synthetic' else 'real'
    loading = _import_sources(source.name)
    builder = loading.prepare(
        source.name,
        data_dir=data_dir,
        num_workers=num_workers,
        beam_options=beam_options,
        **_request(config, source, domain=domain),
    )
    found[name] = builder.info.splits['train'].num_examples
  return found


def check_sizes(
    config: Config, synthetic: LabelledImages, real: LabelledImages
) -> None:
  """Raise InputError when a data set has fewer images than a batch."""
  for name, images in (('synthetic', synthetic), ('real', real)):
    if len(images.images) < config.batch_size:
      raise errors.InputError(
          f'the {name} data set has {len(images.images)} images, fewer than a'
          f' batch of {config.batch_size}; give more images or a smaller'
          ' --config.batch_size.'
      )
