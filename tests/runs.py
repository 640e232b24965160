"""The real config shrunk, and what a run of it leaves."""

import json
import pathlib
import time
import warnings

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from simgan_jax.measures import selection

ROOT = pathlib.Path(__file__).parent.parent
NUM_ROUNDS, WIDTH = 12, 40
SHRUNK = [
    '--config=configs/eyes.py',
    *(
        f'--config.{setting}'
        for setting in (
            f'num_rounds={NUM_ROUNDS}',
            'batch_size=4',
            'pretrain_refiner_steps=3',
            'pretrain_discriminator_steps=2',
            'log_every=2',
            'sample_every=6',
            'checkpoint_every=2',
            'history_size=8',
            'refiner.num_features=4',
            'refiner.num_blocks=1',
            'data.height=24',
            f'data.width={WIDTH}',
            'data.synthetic.limit=64',
            'data.real.limit=64',
            'data.test.limit=64',
            'data.match_histograms=true',
            'evaluation.base_images=32',
            'evaluation.num_steps=3',
            'evaluation.batch_size=8',
            'evaluation.num_seeds=2',
        )
    ),
]


def read_parameters(workdir, round_number=NUM_ROUNDS):
  path = (workdir / 'checkpoints' / str(round_number)).absolute()
  with warnings.catch_warnings():
    # Orbax warns that it takes the shardings from the file: they fit here.
    warnings.simplefilter('ignore', UserWarning)
    return jax.tree.map(np.asarray, ocp.load(path))


def read_metrics(workdir):
  lines = (workdir / 'metrics.jsonl').read_text().splitlines()
  return [
      {
          name: value
          for name, value in json.loads(line).items()
          if not name.startswith('perf/')
      }
      for line in lines
  ]


def read_inspection(workdir):
  lines = (workdir / 'inspection.jsonl').read_text().splitlines()
  return [json.loads(line) for line in lines]


def assert_same_run(workdir, finished):
  same = jax.tree.map(
      np.array_equal, read_parameters(workdir), read_parameters(finished)
  )
  assert all(jax.tree.leaves(same))
  assert read_metrics(workdir) == read_metrics(finished)
  assert read_inspection(workdir) == read_inspection(finished)


def best(rows):
  measured = {row['round']: row for row in rows}
  return selection.Rule(WIDTH, NUM_ROUNDS).order(list(measured), measured)[0]


def wait_for(path, process):
  while not path.exists():
    assert process.poll() is None, process.communicate()
    time.sleep(0.01)
