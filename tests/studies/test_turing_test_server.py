"""The pages: alike for every kind, escaped, and closed to other sites."""

import base64
import html
import io
import re

import numpy as np
import pytest
from PIL import Image

from simgan_jax.machine import errors
from simgan_jax.studies.turing_test import server, trials
from simgan_jax.studies.turing_test.answers import AnswersFile

HOST = '127.0.0.1:8000'
HEADERS = {'Host': HOST, 'Origin': f'http://{HOST}'}
NAME = '<i>"ann" & \'co\'</i>'


@pytest.fixture(params=[1, 3])
def study(request):
  rng = np.random.default_rng(0)
  shape = (20, 35, 55, request.param)
  # One kind compresses well and the other does not.
  flat = (
      np.ones(shape, np.uint8)
      * np.arange(20, dtype=np.uint8)[:, None, None, None]
  )
  noise = rng.integers(0, 256, shape, dtype=np.uint8)
  images = {
      kind: {f'{kind}_<b>{i}.png': pixels for i, pixels in enumerate(pool)}
      for kind, pool in (('real', noise), ('refined', flat))
  }
  return trials.Study(kind='refined', images=images, num_images=5)


@pytest.fixture
def path(tmp_path):
  return tmp_path / 'answers.jsonl'


@pytest.fixture
def client(study, path):
  file = AnswersFile(str(path))
  app = server.create_app(trials.Trials(study, file), host='lab')
  yield app.test_client()
  file.close()


def _get(client, url, **headers):
  return client.get(url, headers={'Host': HOST} | headers)


def _show(client, participant='ann'):
  response = client.get(
      '/trial', query_string={'participant': participant}, headers=HEADERS
  )
  return response.text


def _token(page):
  return re.search(r'name="trial" value="([^"]+)"', page)[1]


def _answer(client, headers=HEADERS, **fields):
  return client.post('/answer', data=fields, headers=headers)


def _play(client, participant, num_trials, selected='real'):
  for _ in range(num_trials):
    token = _token(_show(client, participant))
    response = _answer(
        client, participant=participant, trial=token, selected=selected
    )
    assert response.status_code == 303


def test_pages_of_all_images_are_alike_but_for_the_pixels(client, study):
  pages = set()
  for trial in trials.plan_trials('ann', study):
    response = _get(client, '/trial?participant=ann')
    assert 'refined' not in response.text
    assert trial.image not in html.unescape(response.text)
    uri = re.search(r'"data:image/png;base64,([^"]+)"', response.text)[1]
    with Image.open(io.BytesIO(base64.b64decode(uri))) as image:
      assert image.size == (55, 35) and not image.info
      expected = np.squeeze(study.images[trial.kind][trial.image])
      np.testing.assert_array_equal(np.asarray(image), expected)
    # Of equal length, too; numbers count the trials.
    text = response.text.replace(uri, f'[{"." * len(uri)}]')
    text = re.sub(r'\d+', 'N', text.replace(_token(text), ''))
    assert int(response.headers.pop('Content-Length')) == len(response.data)
    pages.add((text, str(response.headers)))
    _play(client, 'ann', 1)
  assert len(pages) == 1


def test_an_answer_goes_on_to_the_next_image(client, path):
  page = _show(client)
  assert 'Image 1 of\n10' in page
  response = _answer(
      client, participant='ann', trial=_token(page), selected='synthetic'
  )
  assert response.status_code == 303
  assert response.location == '/trial?participant=ann'
  assert 'Image 2 of\n10' in _show(client)
  assert len(path.read_text().splitlines()) == 1


def test_an_answer_to_another_image_is_refused_and_the_right_one_shown(
    client, path
):
  assert (
      _answer(client, participant='ann', trial='', selected='real').status_code
      == 409
  )
  token = _token(_show(client))
  for fields in (
      {'trial': 'guess', 'selected': 'real'},
      {'trial': token, 'selected': 'both'},
      {'trial': token},
      {'selected': 'real'},
  ):
    response = _answer(client, participant='ann', **fields)
    assert response.status_code == 409
    assert 'was not counted' in response.text
    assert _token(response.text) == token
  assert not path.read_bytes()
  _play(client, 'ann', 1)
  again = _answer(client, participant='ann', trial=token, selected='real')
  assert again.status_code == 409 and 'Image 2 of' in again.text
  assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize('name', ['', '   ', 'a' * 61, 'a%00b'])
