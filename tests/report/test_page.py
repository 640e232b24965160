"""`report.html` is self-contained, escaped, and as complete as the run."""

import html.parser
import json
import pathlib
import re

import numpy as np
import pytest

from simgan_jax.machine import files
from simgan_jax.measures import selection
from simgan_jax.report import charts, curves, sheets
from simgan_jax.report import page as page_lib
from simgan_jax.report import rows as rows_lib

VOID = {'meta', 'link', 'img', 'input'}


class _Page(html.parser.HTMLParser):
  """Elements, links and text of a page; every element must be closed."""

  def __init__(self, text):
    super().__init__()
    self.tags, self.links, self.words = [], [], []
    self._open = []
    self.feed(text)
    assert not self._open

  def handle_starttag(self, tag, attrs):
    self.tags.append(tag)
    values = dict(attrs)
    self.links += [values[k] for k in ('src', 'href') if k in values]
    if tag not in VOID:
      self._open.append(tag)

  def handle_endtag(self, tag):
    if tag not in VOID:
      assert self._open.pop() == tag

  def handle_data(self, data):
    self.words.append(data)

  @property
  def text(self):
    return ' '.join(' '.join(self.words).split())


def _read(workdir, **options):
  settings = {'config': {}, 'summary': {}} | options
  with open(
      page_lib.render(str(workdir), **settings), encoding='utf-8'
  ) as file:
    return file.read()


@pytest.fixture
def workdir(tmp_path):
  folder = tmp_path / 'a [run] <b>'
  images = np.zeros((2, 35, 55, 1), np.uint8)
  for number in (0, 100, 200):
    sheet = sheets.draw_sheet(images + number, images, images)
    sheets.write_png(str(folder / f'samples/round_{number:06d}.png'), sheet)
  logged = [
      {
          'round': i,
          'refiner/adversarial': 90.0 - i / 10,
          'refiner/self_regularization': 5.0 if i < 100 else float('nan'),
          'refiner/change': 0.1,
          'discriminator/real_accuracy': 0.75,
          'discriminator/refined_accuracy': 0.5,
      }
      for i in range(0, 201, 10)
  ]
  (folder / 'metrics.jsonl').write_text(
      ''.join(json.dumps(row) + '\n' for row in logged)
  )
  return folder


@pytest.fixture
def evaluated(workdir):
  rows = [
      rows_lib.Row('synthetic', 4, 8_000, {0: np.full(9, 10.0)}),
      rows_lib.Row('refined', 4, 8_000, {0: np.full(9, 7.5)}),
  ]
  results = rows_lib.build(
      rows, test_name='eyes <i>', constant_errors=np.full(9, 12.0)
  )
  files.write_json(str(workdir / 'eval/metrics.json'), results)
  curves.draw(str(workdir / 'eval/curve.png'), rows, test_name='eyes')
  return workdir


def test_loads_nothing(evaluated):
  text = _read(evaluated)
  page = _Page(text)
  assert len(page.links) == 5  # icon, curve, three sheets
  assert all(link.startswith('data:') for link in page.links)
  # Charts refer to their own parts: url(#id).
  assert not re.search(r'url\((?!#)|@import|xlink:href="(?!#)', text)
  assert '//' not in text.split('</head>')[0]


def test_names_and_values_are_escaped(evaluated):
  page = _Page(
      _read(
          evaluated,
          config={'data': {'path': '<script>1</script>'}},
          summary={'device': '<img src=x>'},
          warnings=['round 5: <b>&amp;'],
      )
  )
  assert page.tags.count('script') == 1 and 'b' not in page.tags
  assert 'i' not in page.tags
  for words in (
      *('SimGAN run a [run] <b>', 'data.path <script>1</script>'),
      *('device <img src=x>', 'round 5: <b>&amp;', 'images of eyes <i>.'),
  ):
    assert words in page.text


def test_shows_results(evaluated):
  page = _Page(_read(evaluated))
  assert 'Refining lowered the mean error from 10.00 to 7.50' in page.text
  assert 'refined 4x 8,000 7.50 7.50 0.0 0.0 100.0 100.0' in page.text
  assert 'off by 12.00 degrees' in page.text


def _add_tables(workdir):
  """Write results with two persons, three head yaws and another method."""
  angles = np.arange(1.0, 7.0)
  rows = [
      rows_lib.Row(train_on, scale, 2_000 * scale, {0: angles * factor}, *more)
      for train_on, scale, factor, *more in (
          ('synthetic', 1, 3),
          ('synthetic', 4, 2),
          ('refined', 4, 1),
          ('real', 1, 0.5),
          ('refined', 4, 0.25, True),
          ('refined', 4, 4, False, 'knn'),
      )
  ]
  results = rows_lib.build(
      rows,
      test_name='eyes',
      constant_errors=angles,
      groups={
          'head_yaw_deg': np.array([-15, 0, 15] * 2),
          'subject': np.array([25, 25, 25, 26, 26, 26]),
      },
  )
  files.write_json(str(workdir / 'eval/metrics.json'), results)


