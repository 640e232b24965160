"""The formats of refined images: image files, .npz files, or TFDS.

Images come shard by shard. After a kill, a shard or the end may be written
again; each file is whole or not there.
"""

import abc
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, UInt
from PIL import Image

from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.machine import files as files_lib

_PILLOW = {'.tif': 'TIFF', '.tiff': 'TIFF', '.bmp': 'BMP'}


class Shard(NamedTuple):
  """Some images of the data set, in its order."""

  number: int
  names: list[str]  # in the source
  files: list[str]  # to be written, relative
  images: list[UInt[np.ndarray, 'h w c']]  # uint8 or uint16
  subjects: Int[np.ndarray, 'n']
  labels: Mapping[str, Any]  # name -> [n, ...]


class Format(abc.ABC):
  """Writes a data set into a folder."""

  FILES: tuple[str, ...] = ()  # patterns of names not from the originals

  def __init__(
      self,
      folder: Path,
      size: tuple[int, int, int],
      label_shapes: Mapping[str, tuple[int, ...]],
  ):
    """Take the folder, which exists, and the shapes of an image and labels."""
    self._folder, self._size = folder, size
    self._label_shapes = label_shapes

  @abc.abstractmethod
  def write(self, shard: Shard) -> None:
    """Write the images of a shard that is not empty."""

  def finish(self, lengths: Sequence[int], dtype: np.dtype) -> None:
    """Write what concerns all shards, given the number of images of each."""
    del lengths, dtype


def encode(image: UInt[np.ndarray, 'h w c'], suffix: str) -> bytes:
  """Return the content of an image file, without loss.

  Args:
    image: Image, [h, w, c] uint8 or uint16, c 1 or 3.
    suffix: Ending of the file's name, such as '.png' or '.npy'.
  """
  pixels = image[..., 0] if image.shape[-1] == 1 else image
  content = io.BytesIO()
  if suffix == '.npy':
    np.save(content, pixels, allow_pickle=False)
  elif suffix in ('.pgm', '.ppm'):
    kind = b'P5' if pixels.ndim == 2 else b'P6'
    height, width = pixels.shape[:2]
    largest = np.iinfo(pixels.dtype).max
    content.write(b'%s\n%d %d\n%d\n' % (kind, width, height, largest))
    big_endian = pixels.dtype.newbyteorder('>')
    content.write(pixels.astype(big_endian).tobytes())
  elif pixels.ndim == 3 and pixels.dtype == np.uint16:
    import cv2  # Pillow cannot write such images

    tiff = suffix in ('.tif', '.tiff')
    _, encoded = cv2.imencode('.tiff' if tiff else '.png', pixels[..., ::-1])
    content.write(encoded.tobytes())
  else:
    Image.fromarray(pixels).save(content, _PILLOW.get(suffix, 'PNG'))
  return content.getvalue()


class Folder(Format):
  """One file for each image."""

  def write(self, shard: Shard) -> None:  # noqa: D102
    for file, image in zip(shard.files, shard.images, strict=True):
      path = self._folder / file
      files_lib.write_bytes(str(path), encode(image, path.suffix.lower()))


class Npz(Format):
  """Files part-00000.npz as `data.arrays` has them, one for each shard."""

  FILES = ('part-*',)

  def write(self, shard: Shard) -> None:  # noqa: D102
    from simgan_jax.data import arrays

    labels: dict[str, Any] = {'gaze': None, 'head_pose': None, **shard.labels}
    arrays.write(
        self._folder / f'part-{shard.number:05d}.npz',
        LabelledImages(
            images=np.stack(shard.images),
            subjects=shard.subjects,
            names=np.array(shard.names),
            source='refined',
            **labels,
        ),
    )


class Tfds(Format):
  """A data set for `tfds.builder_from_directory`, with the split `train`."""

  FILES = ('part-*', '*.tfrecord-*', 'dataset_info.json', 'features.json')

  def write(self, shard: Shard) -> None:  # noqa: D102
    from simgan_jax.data import tfds_writer

    images = np.stack(shard.images)
    features = tfds_writer.make_features(
        self._size, images.dtype, self._label_shapes
    )
    names = 'image', 'name', 'subject', *shard.labels
    columns = images, shard.names, shard.subjects, *shard.labels.values()
    examples = (
        dict(zip(names, values, strict=True))
        for values in zip(*columns, strict=True)
    )
    tfds_writer.write_shard(self._part(shard.number), examples, features)

  def finish(self, lengths: Sequence[int], dtype: np.dtype) -> None:  # noqa: D102
    from simgan_jax.data import tfds_writer

    tfds_writer.finish(
        self._folder,
        [self._part(i) for i, length in enumerate(lengths) if length],
        list(filter(None, lengths)),
        tfds_writer.make_features(self._size, dtype, self._label_shapes),
    )

  def _part(self, number: int) -> Path:
    return self._folder / f'part-{number:05d}'


FORMATS = {'folder': Folder, 'tfds': Tfds, 'npz': Npz}
