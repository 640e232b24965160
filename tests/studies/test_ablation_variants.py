"""Variants of an ablation: what each changes, and what it is compared with."""

import jax
import pytest

from simgan_jax.machine import errors
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import stored, validation
from simgan_jax.studies.ablation import variants as variants_lib
from simgan_jax.training import build


@pytest.fixture
def config():
  return config_lib.Config()


def _settings(config):
  variants = variants_lib.make_variants(config)
  return {name: variant.settings for name, variant in variants.items()}


def test_every_variant_changes_what_its_name_says(config):
  settings = _settings(config)
  assert settings.pop('whole_image_balanced').keys() == {
      'discriminator.local',
      'self_regularization_weight',
  }
  assert settings == {
      'base': {},
      'history_off': {'history_size': 0},
      'whole_image': {'discriminator.local': False},
      'lambda_x0.1': {'self_regularization_weight': 0.025},
      'lambda_x10': {'self_regularization_weight': 2.5},
      'psi_gradients': {'self_regularization_features': 'gradients'},
      'refiner_steps_10': {'refiner_steps': 10},
      'colour': {'data.channels': 3},
      'colour_identity': {
          'data.channels': 3,
          'self_regularization_features': 'identity',
      },
  }


def test_every_variant_is_a_valid_run_and_leaves_the_base_alone(config):
  before = stored.to_json(config)
  for variant in variants_lib.make_variants(config).values():
    validation.validate(variant.config)
  assert stored.to_json(config) == before


def test_a_variant_that_is_the_base_is_left_out(config):
  config.refiner_steps, config.history_size = 10, 0
  config.discriminator.local = False
  names = set(_settings(config))
  assert not names & {'refiner_steps_10', 'history_off', 'whole_image'}
  assert 'whole_image_balanced' not in names
  assert 'refiner_steps_2' in names


def test_variants_are_compared_on_the_same_images(config):
  references = {
      name: variant.reference
      for name, variant in variants_lib.make_variants(config).items()
  }
  assert references['colour_identity'] == references['colour'] == 'colour'
  assert references['base'] == references['psi_gradients'] == 'base'

  config.data.channels = 3
  variants = variants_lib.make_variants(config)
  assert 'colour' not in variants
  assert variants['colour_identity'].reference == 'base'


def test_whole_image_balanced_keeps_the_weight_of_lambda(
    config,
):
  variants = variants_lib.make_variants(config)
  means = []
  for name in ('base', 'whole_image_balanced'):
    changed = variants[name].config
    make_state = build.make_state_fn(changed, mesh_lib.make_mesh(1))
    text = build.describe_run(changed, jax.eval_shape(make_state))
    means.append(text.split('= ')[1])
  assert means[0] == means[1] and 'against means' in means[0]


def test_selected_variants_come_with_their_references_in_order(config):
  variants = variants_lib.make_variants(config)

  def names(*only):
    return [v.name for v in variants_lib.select(variants, only)]

  assert names() == list(variants)
  assert names('lambda_x10', 'history_off') == [
      *('base', 'history_off', 'lambda_x10')
  ]
  assert names('colour_identity') == ['colour', 'colour_identity']
  with pytest.raises(errors.InputError, match="'moon'.*history_off"):
    names('moon')


def test_the_evaluation_is_reduced_to_what_is_compared(config):
  config.evaluation.methods = ('knn',)
  reduced = variants_lib.reduce_evaluation(config, num_seeds=2).evaluation
  assert (reduced.scales, reduced.methods, reduced.num_seeds) == ((4,), (), 2)
  assert reduced.augmented == config.evaluation.augmented == (False, True)
  assert config.evaluation.methods == ('knn',)


def test_settings_are_described_as_flags(config):
  variants = variants_lib.make_variants(config)
  assert (
      variants_lib.describe_settings(variants['lambda_x0.1'])
      == 'self_regularization_weight=0.025'
  )
