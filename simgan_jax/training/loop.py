"""Training from the settings to a finished run."""

import contextlib
import os
import sys
import time
from typing import Any

import jax

from simgan_jax.machine import devices, files, processes, silence, stopping
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.method import algorithm
from simgan_jax.method import state as state_lib
from simgan_jax.report import page
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import validation
from simgan_jax.training import build, inspector, monitor, pretraining, recorder
from simgan_jax.training import run as run_lib
from simgan_jax.training import workdir as workdir_lib


def train(
    config: config_lib.Config,
    *,
    workdir: str,
    data_dir: str,
    num_devices: int = 0,
) -> dict[str, Any]:
  """Train a SimGAN, or continue the one in `workdir`.

  Args:
    config: Settings of the run, checked here.
    workdir: Path of the working directory; made when missing.
    data_dir: Folder of the prepared data sets.
    num_devices: Number of devices that share a batch; 0 takes the largest that
      divides it.

  Returns:
    The summary that is also written to `summary.json`.

  Raises:
    InputError: If settings, data and working directory do not fit.
    NonFiniteError: If a metric is not finite; checkpoints are kept.
    Stopped: After SIGTERM or Ctrl-C, when the state is saved.
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
  synthetic, real = run_lib.read_data(config, data_dir)
  hold = contextlib.nullcontext()
  if processes.is_first():
    hold = workdir_lib.hold_workdir(workdir, config)
  with hold:
    run = run_lib.open_run(config, workdir, num_devices, synthetic, real)
    return _train(run, start)


def _train(run: run_lib.Run, start: float) -> dict[str, Any]:
  """Train from the newest checkpoint to the end; `start` is monotonic time."""
  state = build.make_state_fn(run.config, run.mesh)()
  restored = run.checkpoints.restore(state)
  state = state if restored is None else restored
  first_round = int(state.round)
  facts, warnings = run_lib.describe(run, state)
  record: Any = silence.Silent()
  if processes.is_first():
    record = recorder.Recorder(
        run.workdir,
        run.config,
        synthetic=run.matched,
        real=run.real.images,
        first_round=first_round,
        facts=facts,
        warnings=warnings,
    )
  inspect = inspector.Inspector(
      run.matched,
      run.real.images,
      run.real.subjects,
      mesh=run.mesh,
      seed=run.config.seed,
      of_eyes=run.synthetic.source in inspector.EYE_SIMULATORS,
  )
  with stopping.StopSignals() as stop:
    if first_round == 0:
      state = pretraining.pretrain(
          state, run.config, run.batches, mesh=run.mesh, stop=stop
      )
      if not stop.agreed:
        inspect.keep(0, state.refiner)  # Measured later: the rounds can begin.
      run.checkpoints.save(0, state)
    state = _train_rounds(run, state, inspect=inspect, record=record, stop=stop)
    run.checkpoints.close()
    record.close()
    if stop.agreed:
      run_lib.say(
          f'stopped and saved at round {int(state.round)}; the same command'
          ' continues.',
          file=sys.stderr,
      )
      raise stopping.Stopped(128 + stop.agreed)
  summary = facts | {
      'rounds': int(state.round),
      'wall_seconds': round(time.monotonic() - start, 1),
      'peak_memory_gib': devices.peak_memory_gib(),
  }
  if first_round < int(state.round) and processes.is_first():
    summary['warnings'] = record.warnings
    path = os.path.join(run.workdir, 'summary.json')
    files.write_json(path, summary)
    page.render_run(run.workdir)
  return summary


def _train_rounds(
    run: run_lib.Run,
    state: state_lib.SimGANState,
    *,
    inspect: inspector.Inspector,
    record: Any,
    stop: stopping.StopSignals,
) -> state_lib.SimGANState:
  """Alternate from the round in the state on; return the last state."""
  config = run.config
  update = algorithm.make_update(
      run.mesh,
      build.make_objective(config),
      build.make_split(config, run.mesh),
  )
  done, calls = int(state.round), config.rounds_per_call
  stream = run.batches.rounds('rounds', config, done // calls)
  metrics_reader = monitor.DelayedMetrics(calls, record.log)
  record.start(done, state.refiner)
  with jax.transfer_guard_host_to_device('disallow'):
    stopping_now = bool(stop.agreed)
    while done < config.num_rounds and not stopping_now:
      # Only logged metrics are read back: between them nothing waits.
      with jax.transfer_guard_device_to_host('disallow'):
        state, metrics = update(state, next(stream), run.batches.dataset)
        done += calls
        finished = done == config.num_rounds
        # Asked once a call, so that a signal cannot end the loop unsaved.
        with mesh_lib.intentional_copy():
          stopping_now = stop.ask(done, every=config.log_every)
        last = finished or stopping_now
        metrics_reader.put(
            done, metrics, log=done % config.log_every == 0 or finished
        )
        record.advance(calls)
      due = done % config.checkpoint_every == 0 or finished
      if due or last:
        # A good checkpoint must never be replaced by NaNs.
        metrics_reader.read_newest()
      if done % config.sample_every == 0 or last:
        record.sample(done, state.refiner)
      if due or last:
        for number, refiner in inspect.take_kept():
          record.inspected(number, inspect.measure(refiner))
        # A run that is stopped measures nothing here, so that it chooses its
        # checkpoint as if it had not been stopped.
        measured = inspect.measure(state.refiner) if due else {}
        record.inspected(done, measured)
        run.checkpoints.save(done, state, measured)
  return state
