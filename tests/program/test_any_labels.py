"""From two folders to a sentence: every kind of labels, and arrays."""

import csv
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import simgan_jax
from simgan_jax.machine import errors

SIDE = 24
TINY = {
    'num_rounds': 2,
    'batch_size': 4,
    'pretrain_refiner_steps': 1,
    'pretrain_discriminator_steps': 1,
    'log_every': 1,
    'sample_every': 2,
    'checkpoint_every': 2,
    'history_size': 8,
    'refiner.num_features': 4,
    'refiner.num_blocks': 1,
    'evaluation.base_images': 64,
    'evaluation.scales': (1,),
    'evaluation.num_steps': 40,
    'evaluation.batch_size': 16,
    'evaluation.num_seeds': 1,
    'evaluation.augmented': (False,),
}


def _draw(rng, contrast):
  """Return a square or a disc, and what is known of it."""
  pixels = np.mgrid[:SIDE, :SIDE] + 0.0
  x, y, radius = *rng.uniform(8, SIDE - 8, 2), rng.uniform(3, 6)
  shape = rng.choice(['disc', 'square'])
  distance = np.abs(pixels - np.array([y, x])[:, None, None])
  inside = (
      np.hypot(*distance) < radius
      if shape == 'disc'
      else distance.max(axis=0) < radius
  )
  image = 90 + contrast * inside + rng.normal(0, 4, inside.shape)
  labels = {'kind': shape, 'radius': radius, 'x': x + 0.5, 'y': y + 0.5}
  return image.clip(0, 255).astype(np.uint8), inside, labels


def _write(folder, num, contrast, seed):
  (folder / 'masks').mkdir(parents=True)
  rng, rows = np.random.default_rng(seed), []
  for i in range(num):
    image, inside, labels = _draw(rng, contrast)
    Image.fromarray(image).save(folder / f'{i:03}.png')
    Image.fromarray(inside.astype(np.uint8)).save(folder / f'masks/{i:03}.png')
    rows.append({'file': f'{i:03}.png', 'track': f'{seed}-{i // 4}', **labels})
  with (folder / 'labels.csv').open('w') as file:
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)


@pytest.fixture(scope='module')
def trained(run, tmp_path_factory):
  """Return a run on two drawn folders, and a third one to test on."""
  folder = tmp_path_factory.mktemp('shapes')
  for number, (name, contrast) in enumerate(
      [('renders', 100), ('photos', 60), ('labelled', 60)]
  ):
    _write(folder / name, 64, contrast, number)
  settings = TINY | {
      'data.height': SIDE,
      'data.width': SIDE,
      'data.synthetic.path': folder / 'renders',
      'data.synthetic.points': 'x,y',
      'data.real.path': folder / 'photos',
      'evaluation.group': 'track',
  }
  flags = [f'--config.{name}={value}' for name, value in settings.items()]
  code, _, error = run(
      'train.py', folder / 'run', '--config=configs/folders.py', *flags
  )
  assert code == 0, error
  return folder


@pytest.mark.parametrize(
    ('task', 'labels', 'key'),
    [
        ('class', 'kind', 'accuracy'),
        ('regression', 'radius', 'mean_absolute_error'),
        ('auto', '', 'mean_px'),
        ('mask', 'masks', 'mean_iou'),
    ],
)
def test_from_two_folders_to_a_sentence(run, trained, task, labels, key):
  code, output, error = run(
      'eval.py',
      trained / 'run',
      f'--test_path={trained / "labelled"}',
      f'--task={task}',
      f'--labels={labels}',
  )
  assert code == 0, error
  assert 'labels: ' in output and 'Refining ' in output.splitlines()[-2]
  folder = trained / 'run' / 'eval'
  results = json.loads((folder / 'metrics.json').read_text())
  rows = {row['train_on']: row for row in results['rows']}
  # The photographs of the refiner have labels and are not tested.
  assert list(rows) == ['synthetic', 'refined', 'real']
  assert np.isfinite(rows['refined'][key]['mean'])
  assert results['drawn'] == 'track'
  assert results['comparisons'][0]['groups'] == 16
  with np.load(folder / 'predictions.npz') as saved:
    found, truth = saved['real_1x_seed0'], saved['labels']
  if key == 'accuracy':
    right = 100 * np.mean(found.argmax(axis=1) == truth)
    assert rows['real'][key]['mean'] == pytest.approx(right)
  else:
    assert found.shape == truth.shape
  picture = 'confusion.png' if key == 'accuracy' else 'curve.png'
  assert (folder / picture).stat().st_size > 5_000


