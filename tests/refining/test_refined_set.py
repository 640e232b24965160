"""The refined data set as a user finds it: files, tables, arrays, TFDS."""

import functools
import json
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from runs import wait_for

from configs import eyes
from simgan_jax.data import arrays, cache, histograms, inputs
from simgan_jax.data.entries import Entry
from simgan_jax.machine import errors, files
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.refining import manifest, naming, refined_set
from simgan_jax.settings import stored
from simgan_jax.training import build, checkpoint, refiners
from simgan_jax.training import workdir as workdir_lib

SIZE = {'height': 35, 'width': 55}


def _get_config():
  config = eyes.get_config()
  config.batch_size, config.history_size = 4, 8
  config.refiner.num_features, config.refiner.num_blocks = 4, 1
  config.data.synthetic.limit = 70
  return config


@functools.cache
def _get_state():
  return build.make_state_fn(_get_config(), mesh_lib.make_mesh(1))()


def _make_run(workdir, *, factor=1.0, **data):
  """Write a run whose refiner is of random numbers, times a factor."""
  config = _get_config()
  for name, value in data.items():
    setattr(config.data, name, value)
  workdir_lib.claim_workdir(str(workdir), config)
  state = _get_state()
  params = jax.tree.map(lambda x: x * factor, state.refiner.params)
  checkpoints = checkpoint.Checkpoints(str(workdir), rule=selection.Rule(55, 8))
  checkpoints.save(
      1,
      state._replace(
          round=jnp.int32(1), refiner=state.refiner.replace(params=params)
      ),
  )
  checkpoints.close()
  return config


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  workdir = tmp_path_factory.mktemp('run')
  return workdir, _make_run(workdir)


@pytest.fixture
def refine(run, monkeypatch):
  """Return a function that refines, 32 images a shard."""
  monkeypatch.setattr(refined_set, '_SHARD', 32)

  def refine(output, kind='folder', path='', workdir=run[0]):
    return refined_set.write(
        workdir=str(workdir),
        output=str(output),
        kind=kind,
        path=str(path),
    )

  return refine


def _read(path):
  return np.asarray(Image.open(path))


def _draw(seed, *shape, dtype=np.uint8):
  generator = np.random.default_rng(seed)
  return generator.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def _files(folder):
  return {
      path.relative_to(folder).as_posix(): path.read_bytes()
      for path in folder.rglob('*')
      if path.is_file()
  }


@pytest.fixture(scope='module')
def expected(run, data_dir):
  """Return the synthetic images and what the run's refiner makes of them."""
  workdir, config = run
  synthetic = inputs.load_synthetic(config, data_dir=data_dir)
  mesh = mesh_lib.make_mesh()
  refiner, _ = refiners.load_refiner(config, workdir=str(workdir), mesh=mesh)
  images = refiners.refine_images(
      refiner, synthetic.images, mesh=mesh, batch_size=128 * mesh.size
  )
  return synthetic, images


def test_a_folder_has_every_image_once_and_is_a_source(
    refine, expected, tmp_path
):
  synthetic, images = expected
  found = refine(tmp_path / 'out')
  assert found['images'] == 70 and found['bits'] == {8: 70}
  source = inputs.make_source('image_folder', path=tmp_path / 'out', **SIZE)
  loaded = cache.load(source, tmp_path / 'd')
  names = [name.removesuffix('.png') for name in loaded.names]
  assert names == synthetic.names.tolist()
  np.testing.assert_array_equal(loaded.images, images)
  np.testing.assert_allclose(loaded.gaze, synthetic.gaze, atol=1e-6)
  np.testing.assert_array_equal(loaded.subjects, synthetic.subjects)
  written = json.loads((tmp_path / 'out' / manifest.FILE).read_text())
  assert written['complete'] and written['checkpoint']['round'] == 1
  assert written['config']['data']['synthetic']['limit'] == 70
  assert len(_files(tmp_path / 'out')) == 70 + 2


