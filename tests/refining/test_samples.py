"""Several refined images of each one, with its labels."""

import csv
import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from configs import folders
from simgan_jax.data import arrays
from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.refining import manifest, refined_set
from simgan_jax.training import build, checkpoint
from simgan_jax.training import workdir as workdir_lib


def _make_run(workdir, path, source, noise_channels=1):
  config = folders.get_config()
  config.batch_size, config.history_size = 4, 8
  config.data.height = config.data.width = 16
  config.refiner.num_features, config.refiner.num_blocks = 4, 1
  config.refiner.noise_channels = noise_channels
  config.data.synthetic.name = source
  config.data.synthetic.path = str(path)
  workdir_lib.claim_workdir(str(workdir), config)
  state = build.make_state_fn(config, mesh_lib.make_mesh(1))()
  checkpoints = checkpoint.Checkpoints(str(workdir), rule=selection.Rule(16, 8))
  checkpoints.save(1, state._replace(round=jnp.int32(1)))
  checkpoints.close()


@pytest.fixture
def renders(tmp_path):
  """Return a folder of three images, one of them damaged, with labels."""
  folder = tmp_path / 'renders'
  folder.mkdir()
  rng = np.random.default_rng(0)
  for name in 'abc':
    image = rng.integers(0, 256, (16, 16), dtype=np.uint8)
    Image.fromarray(image).save(folder / f'{name}.png')
    (folder / f'{name}.json').write_text(json.dumps({'of': name}))
  content = (folder / 'b.png').read_bytes()
  (folder / 'b.png').write_bytes(content[: len(content) // 2])
  (folder / 'labels.csv').write_text(
      'file,limit\na.png,30\nb.png,50\nc.png,7\n'
  )
  return folder


def _write(tmp_path, output, **options):
  return refined_set.write(
      workdir=str(tmp_path / 'run'),
      output=str(tmp_path / output),
      on_error='skip',
      **{'kind': 'folder', 'num_samples': 3} | options,
  )


def test_each_image_has_samples_with_its_labels(renders, tmp_path):
  _make_run(tmp_path / 'run', renders, 'image_folder')
  found = _write(tmp_path, 'out')
  names = [f'{name}.sample{i}.png' for name in 'ac' for i in range(3)]
  out = tmp_path / 'out'
  images = [np.asarray(Image.open(out / name)) for name in names]
  assert len(np.unique(images, axis=0)) == 6 == found['images']
  assert len(found['left_out']) == 3
  rows = list(csv.reader((out / 'labels.csv').read_text().splitlines()))
  limits = {'a': '30', 'c': '7'}
  assert rows == [['file', 'limit'], *([n, limits[n[0]]] for n in names)]
  assert json.loads((out / 'c.sample2.json').read_text()) == {'of': 'c'}
  assert json.loads((out / manifest.FILE).read_text())['samples'] == 3
  # Sample 0 is the only sample of a data set that has one.
  _write(tmp_path, 'one', num_samples=1)
  one = Image.open(tmp_path / 'one' / 'c.png')
  np.testing.assert_array_equal(one, images[3])


def test_shards_do_not_matter(renders, tmp_path, monkeypatch):
  _make_run(tmp_path / 'run', renders, 'image_folder')
  contents = []
  for output, length in (('out', 1_024), ('parts', 4)):
    monkeypatch.setattr(refined_set, '_SHARD', length)
    _write(tmp_path, output)
    paths = sorted((tmp_path / output).glob('*.sample*'))
    contents.append({path.name: path.read_bytes() for path in paths})
  assert len(contents[0]) == 12 and contents[0] == contents[1]


def test_classes_of_arrays_are_repeated(tmp_path):
  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (2, 16, 16, 1), dtype=np.uint8)
  np.savez(
      tmp_path / 'set.npz',
      images=images,
      subjects=np.zeros(2, np.int32),
      names=np.array(['x', 'y']),
      labels=np.array([4, 9]),
  )
  _make_run(tmp_path / 'run', tmp_path / 'set.npz', 'arrays')
  _write(tmp_path, 'out', kind='npz', num_samples=2)
  written = np.load(tmp_path / 'out' / 'labels.npz')
  assert written['names'].tolist() == [
      f'{name}.sample{i}' for name in 'xy' for i in (0, 1)
  ]
  classes = written['label_names'][written['labels']]
  assert classes.tolist() == ['4', '4', '9', '9']
  part = arrays.Arrays(
      path=tmp_path / 'out' / 'part-00000.npz', height=16, width=16
  ).load()
  assert part.names.tolist() == written['names'].tolist()


def test_a_refiner_without_noise_makes_no_samples(renders, tmp_path):
  _make_run(tmp_path / 'run', renders, 'image_folder', noise_channels=0)
  with pytest.raises(errors.InputError, match='noise_channels=1'):
    _write(tmp_path, 'out')
  assert not (tmp_path / 'out').exists()
