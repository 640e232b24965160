"""What prepare.py --check prints and draws of the data sets of a run."""

import os

from simgan_jax.data import inputs, preview
from simgan_jax.machine import errors
from simgan_jax.report import sheets
from simgan_jax.settings import validation
from simgan_jax.settings.config import Config


def run(config: Config) -> None:
  """Print what is read from the data sets that are given, and draw sheets.

  The sheets are check-synthetic.png, check-real.png and check-test.png in the
  current folder.

  Raises:
    InputError: If the settings are wrong, no data set is given, or not all
      images can be read.
  """
  validation.validate(
      config, optional=('data.synthetic.path', 'data.real.path')
  )
  sources = inputs.open_given(config)
  if not sources:
    raise errors.InputError(
        'there is nothing to check: set --config.data.synthetic.path or'
        ' --config.data.real.path.'
    )
  problems = []
  for kind, source in sources.items():
    found = preview.look(kind, source)
    print('\n'.join(found.lines), flush=True)
    problems += found.problems
    if found.images is not None:
      path = os.path.abspath(f'check-{kind}.png')
      sheet = sheets.draw_contacts(found.images, found.names, found.marks)
      try:
        sheets.write_png(path, sheet)
      except OSError as error:
        raise errors.InputError(
            f'{path} cannot be written ({error.strerror}); call prepare.py from'
            ' a folder that can.'
        ) from error
      print(f'  drawn in {path}')
  if problems:
    raise errors.InputError(' '.join(problems))
