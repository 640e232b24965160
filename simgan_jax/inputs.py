"""From the settings to images: which data sets a run reads, and when."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from simgan_jax import errors
from simgan_jax import mesh as mesh_lib
from simgan_jax.config import BUILTIN, Config, SourceConfig
from simgan_jax.data import arrays
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.data.originals import Originals
from simgan_jax.rounds import RoundBatch

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
    from simgan_jax.data import sources
  except ImportError as error:
    raise errors.InputError(
        f'{name} cannot be read here ({error}): install what is missing,'
        ' or write arrays with pack.py on another machine and give those.'
    ) from error
  return sources


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
  sources = _import_sources(source.name)
  return sources.load(source.name, data_dir=data_dir, **request)


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
  sources = _import_sources(source.name)
  return sources.open_originals(source.name, data_dir=data_dir, **request)


def load_real(config: Config, *, data_dir: str) -> LabelledImages:
  """Return the real images that the refiner learns from."""
  return _load(config, config.data.real, data_dir, domain='real')


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
  source = SourceConfig(
      name=config.data.test.name,
      path=path or config.data.test.path or config.data.real.path,
      subjects=subjects or config.data.test.subjects,
      limit=config.data.test.limit,
      samples=config.data.test.samples,
      views=config.data.test.views,
  )
  return _load(config, source, data_dir, domain='real')


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


class Batches:
  """The batches of a run, on the devices, by step number."""

  def __init__(
      self,
      synthetic: np.ndarray,
      real: np.ndarray,
      *,
      mesh: jax.sharding.Mesh,
      seed: int,
      on_devices: bool = False,
  ):
    """Take [n, h, w, c] uint8 images.

    With `on_devices` every device gets a copy of all of them in `dataset`, and
    the batches hold image numbers, in the order of the images otherwise.
    """
    self._mesh, self._seed = mesh, seed
    self.dataset: RoundBatch | None = None
    if on_devices:
      self.dataset = RoundBatch(
          *jax.device_put((synthetic, real), mesh_lib.replicated(mesh))
      )
      synthetic, real = (
          np.arange(len(images), dtype=np.int32) for images in (synthetic, real)
      )
    self._images = {'synthetic': synthetic, 'real': real}

  def stream(
      self, name: str, kind: str, batch_shape: tuple[int, ...], first_step: int
  ) -> Iterator[jax.Array]:
    """Yield global arrays of a batch each from `first_step` on.

    They are [*batch_shape, h, w, c] uint8 images, or [*batch_shape] int32 image
    numbers.
    """
    from simgan_jax.data import pipeline

    sharding = mesh_lib.batch_sharding(
        self._mesh, batch_axis=len(batch_shape) - 1
    )
    for images in pipeline.batches(
        self._images[kind],
        batch_shape=batch_shape,
        seed=self._seed,
        stream=f'{name}/{kind}',
        first_step=first_step,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    ):
      # Where a loop forbids copies between host and devices: this one is meant.
      with jax.transfer_guard_host_to_device('allow'):
        batch = jax.make_array_from_process_local_data(sharding, images)
      yield batch

  def rounds(
      self, name: str, config: Config, first_step: int
  ) -> Iterator[RoundBatch]:
    """Yield the images of `rounds_per_call` rounds at a time."""
    calls, batch = config.rounds_per_call, config.batch_size
    num_steps = config.refiner_steps + config.discriminator_steps
    streams = (
        ('synthetic', (calls, num_steps, batch)),
        ('real', (calls, config.discriminator_steps, batch)),
    )
    synthetic, real = (
        self.stream(name, kind, shape, first_step) for kind, shape in streams
    )
    yield from map(RoundBatch, synthetic, real)