def test_npz_files_are_a_source(refine, expected, tmp_path):
  synthetic, images = expected
  refine(tmp_path / 'out', 'npz')
  parts = [
      arrays.Arrays(path=path, channels=1, **SIZE).load()
      for path in sorted((tmp_path / 'out').glob('*.npz'))
  ]
  assert [len(part.images) for part in parts] == [32, 32, 6]
  for field, value in (
      ('images', images),
      *((name, getattr(synthetic, name)) for name in ('gaze', 'head_pose')),
      *((name, getattr(synthetic, name)) for name in ('names', 'subjects')),
  ):
    together = np.concatenate([getattr(part, field) for part in parts])
    np.testing.assert_array_equal(together, value)
  # Packed images can be refined again, as any other.
  again = refine(tmp_path / 'again', path=tmp_path / 'out' / 'part-00002.npz')
  assert again['images'] == 6 and again['images_of']['source'] == 'refined'


def test_tfds_opens_it_also_when_the_end_was_interrupted(
    refine, expected, tmp_path, monkeypatch
):
  import tensorflow_datasets as tfds

  synthetic, images = expected
  with monkeypatch.context() as patch:
    patch.setattr(refined_set.manifest, 'complete', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
      refine(tmp_path / 'out', 'tfds')
  refine(tmp_path / 'out', 'tfds')
  builder = tfds.builder_from_directory(tmp_path / 'out')
  assert builder.info.splits['train'].num_examples == 70
  in_order = tfds.ReadConfig(interleave_cycle_length=1)
  found = tfds.as_numpy(
      builder.as_dataset(split='train', batch_size=-1, read_config=in_order)
  )
  np.testing.assert_array_equal(found['image'], images)
  np.testing.assert_array_equal(found['gaze'], synthetic.gaze)
  assert [x.decode() for x in found['name']] == synthetic.names.tolist()


@pytest.fixture
def folder(tmp_path):
  """Return a folder of all kinds of images, with a table of any columns."""
  folder = tmp_path / 'mine'
  (folder / 'deep').mkdir(parents=True)
  for i, name in enumerate(('a.png', 'b.bmp', 'c.pgm')):
    Image.fromarray(_draw(i, 35, 55)).save(folder / name)
  deep = _draw(7, 35, 55, dtype=np.uint16)
  Image.fromarray(deep).save(folder / 'deep' / 'd.png')
  Image.fromarray(deep).save(folder / 'deep' / 'd.tiff')
  np.save(folder / 'deep' / 'd.npy', deep)
  lines = [
      f'"{name}",x {i},é' for i, name in enumerate(sorted(_images(folder)))
  ]
  text = 'file,what, more \r\n' + '\r\n'.join(lines)
  (folder / 'labels.csv').write_bytes(text.encode('latin-1'))
  return folder


def _images(folder):
  return [name for name in _files(folder) if not name.endswith(('csv', 'json'))]


def test_names_formats_depths_and_the_table_stay(refine, folder, tmp_path):
  found = refine(tmp_path / 'out', path=folder)
  assert found['bits'] == {8: 3, 16: 3}
  out = tmp_path / 'out'
  assert sorted(_images(out)) == sorted(_images(folder))
  table = (folder / 'labels.csv').read_bytes()
  assert (out / 'labels.csv').read_bytes() == table
  deep = np.load(out / 'deep' / 'd.npy')
  assert deep.dtype == np.uint16 and len(np.unique(deep & 255)) > 200
  for name in ('d.png', 'd.tiff'):
    np.testing.assert_array_equal(_read(out / 'deep' / name), deep)
  for name in ('b.bmp', 'c.pgm'):
    assert _read(out / name).dtype == np.uint8


def test_16_bits_are_refined_like_8(refine, tmp_path):
  pixels = _draw(0, 35, 55)
  for name, image in (('8', pixels), ('16', pixels * np.uint16(257))):
    folder = tmp_path / name
    folder.mkdir()
    Image.fromarray(image).save(folder / 'a.png')
    refine(tmp_path / f'out{name}', path=folder)
  low, high = (_read(tmp_path / f'out{name}' / 'a.png') for name in ('8', '16'))
  assert np.abs(high / 257 - low).max() <= 0.51


def test_jpegs_become_pngs_and_their_json_comes_along(refine, tmp_path):
  folder = tmp_path / 'mine'
  folder.mkdir()
  for i, name in enumerate(('a.jpg', 'a.png', 'b.JPG')):
    Image.fromarray(_draw(i, 40, 70, 3)).save(folder / name)
  label = b'{ "yaw": 0.5, "pitch" : 0.25,\r\n "hair": "red"}'
  (folder / 'b.json').write_bytes(label)
  refine(tmp_path / 'out', path=folder)
  assert sorted(_files(tmp_path / 'out')) == [
      *('a.jpg.png', 'a.png', 'b.json', 'b.png'),
      *('labels.csv', 'manifest.json'),
  ]
  assert (tmp_path / 'out' / 'b.json').read_bytes() == label
  rows = (tmp_path / 'out' / 'labels.csv').read_text().splitlines()
  assert rows[1] == 'a.jpg.png,0,,,' and rows[3].startswith('b.png,0,-0.46')


def test_what_is_left_out_is_named_and_leaves_the_table(
    refine, folder, tmp_path
):
  workdir = tmp_path / 'run'
  _make_run(workdir, on_error='skip')
  content = (folder / 'b.bmp').read_bytes()
  (folder / 'b.bmp').write_bytes(content[:500])
  found = refine(tmp_path / 'out', path=folder, workdir=workdir)
  assert found['images'] == 5 and found['left_out'][0].startswith('b.bmp: ')
  table = (tmp_path / 'out' / 'labels.csv').read_text('latin-1')
  assert 'b.bmp' not in table and table.count('é') == 5
  assert not (tmp_path / 'out' / 'b.bmp').exists()


def test_the_command_skips_where_its_message_says_so(
    run, folder, tmp_path, command
):
  (folder / 'b.bmp').write_bytes((folder / 'b.bmp').read_bytes()[:500])
  out = tmp_path / 'out'
  flags = [f'--output={out}', f'--input={folder}']
  process = command('refine.py', run[0], *flags)
  _, error = process.communicate()
  assert process.returncode == 2
  assert 'b.bmp: ' in error and ' with --on_error=skip (' in error
  # It continues the set that the same command began.
  process = command('refine.py', run[0], *flags, '--on_error=skip')
  said, error = process.communicate()
  assert process.returncode == 0, error
  assert said.endswith(', 1 left out: see manifest.json\n')
  written = json.loads((out / manifest.FILE).read_text())
  assert written['on_error'] == 'skip' and written['images'] == 5
  (left_out,) = written['left_out']
  assert left_out.startswith('b.bmp: ')


def test_tfds_skips_a_shard_without_images(refine, tmp_path, monkeypatch):
  import tensorflow_datasets as tfds

  monkeypatch.setattr(refined_set, '_SHARD', 2)
  _make_run(tmp_path / 'run', on_error='skip')
  folder = tmp_path / 'mine'
  folder.mkdir()
  for i, name in enumerate('abcdef'):
    Image.fromarray(_draw(i, 35, 55)).save(folder / f'{name}.png')
  for name in 'cd':
    (folder / f'{name}.png').write_text('no image')
  refine(tmp_path / 'out', 'tfds', folder, tmp_path / 'run')
  split = tfds.builder_from_directory(tmp_path / 'out').info.splits['train']
  assert split.shard_lengths == [2, 2]


def test_histograms_are_matched_as_for_the_evaluation(
    refine, expected, tmp_path
):
  workdir = tmp_path / 'run'
  config = _make_run(workdir, match_histograms=True)
  synthetic, _ = expected
  histograms.write(str(workdir), histograms.quantiles(_draw(3, 9, 35, 55, 1)))
  mesh = mesh_lib.make_mesh()
  refiner, _ = refiners.load_refiner(config, workdir=str(workdir), mesh=mesh)
  matched = refiners.match_histograms(
      config, synthetic.images, workdir=str(workdir)
  )
  images = refiners.refine_images(
      refiner, matched, mesh=mesh, batch_size=128 * mesh.size
  )
  refine(tmp_path / 'out', workdir=workdir)
  for name, image in zip(synthetic.names, images, strict=True):
    np.testing.assert_array_equal(
        _read(tmp_path / 'out' / f'{name}.png'), image[..., 0]
    )


def test_killed_it_goes_on_and_the_result_is_the_same(command, tmp_path):
  config = _make_run(tmp_path / 'run')
  config.data.synthetic.limit = 2_100
  files.write_text(
      str(tmp_path / 'run' / 'config.json'),
      stored.to_json(config),
  )
  whole, killed = (tmp_path / name for name in ('whole', 'killed'))
  process = command('refine.py', tmp_path / 'run', f'--output={killed}')
  wait_for(killed / naming.PROGRESS / '00000.json', process)
  process.send_signal(signal.SIGKILL)
  process.communicate()
  written = json.loads((killed / manifest.FILE).read_text())
  progress = list((killed / naming.PROGRESS).iterdir())
  assert not written['complete'] and len(progress) < 3
  for output in (whole, killed):
    process = command('refine.py', tmp_path / 'run', f'--output={output}')
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    assert '2,100 images, refined with round 1' in out
  assert _files(whole) == _files(killed)
  assert len(_files(whole)) == 2_100 + 2


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'mine.txt': 'x'}, 'is not empty; give an empty or new folder'),
        ({manifest.FILE: '{'}, 'cannot be used'),
        ({manifest.FILE: '{"complete": true}'}, 'holds refined images already'),
        (
            {manifest.FILE: '{"complete": false, "format": "npz"}'},
            r'beginning of other refined images \(another format, ',
        ),
    ],
)
def test_what_is_there_is_never_overwritten(refine, tmp_path, content, message):
  output = tmp_path / 'out'
  output.mkdir()
  for name, text in content.items():
    (output / name).write_text(text)
  with pytest.raises(errors.InputError, match=message):
    refine(output)
  assert {n: b.decode() for n, b in _files(output).items()} == content


