"""Settings: presets are valid, bad values are named, JSON round trips."""

import dataclasses
import importlib.util
import json
import os
import pathlib

import jax
import pytest
from absl import flags

from simgan_jax.estimators import baselines
from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.method import losses, networks
from simgan_jax.report import metrics_file
from simgan_jax.settings import command_line, stored, validation
from simgan_jax.settings import config as config_lib
from simgan_jax.training import build
from simgan_jax.training import workdir as workdir_lib

ROOT = pathlib.Path(__file__).parents[2]


def _presets(name='eyes'):
  specification = importlib.util.spec_from_file_location(
      name, ROOT / f'configs/{name}.py'
  )
  module = importlib.util.module_from_spec(specification)
  specification.loader.exec_module(module)
  return module


@pytest.fixture
def config():
  return _presets().get_config()


@pytest.mark.parametrize(
    ('name', 'preset'),
    [*(('eyes', p) for p in ('', 'columbia', 'paper'))]
    + [*(('hands', p) for p in ('', 'paper'))]
    + [*(('signs', p) for p in ('', 'gtsrb'))],
)
def test_presets_are_valid_once_they_have_folders(name, preset):
  config = _presets(name).get_config(preset)
  assert config.name == name
  config.data.synthetic.path = config.data.real.path = 'somewhere'
  validation.validate(config)


def test_the_paper_preset_is_the_papers():
  config = _presets().get_config('paper')
  assert (config.batch_size, config.discriminator_steps) == (512, 1)
  assert config.optimizer == config_lib.OptimizerConfig('sgd', 1e-3)
  assert config.pretrain_refiner_steps == 1_000
  assert config.pretrain_discriminator_steps == 200


def test_the_paper_preset_of_hands_has_the_papers_networks():
  config = _presets('hands').get_config('paper')
  assert (config.data.height, config.data.width) == (224, 224)
  assert config.pretrain_refiner_steps == 500
  assert config.pretrain_discriminator_steps == 200
  # Nothing is computed: the history alone takes 5 GB.
  state = jax.eval_shape(build.make_state_fn(config, mesh_lib.make_mesh(1)))
  counts = [
      networks.count_parameters(train_state.params)
      for train_state in (state.refiner, state.discriminator)
  ]
  assert counts == [4_018_625, 96 * 50 + 64 * 2_401 + 32 * 577 + 33 * 34]
  assert 'map 7 x 7' in build.describe_run(config, state)


@pytest.mark.parametrize(
    ('field', 'value'),
    [('data.width', 48), ('evaluation.heatmap_size', 24)],
)
def test_settings_that_hands_do_not_allow(field, value):
  config = _presets('hands').get_config()
  section, name = field.split('.')
  setattr(getattr(config, section), name, value)
  with pytest.raises(errors.InputError, match=f'--config.{field}={value} '):
    validation.validate(config)


