"""The pages of a visual Turing test, served to people on this machine."""

import base64
import io
import ipaddress
import re
import signal
import socket
from collections import Counter

import flask
import jinja2
import numpy as np
from jaxtyping import UInt8
from PIL import Image
from werkzeug import exceptions, serving

from simgan_jax.machine import errors
from simgan_jax.studies.turing_test import results, trials

_SHOWN_WIDTH = 440  # pixels of the page; rounded to a whole zoom factor
_HEADERS = {
    # Nothing from elsewhere, no frames: the pages work offline and alone.
    'Content-Security-Policy': (
        "default-src 'none'; img-src data:; style-src 'self'; script-src"
        " 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
}

pages = flask.Blueprint('pages', __name__)


def _trials() -> trials.Trials:
  return flask.current_app.extensions['trials']


def encode_image(pixels: UInt8[np.ndarray, 'h w c']) -> str:
  """Return a PNG as data URI, equally long for all images of one shape.

  The PNG is not compressed, because its length could tell the image's kind.

  Args:
    pixels: Image, [h, w, c] uint8 in 0..255, c 1 or 3.
  """
  grey = pixels.shape[-1] == 1
  buffer = io.BytesIO()
  image = Image.fromarray(pixels[..., 0] if grey else pixels)
  image.save(buffer, 'PNG', compress_level=0)
  return f'data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}'


def _is_own_host(host: str, served: str) -> bool:
  """Return whether a name is ours, which no foreign site can point here."""
  name = re.sub(r':\d+$', '', host).strip('[]').lower()
  if name in ('localhost', served.lower()):
    return True
  try:
    ipaddress.ip_address(name)
  except ValueError:
    return False
  return True


@pages.before_app_request
def refuse_foreign_requests() -> None:
  """Refuse requests from pages of other sites, also under a rebound name."""
  host = flask.request.headers.get('Host', '')
  if not _is_own_host(host, flask.current_app.config['SERVED_HOST']):
    flask.abort(403, 'Open this page by its address, such as 127.0.0.1.')
  origin = flask.request.headers.get('Origin')
  reads = flask.request.method in ('GET', 'HEAD') and origin is None
  if not reads and origin != f'http://{host}':
    flask.abort(403, 'Answers are taken from the pages of this server only.')


@pages.after_app_request
def add_headers(response: flask.Response) -> flask.Response:
  """Tell the browser to load nothing from other sites and to keep nothing."""
  response.headers.update(_HEADERS)
  if flask.request.endpoint != 'static':
    response.headers['Cache-Control'] = 'no-store'
  return response


@pages.app_errorhandler(exceptions.HTTPException)
def show_error(error: exceptions.HTTPException) -> tuple[str, int]:
  """Show what went wrong in one sentence."""
  page = flask.render_template('notice.html.jinja', notice=error.description)
  return page, error.code or 500


@pages.app_errorhandler(trials.RefusedError)
def show_refusal(error: trials.RefusedError) -> tuple[str, int]:
  """Show the start page again for a name that cannot be one."""
  return _show_start(notice=str(error)), 400


def _show_start(notice: str = '') -> str:
  total = 2 * _trials().study.num_images
  return flask.render_template('start.html.jinja', notice=notice, total=total)


def _show_trial(participant: str, notice: str = '') -> str:
  shown = _trials().show(participant)
  if shown is None:
    return flask.render_template(
        'done.html.jinja', notice=notice, participant=participant
    )
  pixels = _trials().study.images[shown.trial.kind][shown.trial.image]
  zoom = max(1, round(_SHOWN_WIDTH / pixels.shape[1]))
  return flask.render_template(
      'trial.html.jinja',
      notice=notice,
      participant=participant,
      shown=shown,
      image=encode_image(pixels),
      height=pixels.shape[0] * zoom,
      width=pixels.shape[1] * zoom,
  )


@pages.get('/')
def start() -> str:
  """Ask for the participant's name."""
  return _show_start()


@pages.get('/trial')
def trial() -> str:
  """Show the participant's next image, or that all are judged."""
  participant = trials.read_name(flask.request.args.get('participant', ''))
  return _show_trial(participant)


@pages.post('/answer')
def answer():
  """Store an answer and go on to the next image."""
  form = flask.request.form
  participant = trials.read_name(form.get('participant', ''))
  token, selected = form.get('trial', ''), form.get('selected', '')
  try:
    _trials().answer(participant, token, selected)
  except trials.RefusedError as error:
    return _show_trial(participant, notice=str(error)), 409
  url = flask.url_for('pages.trial', participant=participant)
  return flask.redirect(url, 303)


@pages.get('/results')
def show_results() -> str:
  """Show the confusion table of all participants pooled."""
  study, answers = _trials().study, _trials().answers()
  num_answers = Counter(answer.participant for answer in answers)
  total = 2 * study.num_images
  found = results.score(results.count(answers)) if answers else None
  return flask.render_template(
      'results.html.jinja',
      kind=study.kind,
      results=found,
      conclusion=results.conclude(found, kind=study.kind) if found else '',
      p_value=results.format_p(found.p_value) if found else '',
      num_participants=len(num_answers),
      num_unfinished=sum(n < total for n in num_answers.values()),
  )


def create_app(state: trials.Trials, *, host: str) -> flask.Flask:
  """Return the application, served at `host`, a name or an address.

  Requests may also name localhost or any IP address, but no other name.
  """
  app = flask.Flask(__name__)
  # Flask escapes by itself only in files that end in .html.
  app.jinja_options = {
      'autoescape': True,
      'trim_blocks': True,
      'undefined': jinja2.StrictUndefined,
  }
  app.config['MAX_CONTENT_LENGTH'] = 10_000  # bytes
  app.config['SERVED_HOST'] = host
  app.extensions['trials'] = state
  app.register_blueprint(pages)
  return app


def listen(host: str, port: int) -> socket.socket:
  """Return a socket that listens at `host`:`port`; port 0 takes a free one.

  Raises:
    InputError: If the address is not available.
  """
  family = socket.AF_INET6 if ':' in host else socket.AF_INET
  try:
    if not host:  # A socket would listen at every address.
      raise ValueError('no host')
    return socket.create_server((host, port), family=family)
  except (OSError, ValueError) as error:
    # Without the address in brackets, which the sentence already has.
    reason = str(getattr(error, 'strerror', error)).partition(' (')[0]
    raise errors.InputError(
        f'cannot serve at --host={host} --port={port} ({reason}); give another'
        ' --port, or 127.0.0.1 as --host.'
    ) from error


class _QuietHandler(serving.WSGIRequestHandler):

  def log_request(self, code: int | str = '-', size: int | str = '-') -> None:
    """Print nothing for a page that was served."""


def serve(app: flask.Flask, listener: socket.socket) -> None:
  """Serve until Ctrl-C or SIGTERM, as a script's background job too.

  Such a job begins with Ctrl-C ignored, hence the handlers.
  """
  for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.default_int_handler)
  host, port = listener.getsockname()[:2]
  quiet, fd = _QuietHandler, listener.fileno()
  serving.make_server(
      host, port, app, threaded=True, request_handler=quiet, fd=fd
  ).serve_forever()
