"""Runs that are killed, stopped, damaged or short of disk, and go on."""

import os
import shlex
import shutil
import signal
import subprocess
import sys

import jax
import numpy as np
import pytest
from runs import (
    NUM_ROUNDS,
    ROOT,
    SHRUNK,
    assert_same_run,
    read_parameters,
    wait_for,
)


def test_kill_9_and_again_equals_the_uninterrupted_run(
    command, run, finished, tmp_path
):
  workdir = tmp_path / 'killed'
  # Once while pre-training or in the first save, once among the rounds.
  for landmark in ('config.json', 'checkpoints/6'):
    process = command('train.py', workdir, *SHRUNK)
    wait_for(workdir / landmark, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
  code, output, error = run('train.py', workdir, *SHRUNK)
  assert code == 0, error
  assert f'to {NUM_ROUNDS}' in output and 'rounds 0 to' not in output
  assert_same_run(workdir, finished)


def test_sigterm_and_ctrl_c_save_and_the_run_continues(
    command, run, finished, tmp_path
):
  for stop in (signal.SIGTERM, signal.SIGINT):
    workdir = tmp_path / stop.name
    process = command('train.py', workdir, *SHRUNK)
    wait_for(workdir / 'checkpoints/2', process)
    process.send_signal(stop)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + stop, error
    assert 'stopped and saved at round' in error
    saved = max(int(p.name) for p in (workdir / 'checkpoints').iterdir())
    assert 2 <= saved < NUM_ROUNDS
  assert run('train.py', workdir, *SHRUNK)[0] == 0
  assert_same_run(workdir, finished)


@pytest.mark.parametrize('damage', ['cut off', 'one bit', 'missing'])
def test_a_corrupt_newest_checkpoint_falls_back(
    run, finished, tmp_path, damage
):
  workdir = tmp_path / 'corrupt'
  shutil.copytree(finished, workdir)
  newest = workdir / 'checkpoints' / str(NUM_ROUNDS)
  path = max(newest.rglob('d/*'), key=lambda path: path.stat().st_size)
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  if damage == 'missing':
    path.unlink()
  else:
    path.write_bytes(content if damage == 'one bit' else content[:50])
  code, _, error = run('train.py', workdir, *SHRUNK)
  assert code == 0, error
  (warning,) = (line for line in error.splitlines() if 'train:' not in line)
  assert f'round {NUM_ROUNDS}' in warning and 'cannot be read' in warning
  assert_same_run(workdir, finished)


def test_a_finished_run_stays_as_it_is(run, finished):
  before = (finished / 'metrics.jsonl').read_bytes()
  code, output, _ = run('train.py', finished, *SHRUNK)
  assert code == 0 and f'round {NUM_ROUNDS}' in output
  assert (finished / 'metrics.jsonl').read_bytes() == before


def test_a_diverged_run_stops_and_keeps_the_good_checkpoint(run, tmp_path):
  code, _, error = run(
      'train.py',
      tmp_path,
      *SHRUNK,
      '--config.optimizer.learning_rate=1e18',
      '--config.pretrain_refiner_steps=0',
      '--config.pretrain_discriminator_steps=0',
  )
  assert code == 1, error
  assert 'error: round' in error and 'is not finite' in error
  assert 'refiner/' in error and 'Traceback' not in error
  rounds = [int(path.name) for path in (tmp_path / 'checkpoints').iterdir()]
  assert rounds == [0]
  leaves = jax.tree.leaves(read_parameters(tmp_path, 0))
  assert all(np.isfinite(leaf).all() for leaf in leaves)


def test_a_second_process_in_the_same_folder_refuses(command, run, tmp_path):
  first = command('train.py', tmp_path, *SHRUNK)
  wait_for(tmp_path / 'config.json', first)
  code, _, error = run('train.py', tmp_path, *SHRUNK)
  assert first.poll() is None, 'it was not at work any more'
  assert code == 2 and error.count('\n') == 1
  assert f'{tmp_path} is in use by another process' in error
  _, error = first.communicate(timeout=300)
  assert first.returncode == 0, error


FULL_DISK = """
mount -t tmpfs -o size=2500k tmpfs {disk} || exit 77
{train} && exit 1
ls {disk}/run/checkpoints
mount -o remount,size=20m {disk}
{train} && cp -r {disk}/run {out}
"""


def test_a_full_disk_keeps_the_last_checkpoint(
    finished, data_dir, environment, tmp_path
):
  disk = tmp_path / 'disk'
  disk.mkdir()
  train = [
      *(sys.executable, 'train.py', f'--workdir={disk / "run"}'),
      *(f'--data_dir={data_dir}', *SHRUNK),
  ]
  script = FULL_DISK.format(
      disk=disk, train=shlex.join(train), out=tmp_path / 'out'
  )
  # A mount of its own, which is gone with the process.
  as_root = ['--user', '--map-root-user'] * bool(os.getuid())
  done = subprocess.run(
      ['unshare', '--mount', *as_root, 'sh', '-c', script],
      cwd=ROOT,
      env=environment,
      capture_output=True,
      text=True,
  )
  if done.returncode == 77:
    pytest.skip('no file system can be mounted here')
  assert done.returncode == 0, done.stderr
  assert 'No space left on device' in done.stderr
  assert ' is kept: make room and run the same command' in done.stderr
  assert 'Traceback' not in done.stderr
  assert {'0', '2'} <= set(done.stdout.split())
  assert_same_run(tmp_path / 'out', finished)