def test_another_run_does_not_go_on(refine, tmp_path, monkeypatch):
  with monkeypatch.context() as patch:
    patch.setattr(refined_set.manifest, 'complete', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
      refine(tmp_path / 'out')
  _make_run(tmp_path / 'run', factor=2.0)
  with pytest.raises(errors.InputError, match=r'\(another checkpoint\)'):
    refine(tmp_path / 'out', workdir=tmp_path / 'run')


def test_without_a_trained_checkpoint_nothing_is_written(refine, tmp_path):
  config = eyes.get_config()
  workdir_lib.claim_workdir(str(tmp_path / 'run'), config)
  with pytest.raises(errors.InputError, match='no checkpoint of a trained'):
    refine(tmp_path / 'out', workdir=tmp_path / 'run')
  assert not (tmp_path / 'out').exists()


def test_one_array_cannot_mix_depths(refine, folder, tmp_path):
  with pytest.raises(errors.InputError, match='use --format=folder'):
    refine(tmp_path / 'out', 'npz', path=folder)


def test_nor_can_the_files_of_one_data_set(refine, tmp_path, monkeypatch):
  monkeypatch.setattr(refined_set, '_SHARD', 2)
  (tmp_path / 'mixed').mkdir()
  for i in range(5):
    dtype = np.uint16 if i == 4 else np.uint8
    image = Image.fromarray(_draw(i, 35, 55, dtype=dtype))
    image.save(tmp_path / 'mixed' / f'{i}.png')
  for kind in ('npz', 'tfds'):
    with pytest.raises(errors.InputError, match='use --format=folder'):
      refine(tmp_path / kind, kind, path=tmp_path / 'mixed')
  assert refine(tmp_path / 'out', path=tmp_path / 'mixed')['images'] == 5


@pytest.mark.parametrize('name', ['../a.png', '/tmp/a.png', 'a/../../b.png'])
def test_no_name_leads_out_of_the_folder(name):
  with pytest.raises(errors.InputError, match='lies outside of the folder'):
    entries = [Entry(name, 0, lambda: None) for name in ('fine.png', name)]
    naming.name_files(entries, 1)


def test_nothing_usable(refine, tmp_path):
  folder = tmp_path / 'mine'
  folder.mkdir()
  (folder / 'a.png').write_text('no image')
  with pytest.raises(errors.InputError, match='a.png: cannot be read'):
    refine(tmp_path / 'out', path=folder)


def test_a_refiner_of_nans_is_not_written(refine, tmp_path):
  workdir = tmp_path / 'run'
  _make_run(workdir, factor=np.nan)
  with pytest.raises(errors.NonFiniteError, match='not numbers'):
    refine(tmp_path / 'out', workdir=workdir)
