"""The examples run as they stand, in a kernel of their own and smaller."""

import re

import nbclient
import nbformat
from runs import ROOT

SMALL = {
    'num_images': 64,
    'num_rounds': 2,
    'num_steps': 4,
    'num_seeds': 1,
    'num_photographs': 40,
}


def test_the_notebook_from_its_first_to_its_last_cell(
    tmp_path, environment, monkeypatch
):
  notebook = nbformat.read(ROOT / 'examples/your_simulator.ipynb', 4)
  assert not any(cell.get('outputs') for cell in notebook.cells)
  (parameters,) = (
      cell
      for cell in notebook.cells
      if 'parameters' in cell.metadata.get('tags', [])
  )
  for name, value in SMALL.items():
    parameters.source, count = re.subn(
        rf'^{name} = [\d_]+', f'{name} = {value}', parameters.source, flags=re.M
    )
    assert count == 1, name
  monkeypatch.setenv('PYTHONPATH', str(ROOT))
  monkeypatch.setenv('XDG_CACHE_HOME', environment['XDG_CACHE_HOME'])
  monkeypatch.setenv('IPYTHONDIR', str(tmp_path / 'ipython'))
  client = nbclient.NotebookClient(
      notebook, timeout=300, resources={'metadata': {'path': str(tmp_path)}}
  )
  client.execute()
  outputs = [
      output for cell in notebook.cells for output in cell.get('outputs', ())
  ]
  pictures = [o for o in outputs if 'image/png' in o.get('data', {})]
  assert len(pictures) == 2
  last = ''.join(o['text'] for o in notebook.cells[-2].outputs if 'text' in o)
  assert 'Refining ' in last.splitlines()[-1]
  assert (tmp_path / 'runs/gauges/report.html').exists()
