"""Turing test: python -m simgan_jax.studies.turing_test --workdir=DIR."""

from absl import flags

from simgan_jax.machine import devices
from simgan_jax.settings import command_line, stored
from simgan_jax.studies.turing_test import answers, results, server, trials

_WORKDIR = command_line.define_path(
    'workdir', 'runs/eyes', 'Folder of the run.'
)
_DATA_DIR = command_line.define_data_dir()
_KIND = flags.DEFINE_enum(
    'kind',
    'refined',
    list(trials.NUM_IMAGES),
    'Images to tell from real ones; synthetic is the control.',
)
_HOST = flags.DEFINE_string(
    'host',
    '127.0.0.1',
    'Address to serve at; the default takes only this machine.',
)
_PORT = flags.DEFINE_integer('port', 8000, '0 takes a free one.', 0, 65_535)


def main() -> None:
  """Serve the test until Ctrl-C, then print the result."""
  workdir, kind = _WORKDIR.value, _KIND.value
  config = stored.read_run(workdir)
  listener = server.listen(_HOST.value, _PORT.value)
  devices.use_cores(config.evaluation.batch_size)
  devices.cache_programs()
  devices.start()
  # After use_cores: this import may start a JAX backend.
  from simgan_jax.studies.turing_test import images

  study, path = images.load_study(workdir, data_dir=_DATA_DIR.value, kind=kind)
  host = f'[{_HOST.value}]' if ':' in _HOST.value else _HOST.value
  state = trials.Trials(study, answers.AnswersFile(path))
  print(
      f'visual Turing test, real or {kind}:'
      f' http://{host}:{listener.getsockname()[1]}/ (Ctrl-C stops); answers in'
      f' {path}',
      flush=True,
  )
  server.serve(server.create_app(state, host=_HOST.value), listener)
  if state.answers():
    found = results.score(results.count(state.answers()))
    print(f'\n{results.conclude(found, kind=kind)}')


if __name__ == '__main__':
  command_line.run(main)
