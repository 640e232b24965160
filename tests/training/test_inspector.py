"""What is measured while training: alike for alike refiners, and in order."""

import jax
import numpy as np
import optax
import pytest
from flax.training import train_state
from iris_drawing import draw_eyes, random_irises

from simgan_jax.machine import mesh as mesh_lib
from simgan_jax.measures import selection
from simgan_jax.training import inspector

pytestmark = pytest.mark.usefixtures('optimized')

NUM = 64
DISTANCES = [selection.DISTANCE, selection.KERNEL_DISTANCE]
REFINER = train_state.TrainState.create(
    apply_fn=None, params={}, tx=optax.identity()
)


@pytest.fixture(scope='module')
def eyes():
  """Return synthetic and real eyes: darker, and with noise."""
  synthetic, real = (
      draw_eyes(*random_irises(NUM, seed=seed)) for seed in (1, 2)
  )
  noise = np.random.default_rng(0).normal(0, 12, real.shape)
  return synthetic, np.uint8(np.clip(real * 0.7 + noise, 0, 255))


@pytest.fixture
def refine_with(monkeypatch):
  """Return a function that puts another one in the place of the refiner."""

  def put(function):
    monkeypatch.setattr(
        inspector.refiners,
        'refine_images',
        lambda refiner, images, **_: function(images),
    )

  return put


def _inspect(images, *, subjects=None, of_eyes=True):
  synthetic, real = images
  if subjects is None:
    subjects = np.arange(len(real)) % 12
  return inspector.Inspector(
      synthetic,
      real,
      subjects,
      mesh=mesh_lib.make_mesh(1),
      seed=0,
      of_eyes=of_eyes,
  )


def _to_real(images):
  noise = np.random.default_rng(1).normal(0, 12, images.shape)
  return np.uint8(np.clip(images * 0.7 + noise, 0, 255))


def test_the_distance_falls_with_realism_and_the_shift_follows_the_iris(
    eyes, refine_with
):
  inspect = _inspect(eyes)
  found = {}
  for name, function in (
      ('unchanged', lambda images: images),
      ('moved', lambda images: np.roll(images, 3, axis=2)),
      ('real', _to_real),
  ):
    refine_with(function)
    # As in the loop: nothing is copied that is not meant.
    with jax.transfer_guard('disallow'):
      found[name] = inspect.measure(REFINER)
  assert found['unchanged'][selection.SHIFT] == 0
  assert abs(found['moved'][selection.SHIFT] - 3) < 0.3
  assert found['real'][selection.SHIFT] < 1
  for kind in DISTANCES:
    assert found['real'][kind] < found['unchanged'][kind] / 2


def test_a_set_is_cut_to_what_a_measurement_may_cost(
    eyes, refine_with, monkeypatch
):
  monkeypatch.setattr(inspector, '_MAX_IMAGES', 40)
  monkeypatch.setattr(inspector, '_MAX_SYNTHETIC', 9)
  sizes = []
  refine_with(lambda images: sizes.append(len(images)) or images)
  inspect = _inspect(eyes, of_eyes=False)
  assert [len(x) for x in inspect._images] == [40, 40, 40]
  assert list(inspect.measure(REFINER)) == DISTANCES
  assert sizes == [9]


def test_one_subject_holds_out_single_images(eyes, refine_with):
  refine_with(lambda images: images)
  inspect = _inspect(eyes, subjects=np.zeros(NUM, int), of_eyes=False)
  assert all(inspect.measure(REFINER)[kind] > 0 for kind in DISTANCES)


@pytest.mark.parametrize('of_eyes', [True, False])
def test_irises_are_searched_only_in_eyes_that_are_large_enough(
    eyes, refine_with, of_eyes
):
  refine_with(lambda images: images)
  small = [images[:, :15, :24] for images in eyes]
  images = small if of_eyes else eyes
  assert list(_inspect(images, of_eyes=of_eyes).measure(REFINER)) == DISTANCES


def test_with_too_few_images_nothing_is_measured_and_that_is_said_once(
    eyes, refine_with, capsys
):
  refine_with(lambda images: pytest.fail('refined for nothing'))
  few, few_subjects = ([images[:num] for images in eyes] for num in (31, 32))
  # One of 5 subjects is held out, 6 or 7 images.
  subjects = np.arange(32) % 5
  for inspect in _inspect(few), _inspect(few_subjects, subjects=subjects):
    assert inspect.measure(REFINER) == inspect.measure(REFINER) == {}
    assert capsys.readouterr().err.count('too few to measure') == 1


def test_a_kept_refiner_outlives_the_state_it_came_from(eyes):
  inspect = _inspect(eyes)
  array = jax.numpy.arange(3.0)
  inspect.keep(0, REFINER.replace(params={'kernel': array}))
  array.delete()  # as a donated state
  ((number, kept),) = inspect.take_kept()
  assert number == 0
  np.testing.assert_array_equal(kept.params['kernel'], [0.0, 1.0, 2.0])
  assert inspect.take_kept() == []
