"""What comes before the rounds: each network is trained alone."""

import jax

from simgan_jax.machine import fitting, progress, stopping
from simgan_jax.method import algorithm
from simgan_jax.method import state as state_lib
from simgan_jax.settings import config as config_lib
from simgan_jax.training import batches as batches_lib
from simgan_jax.training import build

_CHECK_EVERY = 25  # steps; reading the metrics waits for the devices


def pretrain(
    state: state_lib.SimGANState,
    config: config_lib.Config,
    batches: batches_lib.Batches,
    *,
    mesh: jax.sharding.Mesh,
    stop: stopping.StopSignals,
) -> state_lib.SimGANState:
  """Train the refiner to return its input, then the discriminator on that.

  The step counters in the state say where to continue. A stop signal ends it
  early.

  Raises:
    NonFiniteError: If a loss is not finite.
  """
  dataset, batch_shape = batches.dataset, (config.batch_size,)
  step_refiner, step_discriminator = algorithm.make_pretraining(
      mesh, build.make_objective(config), build.make_split(config, mesh)
  )

  def fit(name, step, state, stream, *, num_steps, first_step):
    with progress.make_bar(num_steps, name, 'step', done=first_step) as bar:
      return fitting.fit(
          step,
          state,
          stream,
          name=name,
          remedy='set a lower --config.optimizer.learning_rate',
          num_steps=num_steps,
          first_step=first_step,
          check_every=_CHECK_EVERY,
          should_stop=lambda number: stop.ask(number, every=config.log_every),
          on_progress=bar.update,
      )

  done = int(state.refiner.step)
  state = fit(
      'pre-train refiner',
      lambda state, synthetic: step_refiner(
          state, synthetic, None if dataset is None else dataset.synthetic
      ),
      state,
      batches.stream('pretrain_refiner', 'synthetic', batch_shape, done),
      num_steps=config.pretrain_refiner_steps,
      first_step=done,
  )
  if stop.agreed:
    return state
  done = int(state.discriminator.step)
  name = 'pretrain_discriminator'
  return fit(
      'pre-train discriminator',
      lambda state, batch: step_discriminator(state, batch, dataset),
      state,
      map(
          algorithm.RoundBatch,
          batches.stream(name, 'synthetic', batch_shape, done),
          batches.stream(name, 'real', batch_shape, done),
      ),
      num_steps=config.pretrain_discriminator_steps,
      first_step=done,
  )