def test_unknown_preset_names_the_presets():
  with pytest.raises(errors.InputError, match="'moon'.*paper"):
    _presets('hands').get_config('moon')
  with pytest.raises(errors.InputError, match="'moon'.*columbia.*paper"):
    _presets().get_config('moon')


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('num_rounds', 0),
        ('batch_size', 7),
        ('batch_size', 0),
        ('refiner_steps', 0),
        ('discriminator_steps', -1),
        ('pretrain_refiner_steps', -1),
        ('self_regularization_weight', -0.1),
        ('optimizer.beta1', 1.0),
        ('self_regularization_weight', float('nan')),
        ('gradient_penalty', -0.1),
        ('gradient_penalty', float('inf')),
        ('self_regularization_features', 'edges'),
        ('history_size', 2),
        ('compute_dtype', 'float16'),
        ('rounds_per_call', 3),
        ('gradient_accumulation', -1),
        ('gradient_accumulation', 3),
        ('data.cache', 'disk'),
        ('log_every', 0),
        ('optimizer.name', 'rmsprop'),
        ('optimizer.learning_rate', 0.0),
        ('optimizer.learning_rate', float('inf')),
        ('refiner.num_features', 0),
        ('refiner.num_features', -3),
        ('refiner.num_blocks', -1),
        ('refiner.kernel_size', 0),
        ('discriminator.features', (96, 0, 32, 32)),
        ('discriminator.kernel_sizes', (3, 3, -3, 1)),
        ('discriminator.strides', (2, 0, 1, 1)),
        ('discriminator.pool_window', 0),
        ('discriminator.pool_stride', 0),
        ('seed', -1),
        ('seed', 2**70),
        ('name', '../../x'),
        ('name', 'eyes/'),
        ('name', '..'),
        ('name', ''),
        ('data.height', 4),
        ('data.channels', 2),
        ('data.on_error', 'ignore'),
        ('data.synthetic.crop', 'eyes'),
        ('data.real.samples', 'some'),
        ('data.synthetic.name', 'unityeyes'),
        ('data.test.limit', -1),
        ('discriminator.strides', (2, 2)),
        ('evaluation.num_seeds', 0),
        ('evaluation.augmented', ()),
        ('evaluation.augmented', ('false',)),
        ('evaluation.methods', ('svr,knn',)),
        ('evaluation.num_steps', 0),
        ('evaluation.batch_size', 0),
        ('evaluation.base_images', -1),
        ('evaluation.scales', ()),
        ('evaluation.scales', (0, 1)),
        ('evaluation.learning_rate', -1.0),
        ('evaluation.num_stacks', 0),
        ('evaluation.hourglass_features', 0),
    ],
)
def test_bad_values_are_named_with_the_field(config, field, value):
  *path, last = field.split('.')
  holder = config
  for name in path:
    holder = getattr(holder, name)
  setattr(holder, last, value)
  with pytest.raises(errors.InputError, match='--config.') as caught:
    validation.validate(config)
  assert '\n' not in str(caught.value)
  if path == ['evaluation']:
    with pytest.raises(errors.InputError, match=f'^--{last}=.* not work'):
      validation.validate(config, only='evaluation.')


@pytest.fixture
def parse():
  """Return a function that reads the flags that change an evaluation."""
  holders = command_line.define_changes()
  flags.FLAGS.mark_as_parsed()

  def parse(**texts):
    for name, text in texts.items():
      flags.FLAGS[name].parse(text)
    return {name: holders[name].value for name in texts}

  yield parse
  for name in holders:
    flags.FLAGS[name].unparse()


def test_every_setting_of_an_evaluation_has_a_flag(parse):
  values = dataclasses.asdict(config_lib.EvaluationConfig())
  texts = {name: str(value) for name, value in values.items()}
  assert parse(**texts) == values
  assert parse(scales='1,4', augmented='false', methods='svr, knn') == {
      'scales': (1, 4),
      'augmented': (False,),
      'methods': ('svr', 'knn'),
  }
  with pytest.raises(flags.IllegalFlagValueError, match='maybe'):
    parse(augmented='false,maybe')


def test_devices_share_pairs_of_images_in_every_part(config):
  config.batch_size = 32
  assert config_lib.divisible_size(config) == 16
  config.gradient_accumulation = 4
  validation.validate(config)
  assert config_lib.divisible_size(config) == 4


def test_a_source_of_files_needs_its_folder(config):
  config.data.real.name = 'columbia_gaze'
  with pytest.raises(errors.InputError, match='data.real.path'):
    validation.validate(config)


def test_json_round_trip(config, tmp_path):
  config.discriminator.features = (8, 8, 8, 8)
  path = tmp_path / 'config.json'
  path.write_text(stored.to_json(config))
  assert stored.read(str(path)) == config


