"""What a person sees of a run: progress, metrics, sheets, warnings."""

import os
import sys
import time
from collections.abc import Mapping

import jax
import numpy as np
import tqdm

from simgan_jax import config as config_lib
from simgan_jax import monitor, records, samples, steps, tensorboard
from simgan_jax import state as state_lib


class Recorder:
  """Writes progress bar, metrics files, TensorBoard, sheets and warnings."""

  def __init__(
      self,
      workdir: str,
      config: config_lib.Config,
      *,
      synthetic: np.ndarray,
      real: np.ndarray,
      first_round: int,
  ):
    """Open the files of `workdir`; the images are those of the sheets."""
    self.warnings: dict[str, str] = {}
    self._workdir, self._config = workdir, config
    self._synthetic, self._real = synthetic, real
    self._refine = jax.jit(steps.refine)
    self._file = records.MetricsFile(workdir, last_round=first_round)
    self._writer = tensorboard.open_writer(workdir)
    # A run that begins measures round 0 again, after pre-training.
    self._inspection = records.MetricsFile(
        workdir, last_round=first_round or -1, name=records.INSPECTION
    )
    # The newest call's metrics, still on the device, and whether to log them.
    self._pending: tuple[int, dict[str, jax.Array], bool] | None = None
    self._progress: tqdm.tqdm | None = None
    self._clock = (0, 0.0)

  def start(self, round_number: int, state: state_lib.SimGANState) -> None:
    """Show the progress bar, and the sheet of a run that begins."""
    if round_number == 0:
      self.sample(round_number, state)
    self._progress = tqdm.tqdm(
        total=self._config.num_rounds,
        initial=round_number,
        desc='train',
        unit='round',
        # A line every few seconds keeps a log file readable.
        mininterval=0.5 if sys.stderr.isatty() else 20.0,
    )
    self._clock = (round_number, time.monotonic())

  def round_done(
      self, round_number: int, metrics: dict[str, jax.Array], *, log: bool
  ) -> None:
    """Log the call before this one, whose metrics are ready by now."""
    self._flush()
    self._pending = (round_number, metrics, log)
    if self._progress is not None:
      self._progress.update(self._config.rounds_per_call)

  def check_finite(self) -> None:
    """Wait for the newest metrics and raise NonFiniteError if they diverged."""
    self._flush(wait=True)

  def _flush(self, *, wait: bool = False) -> None:
    if self._pending is None:
      return
    round_number, arrays, log = self._pending
    self._pending = None
    if not log and not wait:
      return
    calls = self._config.rounds_per_call
    arrays = jax.device_get(arrays)
    rows = [
        {name: float(values[i]) for name, values in arrays.items()}
        for i in range(calls)
    ]
    for number, row in enumerate(rows, start=round_number - calls + 1):
      monitor.check_finite(row, round_number=number)
    if log:
      self._log(round_number, rows[-1])

  def _log(self, round_number: int, metrics: dict[str, float]) -> None:
    logged_round, logged_time = self._clock
    self._clock = (round_number, time.monotonic())
    speed = (round_number - logged_round) / (self._clock[1] - logged_time)
    config = self._config
    images_a_round = config.batch_size * (
        config.refiner_steps + 2 * config.discriminator_steps
    )
    metrics = metrics | {
        'perf/rounds_per_second': speed,
        'perf/images_per_second': speed * images_a_round,
    }
    self._file.append({'round': round_number, **metrics})
    self._writer.write_scalars(round_number, metrics)
    if self._progress is not None:
      self._progress.set_postfix_str(
          f'change {metrics["refiner/change"]:.3f}, D right on real'
          f' {metrics["discriminator/real_accuracy"]:.0%}, refined'
          f' {metrics["discriminator/refined_accuracy"]:.0%}',
          refresh=False,
      )
    for name, sentence in monitor.find_warnings(self._file.rows).items():
      if name not in self.warnings:
        self.warnings[name] = f'round {round_number}: {sentence}'
        tqdm.tqdm.write(f'warning: {self.warnings[name]}', file=sys.stderr)

  def inspected(self, round_number: int, measured: Mapping[str, float]) -> None:
    """Log what an inspector measured at a round, if anything."""
    if measured:
      self._inspection.append({'round': round_number, **measured})
      self._writer.write_scalars(round_number, dict(measured))

  def sample(self, round_number: int, state: state_lib.SimGANState) -> None:
    """Write the sheet synthetic | refined | real of a round."""
    sharding = state.round.sharding
    synthetic = jax.device_put(self._synthetic, sharding)
    refined = jax.device_get(self._refine(state.refiner, synthetic))
    sheet = samples.draw_sheet(
        self._synthetic, samples.to_uint8(refined), self._real
    )
    name = f'round_{round_number:06d}.png'
    samples.write_png(os.path.join(self._workdir, 'samples', name), sheet)
    self._writer.write_images(round_number, {'samples': sheet[None]})

  def close(self) -> None:
    """Finish the files."""
    if self._progress is not None:
      self._progress.close()
    self._writer.close()
