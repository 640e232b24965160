"""One run trained by two real processes, against the same by one."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent import futures

import jax
import numpy as np
import pytest
from runs import NUM_ROUNDS, ROOT, SHRUNK, read_metrics, wait_for

from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.settings import stored
from simgan_jax.training import build, checkpoint

# Half a batch must be a multiple of the four devices.
SETTINGS = [*SHRUNK, '--config.batch_size=8', '--config.history_size=16']


@pytest.fixture(scope='module')
def start_pair(command):
  """Return a function that starts two processes with two devices each."""
  started = []

  def start(workdir, *flags):
    with socket.socket() as probe:
      probe.bind(('127.0.0.1', 0))
      address = f'127.0.0.1:{probe.getsockname()[1]}'
    variables = {
        'JAX_COORDINATOR_ADDRESS': address,
        'JAX_NUM_PROCESSES': '2',
        'JAX_NUM_CPU_DEVICES': '2',
    }
    pair = [
        command(
            'train.py',
            workdir,
            '--distributed',
            *SETTINGS,
            *flags,
            variables=variables | {'JAX_PROCESS_ID': str(number)},
        )
        for number in range(2)
    ]
    started.extend(pair)
    return pair

  yield start
  for process in started:
    process.send_signal(signal.SIGKILL)


@pytest.fixture(scope='module', autouse=True)
def deaths(start_pair, tmp_path_factory):
  """Kill a process of two pairs; return when and how the others will end.

  Of one pair it is the first, which the other connects to, of one the second.
  It takes half a minute, in which the other tests run.
  """
  folder = tmp_path_factory.mktemp('killed')
  pairs = [
      start_pair(folder / str(victim), '--config.num_rounds=100000')
      for victim in range(2)
  ]
  for victim, pair in enumerate(pairs):
    wait_for(folder / f'{victim}/checkpoints/2', pair[0])
  for victim, pair in enumerate(pairs):
    pair[victim].send_signal(signal.SIGKILL)
  killed = time.monotonic()

  def watch(process):
    _, error = process.communicate(timeout=90)
    return time.monotonic() - killed, process.returncode, error

  with futures.ThreadPoolExecutor() as pool:
    yield [pool.submit(watch, p[1 - i]) for i, p in enumerate(pairs)]


@pytest.fixture(scope='module')
def by_two(start_pair, tmp_path_factory):
  """Return the folder of a run by two processes, and what each printed."""
  workdir = tmp_path_factory.mktemp('runs') / 'two'
  pair = start_pair(workdir)
  outputs = [process.communicate(timeout=300) for process in pair]
  assert [process.returncode for process in pair] == [0, 0], outputs
  return workdir, outputs


def restore(workdir):
  """Return the newest networks and history, on one device."""
  config = stored.read(str(workdir / 'config.json'))
  state = build.make_state_fn(config, mesh_lib.make_mesh(1))()
  checkpoints = checkpoint.Checkpoints(
      str(workdir), rule=selection.Rule(config.data.width, config.num_rounds)
  )
  restored = checkpoints.restore(state)
  checkpoints.close()
  assert int(restored.round) == NUM_ROUNDS
  networks = restored.refiner.params, restored.discriminator.params
  return jax.device_get((networks, restored.history))


def test_two_processes_train_what_one_trains(run, by_two, tmp_path):
  workdir, ((output, _), (other, error)) = by_two
  alone = tmp_path / 'alone'
  code, _, message = run('train.py', alone, *SETTINGS, '--num_devices=4')
  assert code == 0, message
  expected, found = read_metrics(alone), read_metrics(workdir)
  assert [row['round'] for row in found] == [row['round'] for row in expected]
  for row, same in zip(found, expected, strict=True):
    # The four gradients are added up in another order.
    assert row == pytest.approx(same, rel=1e-4, abs=1e-4)
  jax.tree.map(
      lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4),
      restore(workdir),
      restore(alone),
  )
  sheet = f'samples/round_{NUM_ROUNDS:06d}.png'
  assert (workdir / sheet).exists() and (workdir / 'report.html').exists()
  assert json.loads((workdir / 'summary.json').read_text())['rounds'] == 12
  assert f'round {NUM_ROUNDS}' in output and 'train:' not in error
  assert 'rounds 0 to' in output and 'round' not in other


def test_one_process_continues_the_run_of_two(run, by_two):
  workdir, _ = by_two
  longer = NUM_ROUNDS + 2
  code, output, error = run(
      'train.py', workdir, *SETTINGS, f'--config.num_rounds={longer}'
  )
  assert code == 0, error
  assert f'rounds {NUM_ROUNDS} to {longer}' in output


def test_without_a_cluster_it_says_what_is_missing(tmp_path):
  environment = {
      name: value
      for name, value in os.environ.items()
      if not name.startswith('JAX_')
  }
  done = subprocess.run(
      [
          *(sys.executable, 'train.py', '--distributed', *SETTINGS),
          f'--workdir={tmp_path}',
      ],
      cwd=ROOT,
      env=environment,
      capture_output=True,
      text=True,
  )
  assert done.returncode == 2 and done.stderr.count('\n') == 1, done.stderr
  assert 'JAX_COORDINATOR_ADDRESS=HOST:PORT' in done.stderr


def test_a_killed_process_ends_the_other(deaths):
  for death in deaths:
    seconds, code, error = death.result()
    assert seconds < 60
    assert code not in (0, None)
    assert 'another task died' in error or 'leader' in error, error
