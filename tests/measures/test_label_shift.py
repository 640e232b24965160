"""Label preservation: a moved iris gives its shift, failed fits stay in."""

import numpy as np
import pytest
from iris_drawing import draw_eyes, random_irises

from simgan_jax.machine import errors
from simgan_jax.measures import label_shift

pytestmark = pytest.mark.usefixtures('optimized')

NUM = 32


@pytest.fixture(scope='module')
def drawn():
  centres, radii = random_irises(NUM, seed=1)
  return draw_eyes(centres, radii), centres, radii


def test_the_same_images_do_not_move(drawn):
  images, centres, _ = drawn
  found = label_shift.measure_iris_shift(images, images, known_centres=centres)
  assert found.all_pairs.num == found.clear_pairs.num == NUM
  assert found.all_pairs.mean_px == found.all_pairs.std_px == 0
  assert found.all_pairs.within_1_px == 100
  assert found.drift_px == (0, 0)
  assert found.clear_before == found.clear_in_both == 100
  assert found.error_before == found.error_after
  assert 0 < found.error_before.mean_px < 0.2


@pytest.mark.parametrize('shift', [(0.6, 0.0), (0.0, -0.7), (-1.5, 1.0)])
def test_a_moved_iris_gives_its_shift(drawn, shift):
  images, centres, radii = drawn
  moved = draw_eyes(centres + shift, radii)
  found = label_shift.measure_iris_shift(images, moved, known_centres=centres)
  length = np.hypot(*shift)
  assert abs(found.all_pairs.mean_px - length) < 0.15
  assert abs(found.all_pairs.median_px - length) < 0.15
  np.testing.assert_allclose(found.drift_px, shift, atol=0.15)
  assert abs(found.error_after.mean_px - length) < 0.15
  assert found.error_before.mean_px < 0.2


def test_pairs_in_which_the_fit_fails_are_not_left_out(drawn):
  images, _, _ = drawn
  after = images.copy()
  after[:8] = 128
  found = label_shift.measure_iris_shift(images, after)
  assert found.all_pairs.num == found.clear_pairs.num == NUM
  assert found.all_pairs.mean_px > 0.5
  assert found.all_pairs.median_px == 0
  assert found.all_pairs.within_1_px == found.clear_in_both == 75
  assert found.clear_before == 100
  assert found.error_before is found.error_after is None
  # But without an iris in the original there is no shift to speak of.
  found = label_shift.measure_iris_shift(after, images)
  assert found.clear_pairs.num == NUM - 8
  assert found.clear_pairs.mean_px == 0
  assert found.all_pairs.mean_px > 0.5
  assert found.clear_before == found.clear_in_both == 75


def test_no_clear_pair_has_no_mean():
  blank = np.full((3, 35, 55, 1), 99, np.uint8)
  found = label_shift.measure_iris_shift(blank, blank)
  assert found.clear_pairs.num == 0
  assert np.isnan(found.clear_pairs.mean_px)
  assert found.all_pairs.mean_px == 0


def test_arrays_that_are_no_pairs_are_refused(drawn):
  images, centres, _ = drawn
  with pytest.raises(errors.InputError, match='are no pairs'):
    label_shift.measure_iris_shift(images, images[1:])
  with pytest.raises(errors.InputError, match='at least one'):
    label_shift.measure_iris_shift(images[:0], images[:0])
  with pytest.raises(errors.InputError, match='x and y of each of the 32'):
    label_shift.measure_iris_shift(images, images, known_centres=centres[1:])
