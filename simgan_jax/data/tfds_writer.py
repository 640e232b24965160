"""How TFDS stores images, and writing a data set for it shard by shard.

`tfds.builder_from_directory` reads what is written here.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds


def make_features(
    size: tuple[int, int, int],
    dtype: np.dtype | type[np.uint8],
    label_shapes: Mapping[str, tuple[int, ...]],
) -> Any:
  """Return the TFDS features of images with names, subjects and labels.

  `size` is height, width and channels, `dtype` that of the pixels.
  """
  labels = {
      name: tfds.features.Tensor(shape=shape, dtype=np.float32)
      for name, shape in label_shapes.items()
  }
  image = tfds.features.Image(shape=size, dtype=dtype, encoding_format='png')
  text = tfds.features.Text()
  return tfds.features.FeaturesDict(
      {'image': image, 'name': text, 'subject': np.int32} | labels
  )


def write_shard(
    path: Path, examples: Iterable[Mapping[str, Any]], features: Any
) -> None:
  """Write a file of records, whole or not at all.

  An example holds the values of an image, by the names of the features.
  """
  import tensorflow as tf  # imported here because it takes seconds

  unfinished = path.with_suffix('.tmp')
  with tf.io.TFRecordWriter(str(unfinished)) as file:
    for example in examples:
      encoded = features.encode_example(example)
      file.write(features.serialize_example(encoded))
  unfinished.replace(path)


def finish(
    folder: Path, shards: Sequence[Path], lengths: Sequence[int], features: Any
) -> None:
  """Name the shards as TFDS does and write the metadata: split `train`.

  If this is killed, it may be called again: a shard that is gone has its new
  name already. `lengths` are the numbers of examples of the shards.
  """
  template = tfds.core.ShardedFileTemplate(
      data_dir=folder,
      dataset_name='refined',
      split='train',
      filetype_suffix='tfrecord',
  )
  names = template.sharded_filepaths(num_shards=len(shards))
  for shard, name in zip(shards, names, strict=True):
    if shard.exists():
      shard.replace(name)
  split = tfds.core.SplitInfo(
      name='train',
      shard_lengths=list(lengths),
      num_bytes=sum(Path(name).stat().st_size for name in names),
      filename_template=template,
  )
  tfds.folder_dataset.write_metadata(
      data_dir=folder,
      features=features,
      split_infos=[split],
      filename_template=template,
  )
