"""The README's figures are the committed ones."""

import json
import pathlib

ROOT = pathlib.Path(__file__).parents[2]


def _cells(row):
  within = ' / '.join(f'{row["within_deg"][k]:.0f}' for k in ('5', '7', '10'))
  mean = row['mean_deg']
  return f'{mean["mean"]:.2f} +- {mean["std"]:.2f} | {within} / '


def test_the_columbia_table_is_the_committed_run():
  readme = (ROOT / 'README.md').read_text()
  text = (ROOT / 'benchmarks' / 'columbia.json').read_text()
  results = json.loads(text)['metrics']
  rows = {
      (row['train_on'], row['scale'], row['augmented']): row
      for row in results['rows']
      if row['method'] == 'cnn'
  }
  for (train_on, scale, augmented), row in rows.items():
    name = {'real': 'real labels'}.get(train_on, train_on)
    name += f' {scale}x' if scale > 1 else ''
    (line,) = (
        line
        for line in readme.splitlines()
        if line.startswith(f'| {name} | {row["images"]:,} |')
        and line.count('|') == 7
    )
    assert _cells(row) in line.split(' | ', 4 if augmented else 2)[-1]
  constant = results['constant_predictor']['mean_deg']
  assert f'| constant | | {constant:.2f} |' in readme
  for pair in results['comparisons']:
    low, high = pair['ratio_interval']
    assert f'{pair["ratio"]:.2f} ({low:.2f}-{high:.2f}' in readme


def test_the_table_of_hands_is_the_committed_run():
  readme = (ROOT / 'README.md').read_text()
  text = (ROOT / 'benchmarks' / 'hands.json').read_text()
  for row in json.loads(text)['metrics']['rows']:
    name = {'real': 'real labels'}.get(row['train_on'], row['train_on'])
    px, mm = row['mean_px'], row['mean_mm']['mean']
    within = ' / '.join(f'{v:.0f}' for v in row['within_px'].values())
    line = (
        f'| {name} | {row["images"]:,} | {px["mean"]:.2f} +- {px["std"]:.2f}'
        f' | {mm:.1f} | {within} |'
    )
    assert line in readme
