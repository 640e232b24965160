"""Write docs/api.md from the docstrings: python docs/make_api.py [PAGE].

The page lists every public class, method and function of simgan_jax/, room by
room. The files are read and not imported, so nothing needs to be installed.
"""

import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parent.parent
_HEADING = re.compile(r'(Args|Attributes|Returns|Raises|Yields):$')
_ENTRY = re.compile(r'  (\*{0,2}[\w.]+): (.*)')  # of Args, Attributes, Raises


def format_docstring(docstring: str) -> list[str]:
  """Return a Google-style docstring as lines of Markdown.

  The entries of a section become a list, and examples a block of code.
  """
  lines = []
  section = ''
  is_example = False
  for line in docstring.splitlines():
    if is_example and not line.strip():
      lines.append('```')
      is_example = False
    elif not is_example and line.startswith('>>> '):
      lines.append('```python')
      is_example = True
    heading = _HEADING.match(line)
    if heading:
      section = heading[1]
      lines += [f'**{section}**', '']
    elif section and (entry := _ENTRY.match(line)) and section != 'Returns':
      lines.append(f'- `{entry[1]}`: {entry[2]}')
    else:
      lines.append(line.strip() if section else line)
  return [*lines, '```'] if is_example else lines


def _signature(function: ast.FunctionDef) -> str:
  """Return the names and defaults of the parameters, without their types."""
  for node in ast.walk(function.args):
    if isinstance(node, ast.arg):
      node.annotation = None
  return re.sub(r'^self(, )?', '', ast.unparse(function.args))


def _describe(node, name: str, level: int) -> list[str]:
  """Return the lines about a function, or about a class and its methods."""
  is_function = isinstance(node, ast.FunctionDef)
  title = f'{name}({_signature(node)})' if is_function else name
  lines = [f'{"#" * level} `{title}`', '']
  lines += [*format_docstring(ast.get_docstring(node) or ''), '']
  if not is_function:
    for member in _public(node):
      if ast.get_docstring(member):
        lines += _describe(member, f'{name}.{member.name}', level + 1)
  return lines


def _public(node) -> list:
  """Return the public classes and functions in a module or a class."""
  return [
      child
      for child in node.body
      if isinstance(child, (ast.ClassDef, ast.FunctionDef))
      and not child.name.startswith('_')
  ]


def make() -> str:
  """Return the page."""
  lines = ['# API', '', 'Written by `make api` from the docstrings.', '']
  for path in sorted((ROOT / 'simgan_jax').rglob('*.py')):
    name = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
    module = ast.parse(path.read_text())
    lines += [f'## {name.removesuffix(".__init__")}', '']
    lines += [*format_docstring(ast.get_docstring(module) or ''), '']
    for node in _public(module):
      lines += _describe(node, node.name, 3)
  return '\n'.join(lines).rstrip() + '\n'


if __name__ == '__main__':
  page = sys.argv[1] if len(sys.argv) > 1 else ROOT / 'docs' / 'api.md'
  pathlib.Path(page).write_text(make())