def test_tables_in_the_browser_narrow_and_wide(evaluated, browser):
  _add_tables(evaluated)
  page = browser.new_page(viewport={'width': 320, 'height': 600})
  page.goto(
      pathlib.Path(
          page_lib.render(str(evaluated), config={}, summary={})
      ).as_uri()
  )
  for width in (320, 1_200):
    page.set_viewport_size({'width': width, 'height': 600})
    assert page.evaluate('document.documentElement.scrollWidth') == width

  def read(title):
    lines = page.get_by_role('region', name=title).locator('tr').all()
    return [line.locator('th, td').all_inner_texts() for line in lines]

  table = read("The paper's Table 2")
  assert [line[0] for line in table] == [
      *('trained on', 'synthetic', 'synthetic 4x', 'refined 4x', 'real'),
      'refined 4x augmented',
  ]
  assert table[1][:3] == ['synthetic', '2,000', '10.50']
  # The fourth line of errors 1..6: 5 of 6 are at most 5 degrees.
  assert table[3][4:] == ['83.3', '100.0', '100.0', '100.0']
  assert read('Refined against unrefined')[1][:2] == [
      *('refined 4x / synthetic', '0.50'),
  ]
  assert read('Other methods') == [
      ['method', 'refined 4x'],
      ['cnn', '3.50'],
      ['knn', '14.00'],
  ]
  assert read('By head yaw') == [
      ['trained on', '-15', '0', '15'],
      ['synthetic 4x', '5.00', '7.00', '9.00'],
      ['refined 4x', '2.50', '3.50', '4.50'],
      ['real', '1.25', '1.75', '2.25'],
      ['refined 4x augmented', '0.62', '0.88', '1.12'],
  ]
  assert read('By person')[:3] == [
      ['trained on', '25', '26'],
      ['synthetic 4x', '4.00', '10.00'],
      ['refined 4x', '2.00', '5.00'],
  ]
  page.close()


def test_tables_of_nothing_are_left_out(evaluated):
  # Errors and comparisons; there are no groups and no other methods.
  assert _Page(_read(evaluated)).tags.count('table') == 2


def test_a_slider_shows_one_sheet_at_a_time(workdir, browser):
  _write_samples(workdir)
  page = browser.new_page()
  problems = []
  page.on('console', lambda message: problems.append(message.text))
  page.on('pageerror', lambda error: problems.append(str(error)))
  page.on('request', lambda request: problems.append(request.url))
  path = pathlib.Path(page_lib.render(str(workdir), config={}, summary={}))
  page.goto(path.as_uri())

  def read():
    figures = page.locator('#sheets figure').all()
    return [f.inner_text() for f in figures if f.is_visible()]

  assert read() == ['Round 200 (newest)']
  page.get_by_label('Earlier to newest').focus()
  page.keyboard.press('ArrowLeft')
  assert read() == ['Round 100']
  page.keyboard.press('Home')
  assert read() == ['Round 0']
  assert page.get_by_alt_text('nearest real ones').is_visible()
  # Only itself and images in it.
  assert [x for x in problems if not x.startswith('data:')] == [path.as_uri()]
  page.close()


def test_of_many_sheets_some_are_kept(workdir):
  for number in range(300, 3_000, 100):
    path = workdir / f'samples/round_{number:06d}.png'
    path.write_bytes((workdir / 'samples/round_000000.png').read_bytes())
  page = _Page(_read(workdir))
  assert page.tags.count('img') == 12
  assert 'Round 0 ' in page.text and 'Round 2900 (newest)' in page.text


def _write_samples(workdir):
  images = np.random.default_rng(0).integers(0, 256, (9, 35, 55, 1))
  sheet = sheets.draw_neighbours(*[images.astype(np.uint8)] * 2)
  sheets.write_png(str(workdir / 'samples/neighbours.png'), sheet)
  shares = {name: [0.0, 0.25, 0.5, 0.25] for name in sheets.TITLES}
  shares['refined'] = [1.0, 0.0, 0.0, 0.0]
  (workdir / 'samples/grey_values.json').write_text(json.dumps(shares))


def _labels(page):
  return re.findall(
      r'((?:discriminator|refiner|realism|labels)/\w+: \S+)', page
  )


def test_histograms_share_a_chart(workdir, monkeypatch):
  _write_samples(workdir)
  drawn, draw = [], charts.draw
  monkeypatch.setattr(
      charts, 'draw', lambda lines, **x: drawn.append(lines) or draw(lines, **x)
  )
  assert 'grey value' in _Page(_read(workdir)).text
  centres = (32, 96, 160, 224)
  shares = dict.fromkeys(sheets.TITLES, (0.0, 0.25, 0.5, 0.25))
  shares['refined'] = (1.0, 0.0, 0.0, 0.0)
  assert drawn[0] == {
      name: list(zip(centres, values, strict=True))
      for name, values in shares.items()
  }


def test_charts_of_what_was_logged_end_with_the_newest_values(workdir):
  page = _Page(_read(workdir))
  assert page.tags.count('svg') == 4
  assert _labels(page.text) == [
      'discriminator/real_accuracy: 0.75',
      *('discriminator/refined_accuracy: 0.5', 'refiner/adversarial: 70'),
      # From round 100 on it was not finite.
      *('refiner/self_regularization: 5', 'refiner/change: 0.1'),
  ]


def test_realism_and_labels_are_drawn_over_the_rounds(workdir):
  measured = ((0, 8.0, 0.0), (100, 4.0, 1.5), (200, 2.0, 1.0))
  names = 'round', selection.KERNEL_DISTANCE, selection.SHIFT
  lines = [json.dumps(dict(zip(names, row, strict=True))) for row in measured]
  (workdir / 'inspection.jsonl').write_text('\n'.join(lines) + '\n')
  page = _Page(_read(workdir))
  assert page.tags.count('svg') == 6
  assert _labels(page.text)[-2:] == [
      *('realism/kernel_distance: 2', 'labels/iris_shift_px: 1'),
  ]


def test_the_same_run_gives_the_same_page(workdir):
  assert _read(workdir) == _read(workdir)


def test_an_empty_workdir_still_gives_a_page(tmp_path):
  page = _Page(_read(tmp_path, config={'seed': 3}))
  assert 'seed 3' in page.text
  assert page.links == ['data:,']
  assert sorted(file.name for file in tmp_path.iterdir()) == ['report.html']