@pytest.fixture
def as_before():
  """Forget where compiled programs are kept, which other tests look at."""
  before = jax.config.values['jax_compilation_cache_dir']
  yield
  jax.config.update('jax_compilation_cache_dir', before)


def test_a_simulator_in_jax_needs_no_files(tmp_path, as_before, monkeypatch):
  def simulator(key):
    key_angle, key_noise = jax.random.split(key)
    angles = jax.random.uniform(key_angle, (16, 1), maxval=jnp.pi)
    y, x = jnp.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    rows = jnp.sin(angles)[..., None] * x[None]
    distance = jnp.abs(rows - jnp.cos(angles)[..., None] * y[None])
    noise = 0.05 * jax.random.uniform(key_noise, (16, SIDE, SIDE))
    return 0.3 + 0.5 * (distance < 0.3) + noise, angles

  config = simgan_jax.default_config()
  for name, value in TINY.items():
    owner, _, field = name.rpartition('.')
    setattr(getattr(config, owner) if owner else config, field, value)
  config.refiner.noise_channels = config.refiner_samples = 2
  images, labels = simgan_jax.draw(simulator, 40, seed=5)
  real, options = 1 - images, {'num_images': 64, 'config': config}
  monkeypatch.chdir(tmp_path)
  simgan_jax.fit(simulator, real[:20], workdir='run', **options)
  # The run may move, and the program that loads it run elsewhere.
  (tmp_path / 'run').rename(tmp_path / 'moved')
  monkeypatch.chdir('/')
  run = simgan_jax.load(str(tmp_path / 'moved'))
  refined = run.refine(images[:3])
  assert refined.shape == (3, SIDE, SIDE, 1) and refined.dtype == np.uint8
  assert (run.refine(images[:3], sample=1) != refined).any()
  found = run.evaluate(real[20:], labels[20:])
  assert found.results['task'] == 'regression'
  rows = [row['train_on'] for row in found.results['rows']]
  assert rows[:3] == ['synthetic', 'refined', 'samples']
  assert found.results['samples']['pixels'] > 0 and 'Samples: ' in str(found)
  assert (tmp_path / 'moved/samples/noise.png').exists()
  assert 'Refining' in found.conclusion and found.conclusion in str(found)
  # The same call continues; other images are refused.
  same = simgan_jax.fit(simulator, real[:20], workdir=run.workdir, **options)
  np.testing.assert_array_equal(same.refine(images[:3]), refined)
  with pytest.raises(errors.InputError, match='other images'):
    simgan_jax.fit(simulator, real[20:], workdir=run.workdir, **options)


def test_arrays_that_do_not_fit_are_named(tmp_path, as_before):
  images = np.zeros((8, SIDE, SIDE), np.uint8)
  of_hands = simgan_jax.default_config()
  of_hands.evaluation.task = 'hands'
  for options, message in (
      ({'real': images[:, 1:]}, 'bring them to one size'),
      ({'real': images * 2.5 + 7}, r'or float in \[0, 1\]'),
      ({'real': images[None, None]}, r'give \[n, h, w, c\]'),
      ({'real': images, 'labels': np.zeros(3)}, '8 synthetic images but 3 lab'),
      ({'real': images, 'config': of_hands}, "the task 'hands'"),
      (
          {'real': images, 'task': 'gaze', 'labels': np.ones((8, 2))},
          r'\[n, 3\]',
      ),
  ):
    with pytest.raises(errors.InputError, match=message):
      simgan_jax.fit(images, workdir=str(tmp_path), **options)
  with pytest.raises(errors.InputError, match='leave labels out'):
    simgan_jax.fit(
        lambda key: images, images, workdir=str(tmp_path), labels=images
    )