def test_what_is_no_name_leads_back_to_the_start(client, name):
  response = _get(client, f'/trial?participant={name}')
  assert response.status_code == 400
  assert 'role="alert">Type a name of 1 to 60' in response.text


def test_names_are_escaped(client):
  for url in ('/trial', '/results'):
    response = client.get(
        url, query_string={'participant': NAME}, headers={'Host': HOST}
    )
    assert '<i>' not in response.text and "'co'" not in response.text
  _play(client, NAME, 10)
  page = _show(client, NAME)
  assert 'All images judged' in page
  assert NAME in html.unescape(page) and '<i>' not in page


def test_results_pool_all_participants(client):
  assert 'No answers yet' in _get(client, '/results').text
  _play(client, 'ann', 10)
  _play(client, 'bob', 4, selected='synthetic')
  page = ' '.join(
      re.sub(r'<[^>]+>', ' ', _get(client, '/results').text).split()
  )
  assert 'selected as real selected as synthetic real 5' in page
  assert re.search(r'of 14 right \(\d\d\.\d %, p = 0\.\d+\)', page)
  assert 'Participants 2, 1 of them not finished' in page


@pytest.mark.parametrize(
    'host',
    ['127.0.0.1:8000', 'localhost:1', '[::1]:8000', '10.0.0.7', 'Lab:8000'],
)
def test_own_names_and_addresses_are_served(client, host):
  assert client.get('/', headers={'Host': host}).status_code == 200
  headers = {'Host': host, 'Origin': f'http://{host}'}
  response = _answer(client, headers, participant='ann', trial='x')
  assert response.status_code == 409


@pytest.mark.parametrize(
    'host',
    [
        'evil.example:8000',
        '127.0.0.1.evil.example',
        'localhost.evil.example',
        'user@127.0.0.1',
        'evil.example/127.0.0.1',
        '[evil]',
        '',
    ],
)
def test_a_rebound_name_is_refused_everywhere(client, host, path):
  headers = {'Host': host, 'Origin': f'http://{host}'}
  for url in ('/', '/trial?participant=ann', '/results', '/static/keys.js'):
    response = client.get(url, headers=headers)
    assert response.status_code == 403 and 'data:image' not in response.text
  assert _answer(client, headers, participant='ann').status_code == 403
  assert not path.read_bytes()


@pytest.mark.parametrize(
    'origin',
    [
        'http://evil.example',
        'http://127.0.0.1:9000',
        'https://127.0.0.1:8000',
        'http://localhost:8000',
        'null',
        None,
    ],
)
def test_answers_of_foreign_pages_are_refused(client, origin, path):
  token = _token(_show(client))
  headers = {'Host': HOST} | ({'Origin': origin} if origin else {})
  response = _answer(
      client, headers, participant='ann', trial=token, selected='real'
  )
  assert response.status_code == 403 and not path.read_bytes()
  if origin:
    assert client.get('/', headers=headers).status_code == 403


def test_nothing_is_loaded_from_elsewhere_or_kept(client):
  _play(client, 'ann', 1)
  for url in ('/', '/trial?participant=ann', '/results', '/nowhere'):
    response = _get(client, url)
    links = re.findall(r'(?:src|href|action)="([^"]*)"', response.text)
    assert links and all(
        re.match(r'/(?!/)|data:', link) for link in links
    ), links
    assert not re.search(r'<style|<script>|\bon\w+=', response.text)
    policy = response.headers['Content-Security-Policy']
    assert "default-src 'none'" in policy and 'unsafe' not in policy
    assert response.headers['Cache-Control'] == 'no-store'
  for name in ('page.css', 'keys.js'):
    with _get(client, f'/static/{name}') as response:
      assert not re.search(r'//\w|url\(|import', response.text)


def test_errors_are_a_sentence_on_a_page(client):
  response = _get(client, '/nowhere')
  assert response.status_code == 404 and 'role="alert"' in response.text
  response = _answer(client, participant='a' * 20_000)
  assert response.status_code == 413 and 'role="alert"' in response.text


@pytest.mark.parametrize('host', ['', 'no such host', '203.0.113.1', 'a..b'])
def test_an_address_that_cannot_be_had_is_an_input_error(host):
  with pytest.raises(errors.InputError, match=f'--host={host} --port=0'):
    server.listen(host, 0)


def test_a_port_in_use_is_an_input_error():
  with server.listen('127.0.0.1', 0) as taken:
    port = taken.getsockname()[1]
    with pytest.raises(errors.InputError, match='give another --port'):
      server.listen('127.0.0.1', port)