def test_flatten_reaches_every_field(config):
  flat = config_lib.flatten(dataclasses.asdict(config))
  assert flat['data.real.subjects'] == '1-24'
  assert not any(isinstance(value, dict) for value in flat.values())


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"batch', 'damaged'),
        ('', 'damaged'),
        ('null', 'damaged .*None where there are fields of Config'),
        ({'data': 3}, 'damaged .*3 where there are fields of DataConfig'),
        ({'batch_size': '32'}, "damaged .*batch_size is '32', not int"),
        ({'lambda': 3}, "other fields than this version: .*'lambda'"),
        ('{}', "other fields than this version: .*'batch_size'"),
    ],
)
def test_a_damaged_or_foreign_config_json_is_named(
    config, tmp_path, text, message
):
  path = tmp_path / 'config.json'
  if isinstance(text, dict):
    text = json.dumps(dataclasses.asdict(config) | text)
  path.write_text(text)
  with pytest.raises(errors.InputError, match=message):
    stored.read(str(path))
  with pytest.raises(errors.InputError, match='does not exist'):
    stored.read(str(tmp_path / 'none.json'))
  with pytest.raises(errors.InputError, match='is damaged .*Is a directory'):
    stored.read(str(tmp_path))


def test_another_config_in_the_workdir_is_refused_naming_fields(
    config, tmp_path
):
  workdir = str(tmp_path / 'run')
  workdir_lib.claim_workdir(workdir, config)
  workdir_lib.claim_workdir(workdir, config)
  before = (tmp_path / 'run/config.json').read_text()
  config.seed, config.data.real.subjects = 3, '2-9'
  with pytest.raises(errors.InputError) as caught:
    workdir_lib.claim_workdir(workdir, config)
  assert 'seed (0 there, 3 now)' in str(caught.value)
  assert 'data.real.subjects' in str(caught.value)
  assert (tmp_path / 'run/config.json').read_text() == before


def test_the_spelling_of_a_path_is_no_other_setting(config, tmp_path):
  config.data.real.path = '~/photos'
  workdir_lib.claim_workdir(str(tmp_path), config)
  config.data.real.path = os.path.expanduser('~//photos/')
  workdir_lib.check_workdir(str(tmp_path), config)
  for path in ('', '~/others'):
    config.data.real.path = path
    with pytest.raises(errors.InputError, match='data.real.path'):
      workdir_lib.check_workdir(str(tmp_path), config)


def test_paths_in_a_run_move_with_it_and_others_stay(
    config, tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  config.data.real.path, config.data.test.path = 'run/data/a.npz', '~/photos'
  stored.write_run('run', config)
  assert config.data.real.path == 'run/data/a.npz'
  assert stored.read_run('run') == config
  workdir_lib.check_workdir(str(tmp_path / 'run'), config)
  (tmp_path / 'run').rename(tmp_path / 'moved')
  monkeypatch.chdir('/')
  moved = stored.read_run(f'{tmp_path}/moved').data
  assert moved.real.path == f'{tmp_path}/moved/data/a.npz'
  assert (moved.test.path, moved.synthetic.path) == ('~/photos', '')


def test_a_run_can_be_made_longer_but_not_shorter(config, tmp_path):
  workdir_lib.claim_workdir(str(tmp_path), config)
  config.num_rounds *= 2
  workdir_lib.claim_workdir(str(tmp_path), config)
  config.num_rounds //= 4
  with pytest.raises(errors.InputError, match='num_rounds'):
    workdir_lib.claim_workdir(str(tmp_path), config)


def test_metrics_of_a_lost_future_and_torn_lines_go(tmp_path):
  (tmp_path / 'metrics.jsonl').write_text(
      '{"round": 2}\n{"round": 4}\n{"round": 6}\n{"rou'
  )
  file = metrics_file.MetricsFile(str(tmp_path), last_round=4)
  file.append({'round': 6, 'new': 1.0})
  assert metrics_file.read_metrics(str(tmp_path)) == [
      {'round': 2},
      {'round': 4},
      {'round': 6, 'new': 1.0},
  ]


def test_choices_are_those_that_exist():
  assert config_lib.METHODS == baselines.METHODS
  features = config_lib.CHOICES['self_regularization_features']
  assert features == tuple(losses.FEATURES)
