"""A trained run as an object: refine, evaluate."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt

from simgan_jax.data import arrays, in_memory
from simgan_jax.machine.errors import InputError
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import stored


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """What `Run.evaluate` found; `print` shows the tables."""

  results: dict[str, Any]  # the contents of `eval/metrics.json`
  report: str  # path of the page

  @property
  def conclusion(self) -> str:
    """The sentence that says what refining did."""
    from simgan_jax.report import sentences

    return sentences.conclude(self.results)

  def __str__(self) -> str:
    """Return the tables that eval.py prints."""
    from simgan_jax.report import terminal

    return terminal.format_tables(self.results)


@dataclasses.dataclass(frozen=True)
class Run:
  """A trained SimGAN in its working directory."""

  workdir: str

  @property
  def config(self) -> config_lib.Config:
    """The settings of the run."""
    return stored.read_run(self.workdir)

  def refine(
      self, images: Shaped[np.ndarray, '_ ...'], *, sample: int = 0
  ) -> UInt[np.ndarray, 'n h w c']:
    """Return refined images.

    Args:
      images: Synthetic images of the run's size, [n, h, w, c] or [n, h, w],
        uint8, uint16 or float in [0, 1].
      sample: Number of the sample, of a refiner with `noise_channels`.

    Returns:
      Refined images, [n, h, w, c] uint8, or uint16 for uint16 images.

    Raises:
      InputError: If the images have another size, or if the run has no trained
        checkpoint or lacks its file of histograms.
      NonFiniteError: If refined images have values that are not numbers.
    """
    from simgan_jax.machine import mesh as mesh_lib
    from simgan_jax.training import refiners

    config, images = self.config, in_memory.to_integers(images, 'images')
    size = config.data.height, config.data.width, config.data.channels
    if images.shape[1:] != size:
      raise InputError(
          f'images are {list(images.shape[1:])}, the run in {self.workdir}'
          f' refines {list(size)} (height, width, channels); resize them.'
      )
    mesh = mesh_lib.make_mesh()
    refiner, _ = refiners.load_refiner(config, workdir=self.workdir, mesh=mesh)
    prepared = refiners.match_histograms(config, images, workdir=self.workdir)
    return refiners.refine_images(
        refiner,
        prepared,
        mesh=mesh,
        dtype=images.dtype.type,
        seed=config.seed,
        samples=sample,
    )

  def evaluate(
      self,
      images: Shaped[np.ndarray, '_ ...'],
      labels: Shaped[np.ndarray, '_ ...'],
      *,
      groups: Sequence[Any] | None = None,
      seeds: Sequence[int] = (),
  ) -> Evaluation:
    """Return how much refining helps an estimator on real images.

    Trains estimators on synthetic and refined images and tests them on the
    given ones, as eval.py does, and writes the same files.

    Args:
      images: Labelled real images, as those of `fit`.
      labels: Their labels, as those of `fit`.
      groups: Person, track or clip of each image, [n]; the bootstrap draws
        whole groups.
      seeds: Seeds of the estimators; by default those of the settings.

    Returns:
      The numbers of `eval/metrics.json` and the path of the report. The test
      images are kept in `data/test.npz`, for eval.py --test_path.

    Raises:
      InputError: If the labels are of another kind than the synthetic ones, or
        the run has no trained checkpoint.
      NonFiniteError: If a loss or a refined image is not finite.
    """
    from simgan_jax.evaluation import protocol
    from simgan_jax.evaluation import run as run_lib

    config = self.config
    test = in_memory.make_set(
        images, labels, groups, config.evaluation.task, 'test'
    )
    path = path_of(self.workdir, 'test')
    arrays.write(path, test)
    run = run_lib.read(
        workdir=self.workdir, data_dir='', seeds=seeds, test_path=path
    )
    results = protocol.evaluate(run)
    return Evaluation(results, os.path.join(self.workdir, 'report.html'))


def load(workdir: str) -> Run:
  """Return the run in a folder; raise InputError if there is none."""
  run = Run(workdir)
  _ = run.config
  return run


def path_of(workdir: str, name: str) -> str:
  """Return the file of a run's synthetic, real or test images."""
  return os.path.join(workdir, 'data', f'{name}.npz')
