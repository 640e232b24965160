"""From the settings to the networks, the state and the objective of a run."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from simgan_jax.machine import devices
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.machine.splitting import Split
from simgan_jax.method import losses, lost_pixels, networks
from simgan_jax.method import state as state_lib
from simgan_jax.method.objective import Objective
from simgan_jax.settings import config as config_lib


def make_optimizer(
    settings: config_lib.OptimizerConfig,
) -> optax.GradientTransformation:
  """Return the optimiser of the settings."""
  if settings.name == 'sgd':
    return optax.sgd(settings.learning_rate)
  return optax.adam(settings.learning_rate, b1=settings.beta1)


def make_state_fn(
    config: config_lib.Config, mesh: jax.sharding.Mesh
) -> Callable[[], state_lib.SimGANState]:
  """Return a function that creates the state of a run on the mesh."""
  dtype = jnp.dtype(config.compute_dtype)
  sizes, patches, data = config.refiner, config.discriminator, config.data
  kind = lost_pixels.LosingRefiner if sizes.loses_pixels else networks.Refiner
  refiner = kind(
      num_features=sizes.num_features,
      num_blocks=sizes.num_blocks,
      kernel_size=sizes.kernel_size,
      dtype=dtype,
      rematerialize=config.rematerialize,
      noise_channels=sizes.noise_channels,
  )
  discriminator = networks.Discriminator(
      features=patches.features,
      kernel_sizes=patches.kernel_sizes,
      strides=patches.strides,
      pool_window=patches.pool_window,
      pool_stride=patches.pool_stride,
      local=patches.local,
      dtype=dtype,
  )
  optimizer = make_optimizer(config.optimizer)

  def create():
    return state_lib.create_state(
        jax.random.key(config.seed),
        refiner=refiner,
        discriminator=discriminator,
        optimizer=optimizer,
        image_shape=(data.height, data.width, data.channels),
        batch_size=config.batch_size,
        history_size=config.history_size,
    )

  return jax.jit(create, out_shardings=state_lib.shardings(mesh))


def make_objective(config: config_lib.Config) -> Objective:
  """Return the loss of the settings, and K_g."""
  return Objective(
      refiner_steps=config.refiner_steps,
      self_regularization_weight=config.self_regularization_weight,
      features_fn=losses.FEATURES[config.self_regularization_features],
      gradient_penalty=config.gradient_penalty,
      num_samples=config.refiner_samples,
      self_regularization_limit=config.self_regularization_limit,
      mode_seeking_weight=config.mode_seeking_weight,
  )


def make_split(config: config_lib.Config, mesh: jax.sharding.Mesh) -> Split:
  """Return the division of a batch over the mesh and into parts."""
  num_parts = devices.choose_parts(
      config.batch_size,
      num_devices=mesh.size,
      num_parts=config.gradient_accumulation,
  )
  return Split(num_parts, mesh_lib.AXIS)


def count_patches(
    config: config_lib.Config, state: state_lib.SimGANState
) -> tuple[int, int]:
  """Return the height and width of the discriminator's map of an image."""
  data = config.data
  logits = jax.eval_shape(
      state.discriminator.apply_fn,
      {'params': state.discriminator.params},
      jnp.zeros((1, data.height, data.width, data.channels)),
  )
  return logits.shape[1:3]


def describe_run(
    config: config_lib.Config, state: state_lib.SimGANState
) -> str:
  """Return the header of a run: sizes, and lambda in both conventions."""
  data = config.data
  image = jnp.zeros((1, data.height, data.width, data.channels))
  height, width = count_patches(config, state)
  features = jax.eval_shape(
      losses.FEATURES[config.self_regularization_features], image
  )
  num_patches = height * width
  weight = config.self_regularization_weight
  means = weight * features.size / num_patches
  return (
      f'refiner {networks.count_parameters(state.refiner.params):,} parameters,'
      ' discriminator'
      f' {networks.count_parameters(state.discriminator.params):,}, map'
      f' {height} x {width}\n'
      f'lambda {weight:g} against sums over {features.size:,} pixels and'
      f' {num_patches} patches = {means:.3g} against means'
  )
