"""Networks: the paper's sizes, any image size, no activation on the logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simgan_jax.method import networks


def _shapes(network, shape):
  images = jax.ShapeDtypeStruct(shape, jnp.float32)
  return jax.eval_shape(network.init_with_output, jax.random.key(0), images)


@pytest.mark.parametrize(
    ('network', 'shape', 'count', 'output'),
    [
        (networks.Refiner(), (2, 35, 55, 1), 296_129, (2, 35, 55, 1)),
        (networks.Discriminator(), (2, 35, 55, 1), 75_906, (2, 9, 14, 2)),
        (
            networks.Refiner(num_blocks=10, kernel_size=7),
            (1, 224, 224, 1),
            4_018_625,
            (1, 224, 224, 1),
        ),
    ],
)
def test_sizes_of_the_paper(network, shape, count, output):
  logits, variables = _shapes(network, shape)
  assert networks.count_parameters(variables['params']) == count
  assert logits.shape == output


@pytest.mark.parametrize(
    'shape', [(1, 35, 55, 1), (1, 32, 55, 1), (1, 36, 60, 1), (2, 35, 55, 3)]
)
def test_any_image_size_and_channels(shape):
  refined, _ = _shapes(networks.Refiner(), shape)
  logits, _ = _shapes(networks.Discriminator(), shape)
  assert refined.shape == shape
  h, w = (-(-side // 4) for side in shape[1:3])
  assert logits.shape == (shape[0], h, w, 2)


def _receptive_field(network, size):
  """Return how many rows of the input can move the central output."""
  moves = np.zeros(size, bool)
  variables = network.init(jax.random.key(0), jnp.zeros((1, size, size, 1)))
  for seed in range(4):
    image = jax.random.normal(jax.random.key(seed), (1, size, size, 1))
    changed = jnp.where(jnp.eye(size)[..., None, None] > 0, -3.0 * image, image)
    outputs = network.apply(variables, jnp.concatenate([image, changed]))
    middle = outputs.shape[1] // 2
    outputs = np.asarray(outputs[:, middle, middle])
    moves |= np.abs(outputs[1:] - outputs[:1]).max(-1) > 0
  return moves.sum()


def test_receptive_fields_of_the_paper():
  assert _receptive_field(networks.Refiner(num_features=8), 27) == 19
  network = networks.Discriminator(features=(32, 32, 16, 8))
  assert _receptive_field(network, 33) == 23


def test_logits_have_no_activation():
  network = networks.Discriminator()
  images = jax.random.uniform(jax.random.key(1), (2, 35, 55, 1), minval=-1.0)
  logits, variables = network.init_with_output(jax.random.key(0), images)
  params = variables['params']
  negative = params | {'logits': jax.tree.map(jnp.negative, params['logits'])}
  negated = network.apply({'params': negative}, images)
  np.testing.assert_allclose(negated, -logits, rtol=1e-5)
  assert jnp.any(logits != 0)


def test_refined_images_stay_in_range_and_the_blocks_matter():
  network = networks.Refiner(num_features=8)
  images = jax.random.uniform(jax.random.key(1), (4, 35, 55, 1), minval=-1.0)
  refined, variables = network.init_with_output(jax.random.key(0), images)
  assert jnp.max(jnp.abs(refined)) < 1.0
  silenced = jax.tree.map(jnp.zeros_like, variables['params']['block2'])
  params = variables['params'] | {'block2': silenced}
  assert not np.allclose(network.apply({'params': params}, images), refined)


def test_rematerialisation_keeps_only_the_inputs_of_the_blocks():
  images = jnp.zeros((2, 35, 55, 1))

  def residuals(rematerialize):
    network = networks.Refiner(num_features=8, rematerialize=rematerialize)
    variables = network.init(jax.random.key(0), images)
    vjp = jax.eval_shape(
        lambda v: jax.vjp(lambda v: network.apply(v, images), v)[1], variables
    )
    parameters = networks.count_parameters(variables)
    return sum(leaf.size for leaf in jax.tree.leaves(vjp)) - parameters

  features = 2 * 35 * 55 * 8
  assert residuals(True) < 8 * features  # four inputs, stem and head
  assert residuals(False) > 2 * residuals(True)


def test_bfloat16_keeps_float32_parameters_and_results():
  for kind in (networks.Refiner, networks.Discriminator):
    network = kind(dtype=jnp.bfloat16)
    images = jax.random.uniform(jax.random.key(1), (2, 35, 55, 1))
    output, variables = network.init_with_output(jax.random.key(0), images)
    assert output.dtype == jnp.float32
    exact = kind().apply(variables, images)
    assert {x.dtype for x in jax.tree.leaves(variables)} == {
        jnp.dtype('float32')
    }
    np.testing.assert_allclose(output, exact, atol=0.05)
    assert not np.array_equal(output, exact)


def test_whole_image_discriminator_makes_one_decision():
  logits, variables = _shapes(
      networks.Discriminator(local=False), (2, 35, 55, 1)
  )
  assert logits.shape == (2, 1, 1, 2)
  assert variables['params']['logits']['kernel'].shape[-2] == 9 * 14 * 32
