"""The line charts of the page: every finite point, few of a long run."""

import math

import numpy as np

from simgan_jax.report import charts


def _points(figure):
  return [line.get_xydata() for line in figure.axes[0].get_lines()]


def test_lines_span_the_chart_and_leave_out_what_is_not_finite():
  rows = [{'round': i, 'a': 90.0 - i, 'b': math.nan} for i in range(10)]
  rows[4]['a'], rows[7]['b'] = math.inf, 1.0
  lines = charts.read_lines(rows, ['b', 'a', 'c'])
  assert list(lines) == ['b: 1', 'a: 81']
  figure = charts.draw(lines, xlabel='round')
  b, a = _points(figure)
  np.testing.assert_array_equal(b, [[7, 1]])
  rounds = [0, 1, 2, 3, 5, 6, 7, 8, 9]
  np.testing.assert_array_equal(a, [[i, 90 - i] for i in rounds])
  (axes,) = figure.axes
  assert axes.get_xlim() == (0, 9)
  low, high = axes.get_ylim()
  assert low <= 1 and high >= 90


def test_a_fixed_range():
  lines = {'x': [(0, 0.75), (1, 0.75)]}
  figure = charts.draw(lines, xlabel='round', limits=[0, 1])
  assert figure.axes[0].get_ylim() == (0, 1)


def test_a_long_run_keeps_its_ends():
  lines = {'x': [(i, i / 1_000) for i in range(1_002)]}
  figure = charts.draw(lines, xlabel='round')
  (points,) = _points(figure)
  assert len(points) == 400
  assert points[0].tolist() == [0, 0] and points[-1].tolist() == [1_001, 1.001]


def test_one_svg_element_that_looks_the_same_every_time():
  def draw():
    figure = charts.draw({'<x> & $y$': [(3, 1.0)]}, xlabel='round')
    return charts.to_svg(figure, 'name')

  text = draw()
  assert text == draw()
  assert text.startswith('<svg') and text.rstrip().endswith('</svg>')
  assert '&lt;x&gt;' in text and '<x>' not in text
