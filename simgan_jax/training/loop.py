"""Training from the settings to a finished run: the linear story."""

import contextlib
import json
import math
import os
import sys
import time
from typing import Any

import jax

from simgan_jax.data import check, histograms, inputs
from simgan_jax.data.labelled_images import LabelledImages
from simgan_jax.machine import devices, files, processes, progress, stopping
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.method import algorithm, steps
from simgan_jax.method import state as state_lib
from simgan_jax.report import page
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import validation
from simgan_jax.training import batches as batches_lib
from simgan_jax.training import (
    build,
    checkpoint,
    inspector,
    monitor,
    recorder,
    refiners,
)
from simgan_jax.training import workdir as workdir_lib


def pretrain(
    state: state_lib.SimGANState,
    config: config_lib.Config,
    batches: batches_lib.Batches,
    *,
    mesh: jax.sharding.Mesh,
    stop: stopping.StopSignals,
) -> state_lib.SimGANState:
  """Train the refiner to return its input, then the discriminator on that.

  The step counters in the state say where to go on; a stop signal ends it
  early.
  """
  step_refiner, step_discriminator = build.make_pretraining(config, mesh)
  batch, dataset = config.batch_size, batches.dataset
  metrics: steps.Metrics = {}
  done = int(state.refiner.step)
  stream = batches.stream('pretrain_refiner', 'synthetic', (batch,), done)
  num_steps, every = config.pretrain_refiner_steps, config.log_every
  with progress.make_bar(
      *(num_steps, 'pre-train refiner', 'step'), done=done
  ) as bar:
    for number in range(done, num_steps):
      if stop.ask(number, every=every):
        return state
      state, metrics = step_refiner(
          *(state, next(stream)), None if dataset is None else dataset.synthetic
      )
      bar.update()
  done = int(state.discriminator.step)
  name = 'pretrain_discriminator'
  synthetic = batches.stream(name, 'synthetic', (1, batch), done)
  real = batches.stream(name, 'real', (1, batch), done)
  num_steps = config.pretrain_discriminator_steps
  with progress.make_bar(
      *(num_steps, 'pre-train discriminator', 'step'), done=done
  ) as bar:
    for number in range(done, num_steps):
      if stop.ask(number, every=every):
        return state
      state, found = step_discriminator(
          *(state, algorithm.RoundBatch(next(synthetic), next(real))), dataset
      )
      metrics |= found
      bar.update()
  monitor.check_finite(jax.device_get(metrics), round_number=0)
  return state


