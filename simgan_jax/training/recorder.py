"""What a person sees of a run: progress, metrics, sheets, warnings."""

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax.training import train_state

from simgan_jax.machine import batching, files, progress, silence
from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.report import metrics_file, page, sheets, tensorboard
from simgan_jax.settings import config as config_lib
from simgan_jax.training import monitor, refiners

_NUM_REFINED = 64  # images for a page, of which 16 are drawn
_NUM_REAL = 1_000
_NUM_SAMPLES = 6  # of each image, of a refiner with noise


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
      facts: Mapping[str, Any],
      warnings: Mapping[str, str],
  ):
    """Open the files of `workdir`.

    Args:
      workdir: Path of the working directory.
      config: Settings of the run.
      synthetic: Images to choose from for the sheets, [n, h, w, c] uint8.
      real: Real images to choose from, [m, h, w, c] uint8.
      first_round: Round at which this start begins, 0 for a new run.
      facts: What the page says about the run, by name.
      warnings: Sentences about the data, by short names.
    """
    self.warnings = dict(warnings)
    self._workdir, self._config, self._facts = workdir, config, facts
    self._synthetic = synthetic[batching.spread(len(synthetic), _NUM_REFINED)]
    self._real = real[batching.spread(len(real), _NUM_REAL)]
    self._grey_values = {
        'synthetic': sheets.grey_shares(self._synthetic),
        'real': sheets.grey_shares(self._real),
    }
    self._metrics = metrics_file.MetricsFile(workdir, last_round=first_round)
    # A new run measures round 0 again, after pre-training.
    self._inspection = metrics_file.MetricsFile(
        workdir, last_round=first_round or -1, name=metrics_file.INSPECTION
    )
    self._writer = tensorboard.Writer(workdir)
    self._progress: Any = silence.Silent()  # a bar, once started
    self._first_refiner: train_state.TrainState | None = None
    self._clock = (0, 0.0)  # last logged round, and when that was

  def start(self, round_number: int, refiner: train_state.TrainState) -> None:
    """Show the progress bar; the first sheet of a new run is drawn later."""
    if round_number == 0:
      self._first_refiner = jax.device_get(refiner)
    self._progress = progress.make_bar(
        self._config.num_rounds, 'train', 'round', done=round_number
    )
    self._clock = (round_number, time.monotonic())

  def advance(self, num_rounds: int) -> None:
    """Move the progress bar."""
    self._progress.update(num_rounds)

  def log(self, round_number: int, metrics: dict[str, float]) -> None:
    """Write the metrics of a round, and warn if they look wrong."""
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
    self._metrics.append({'round': round_number, **metrics})
    self._writer.write_scalars(round_number, metrics)
    self._progress.set_postfix_str(
        f'change {metrics["refiner/change"]:.3f}, D right on real'
        f' {metrics["discriminator/real_accuracy"]:.0%}, refined'
        f' {metrics["discriminator/refined_accuracy"]:.0%}',
        refresh=False,
    )
    for name, sentence in monitor.find_warnings(self._metrics.rows).items():
      if name not in self.warnings:
        self.warnings[name] = f'round {round_number}: {sentence}'
        progress.write_line(f'warning: {self.warnings[name]}')
    self._sample_first()

  def _sample_first(self) -> None:
    refiner, self._first_refiner = self._first_refiner, None
    if refiner is not None:
      self.sample(0, refiner)

  def inspected(self, round_number: int, measured: Mapping[str, float]) -> None:
    """Write what an inspector measured at a round, if anything."""
    if measured:
      self._inspection.append({'round': round_number, **measured})
      self._writer.write_scalars(round_number, dict(measured))

  def sample(self, round_number: int, refiner: train_state.TrainState) -> None:
    """Write the sheet synthetic | refined | real of a round, and the page."""
    self._sample_first()
    # On one device, because other processes take no part in this.
    mesh = mesh_lib.make_mesh(1)
    has_noise = self._config.refiner.noise_channels > 0
    with mesh_lib.intentional_copy():
      refiner = mesh_lib.copy_to(refiner, mesh)
      samples = [
          refiners.refine_images(
              refiner,
              self._synthetic,
              mesh=mesh,
              batch_size=_NUM_REFINED,
              seed=self._config.seed,
              samples=sample,
          )
          for sample in range(_NUM_SAMPLES if has_noise else 1)
      ]
    refined = samples[0]
    sheet = sheets.draw_sheet(
        *map(sheets.choose, (self._synthetic, refined, self._real))
    )
    folder = os.path.join(self._workdir, 'samples')
    sheets.write_png(
        os.path.join(folder, f'round_{round_number:06d}.png'), sheet
    )
    sheets.write_png(
        os.path.join(folder, 'neighbours.png'),
        sheets.draw_neighbours(refined, self._real),
    )
    if has_noise:
      sheets.write_png(
          os.path.join(folder, 'noise.png'),
          sheets.draw_samples(self._synthetic, samples, self._real),
      )
    shares = self._grey_values | {'refined': sheets.grey_shares(refined)}
    files.write_text(
        os.path.join(folder, 'grey_values.json'), json.dumps(shares) + '\n'
    )
    self._writer.write_images(round_number, {'samples': sheet[None]})
    page.render(
        self._workdir,
        config=dataclasses.asdict(self._config),
        summary={
            'rounds': f'{round_number:,} of {self._config.num_rounds:,}',
            **self._facts,
        },
        warnings=list(self.warnings.values()),
    )

  def close(self) -> None:
    """Finish the files."""
    self._progress.close()
    self._writer.close()
