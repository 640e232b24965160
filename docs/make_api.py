"""Write docs/api.md from the docstrings: python docs/make_api.py."""

import importlib
import inspect
import pathlib
import sys

ROOT = pathlib.Path(__file__).parent.parent
MODULES = (
    *('networks', 'losses', 'history', 'state', 'steps', 'rounds', 'mesh'),
    *('create', 'config', 'loop', 'checkpoint', 'selection', 'inspector'),
    *('refining', 'refined.job', 'export.program', 'inputs'),
    *('data.labelled_images', 'data.sources', 'data.arrays', 'data.check'),
    *('simulators.eyes', 'simulators.hands'),
    *('estimators.gaze', 'estimators.hands', 'evaluation.protocol'),
    *('evaluation.realism', 'evaluation.patches', 'evaluation.labels'),
)


def _members(module):
  """Yield the public classes and functions of a module, as they stand."""
  for name, member in vars(module).items():
    own = getattr(member, '__module__', None) == module.__name__
    kind = inspect.isclass(member) or inspect.isfunction(member)
    if own and kind and not name.startswith('_'):
      yield name, member


def _describe(name, member, level):
  signature = ''
  if inspect.isfunction(member):
    names = []
    for parameter in inspect.signature(member).parameters.values():
      if parameter.kind is parameter.KEYWORD_ONLY and '*' not in names:
        names.append('*')
      names.append(str(parameter).split(':')[0].split('=')[0].strip())
    signature = f'({", ".join(n for n in names if n != "self")})'
  lines = [f'{"#" * level} `{name}{signature}`', '']
  lines += ['```text', inspect.getdoc(member) or '', '```', '']
  return lines


def make() -> str:
  """Return the page."""
  lines = [
      '# API',
      '',
      'Written by `python docs/make_api.py` from docstrings.',
      '',
  ]
  for name in MODULES:
    module = importlib.import_module(f'simgan_jax.{name}')
    lines += [f'## simgan_jax.{name}', '', inspect.getdoc(module) or '', '']
    for label, member in _members(module):
      lines += _describe(label, member, 3)
      if inspect.isclass(member):
        for method, function in vars(member).items():
          if inspect.isfunction(function) and not method.startswith('_'):
            if inspect.getdoc(function):
              lines += _describe(f'{label}.{method}', function, 4)
  return '\n'.join(lines).rstrip() + '\n'


if __name__ == '__main__':
  sys.path.insert(0, str(ROOT))
  (ROOT / 'docs' / 'api.md').write_text(make())