def train_rounds(
    state: state_lib.SimGANState,
    config: config_lib.Config,
    batches: batches_lib.Batches,
    *,
    mesh: jax.sharding.Mesh,
    checkpoints: checkpoint.Checkpoints,
    inspect: inspector.Inspector,
    record: recorder.Watcher,
    stop: stopping.StopSignals,
) -> state_lib.SimGANState:
  """Alternate from the round in the state on; return the last state."""
  update = build.make_update(config, mesh)
  done, calls = int(state.round), config.rounds_per_call
  stream = batches.rounds('rounds', config, done // calls)
  record.start(done, state.refiner)
  # Every copy between host and devices in the loop is meant.
  with jax.transfer_guard_host_to_device('disallow'):
    stopping_now = bool(stop.agreed)
    while done < config.num_rounds and not stopping_now:
      # Only logged metrics are read back: between them nothing waits.
      with jax.transfer_guard_device_to_host('disallow'):
        state, metrics = update(state, next(stream), batches.dataset)
        done += calls
        finished = done == config.num_rounds
        # Asked once a call, so that a signal cannot end the loop unsaved.
        with jax.transfer_guard('allow'):
          stopping_now = stop.ask(done, every=config.log_every)
        last = finished or stopping_now
        record.round_done(
            done, metrics, log=done % config.log_every == 0 or finished
        )
      due = done % config.checkpoint_every == 0 or finished
      if due or last:
        record.check_finite()  # never replace a good checkpoint by NaNs
      if done % config.sample_every == 0 or last:
        record.sample(done, state.refiner)
      if due or last:
        for number, refiner in inspect.take_kept():
          record.inspected(number, inspect.measure(refiner))
        # Not where a run was stopped: it must choose as if it had not been.
        measured = inspect.measure(state.refiner) if due else {}
        record.inspected(done, measured)
        checkpoints.save(done, state, measured)
  return state


def train(
    config: config_lib.Config,
    *,
    workdir: str,
    data_dir: str,
    num_devices: int = 0,
) -> dict[str, Any]:
  """Train a SimGAN, or continue the one in `workdir`.

  Args:
    config: the settings, checked here.
    workdir: folder of the run; made when missing.
    data_dir: folder of the prepared data sets.
    num_devices: devices that share a batch, 0 = as many as divide it.

  Returns:
    The summary that is also written to `summary.json`.

  Raises:
    InputError: for settings, data or a working directory that do not fit.
    NonFiniteError: when a metric is not finite; checkpoints are kept.
    Stopped: after SIGTERM or Ctrl-C, when the state is saved.
  """
  # The order of things, never changed:
  # 1. check the settings, claim the working directory, read the data;
  # 2. create the state, or restore the newest checkpoint into it;
  # 3. pre-train, unless a checkpoint says that it is done;
  # 4. per call: draw the batch of that number, update, log the metrics of the
  #    call before (so that reading them never waits), sample, measure the
  #    refiner, checkpoint;
  # 5. save, summarise.
  start = time.monotonic()
  validation.validate(config)
  num_devices = devices.choose_number(
      config_lib.divisible_size(config), num_devices=num_devices
  )
  if not processes.is_first():
    processes.wait_for_all('data')  # which the first one prepares
  synthetic = inputs.load_synthetic(config, data_dir=data_dir)
  real = inputs.load_real(config, data_dir=data_dir)
  inputs.check_sizes(config, synthetic, real)
  if processes.is_first():
    processes.wait_for_all('data')
  hold = workdir_lib.hold_workdir if processes.is_first() else _nothing
  with hold(workdir, config):
    return _train(
        *(config, synthetic, real),
        workdir=workdir,
        num_devices=num_devices,
        start=start,
    )


def _nothing(*_: object, **__: object) -> contextlib.nullcontext:
  """Do what the first process does for all."""
  return contextlib.nullcontext()


def _train(
    config: config_lib.Config,
    synthetic: LabelledImages,
    real: LabelledImages,
    *,
    workdir: str,
    num_devices: int,
    start: float,
) -> dict[str, Any]:
  """Train in a working directory that is held; `start` is of the clock."""
  mesh = mesh_lib.make_mesh(num_devices)
  say = print if processes.is_first() else _nothing
  if config.data.match_histograms and processes.is_first():
    histograms.write(workdir, histograms.quantiles(real.images))
  processes.wait_for_all('workdir')
  matched = refiners.match_histograms(config, synthetic.images, workdir=workdir)
  batches = batches_lib.Batches(
      *(matched, real.images),
      mesh=mesh,
      seed=config.seed,
      on_devices=config.data.cache == 'device',
  )

  state = build.make_state_fn(config, mesh)()
  checkpoints = checkpoint.Checkpoints(
      workdir, rule=selection.Rule(config.data.width, config.num_rounds)
  )
  restored = checkpoints.restore(state)
  state = state if restored is None else restored
  first_round = int(state.round)
  say(
      f'{workdir}: {len(synthetic.images):,} synthetic and'
      f' {len(real.images):,} real images, {devices.describe(num_devices)},'
      f' rounds {first_round:,} to {config.num_rounds:,}\n'
      + build.describe_run(config, state)
  )
  found = check.check(
      *(synthetic, matched, real),
      num_patches=math.prod(build.count_patches(config, state)),
      weight=config.self_regularization_weight,
  )
  say('\n'.join(found.facts))
  for sentence in found.warnings:
    say(f'warning: {sentence}', file=sys.stderr)
  facts = {
      'started': time.strftime('%Y-%m-%d %H:%M:%S'),
      'first_round': first_round,
      'device': devices.describe(num_devices),
      'synthetic_images': len(synthetic.images),
      'real_images': len(real.images),
      'left_out': [*synthetic.report.left_out, *real.report.left_out],
      'data': '; '.join(found.facts),
  }
  record = recorder.Watcher(config)
  if processes.is_first():
    record = recorder.Recorder(
        workdir,
        config,
        synthetic=matched,
        real=real.images,
        first_round=first_round,
        facts=facts,
    )
  record.warnings |= {f'data_{i}': s for i, s in enumerate(found.warnings, 1)}
  inspect = inspector.Inspector(
      *(matched, real.images, real.subjects),
      mesh=mesh,
      seed=config.seed,
      of_eyes=synthetic.source in inspector.EYE_SIMULATORS,
  )
  with stopping.StopSignals() as stop:
    if first_round == 0:
      state = pretrain(state, config, batches, mesh=mesh, stop=stop)
      if not stop.agreed:
        inspect.keep(0, state.refiner)  # the rounds can begin at once
      checkpoints.save(0, state)
    state = train_rounds(
        *(state, config, batches),
        mesh=mesh,
        checkpoints=checkpoints,
        inspect=inspect,
        record=record,
        stop=stop,
    )
    checkpoints.close()
    record.close()
    if stop.agreed:
      say(
          f'stopped and saved at round {int(state.round)}; the same command'
          ' continues.',
          file=sys.stderr,
      )
      raise stopping.Stopped(128 + stop.agreed)

  summary = facts | {
      'rounds': int(state.round),
      'wall_seconds': round(time.monotonic() - start, 1),
      'peak_memory_gib': devices.peak_memory_gib(),
      'warnings': record.warnings,
  }
  if first_round < int(state.round) and processes.is_first():
    path = os.path.join(workdir, 'summary.json')
    files.write_text(path, json.dumps(summary, indent=2) + '\n')
    page.render_run(workdir)
  return summary
