"""Ablations: python -m simgan_jax.studies.ablation --config=FILE:PRESET."""

import math
import os
import re
import shlex
import sys

from absl import flags

from simgan_jax.machine import devices, errors
from simgan_jax.settings import command_line, validation
from simgan_jax.settings import config as config_lib
from simgan_jax.studies.ablation import variants as variants_lib

_CONFIG = command_line.define_config()
_WORKDIR = command_line.define_path(
    'workdir', 'runs/ablation', 'Folder of the runs, one a variant.'
)
_DATA_DIR = command_line.define_data_dir()
_OUTPUT = command_line.define_path(
    'output',
    'docs/ablations.md',
    'Page to write; sheets and numbers go beside it.',
)
_ONLY = flags.DEFINE_list(
    'only', [], 'Variants to run; those they are compared with run too.'
)
_LIST = flags.DEFINE_bool('list', False, 'Print the variants and stop.')
_NUM_SEEDS = flags.DEFINE_integer(
    'num_seeds', 1, 'Estimators a row.', 1, allow_override=True
)


def _describe_command() -> str:
  """Return the command line, without the machine's paths."""
  words = [
      re.sub(r'(\.path=).*', r'\1PATH', word)
      for word in sys.argv[1:]
      if re.match(r'--?(config|num_seeds)\b.*=', word)
  ]
  return shlex.join(['python', '-m', 'simgan_jax.studies.ablation', *words])


def main() -> None:
  """Run the variants that are not finished, and write the page."""
  output, workdir = _OUTPUT.value, _WORKDIR.value
  if not output.endswith('.md'):
    raise errors.InputError(f'--output={output} must end in .md.')
  config = variants_lib.reduce_evaluation(
      _CONFIG.value, num_seeds=_NUM_SEEDS.value
  )
  variants = variants_lib.make_variants(config)
  selected = variants_lib.select(variants, _ONLY.value)
  if _LIST.value:
    for variant in selected:
      settings = variants_lib.describe_settings(variant)
      print(f'{variant.name:<22}{variant.title:<38}{settings}'.rstrip())
    return
  validation.validate(config)
  devices.use_cores(
      math.gcd(config_lib.divisible_size(config), config.evaluation.batch_size)
  )
  devices.cache_programs()
  devices.start()
  # After use_cores: these imports may start a JAX backend.
  from simgan_jax.studies.ablation import page, results, runner

  def write_page() -> None:
    found = {
        name: results.read(variant, os.path.join(workdir, name))
        for name, variant in variants.items()
    }
    finished = [r for r in found.values() if r and found[r.variant.reference]]
    missing = sorted(set(found) - {r.variant.name for r in finished})
    page.render(output, finished, missing=missing, command=_describe_command())

  runner.run(selected, write_page, workdir=workdir, data_dir=_DATA_DIR.value)
  print(f'{len(selected)} variants; page: {output}')


if __name__ == '__main__':
  command_line.run(main)
