"""The fit of the iris: known centres, and what must not move them."""

import numpy as np
import pytest
from iris_drawing import distances, draw_eyes, random_irises
from scipy import ndimage

from simgan_jax.machine import errors
from simgan_jax.measures import iris
from simgan_jax.simulators import eyes

pytestmark = pytest.mark.usefixtures('optimized')

NUM = 24


@pytest.fixture(scope='module')
def drawn():
  centres, radii = random_irises(NUM)
  return draw_eyes(centres, radii), centres, radii


def test_finds_drawn_irises_between_pixels(drawn):
  images, centres, radii = drawn
  fit = iris.find_iris(images)
  assert distances(fit, centres).mean() < 0.2
  assert distances(fit, centres).max() < 0.6
  assert np.abs(fit.radius - radii).mean() < 0.5
  assert fit.centre.dtype == np.float64
  assert fit.is_clear.all()


def test_each_image_is_fitted_alone(drawn):
  images, _, _ = drawn
  many = iris.find_iris(np.concatenate([images] * 3))
  alone = iris.find_iris(images[NUM - 1 :])
  np.testing.assert_array_equal(many.centre[-1], alone.centre[0])


def test_brightness_and_contrast_of_the_image_make_no_difference(drawn):
  images, _, _ = drawn
  changed = np.uint8(images * 0.5 + 60)
  moved = distances(iris.find_iris(changed), iris.find_iris(images).centre)
  assert moved.max() < 0.1


def test_the_mean_of_colours_is_searched(drawn):
  images, _, _ = drawn
  images = images // 2
  colours = np.concatenate([images - 10, images, images + 10], axis=-1)
  found, expected = iris.find_iris(colours), iris.find_iris(images)
  np.testing.assert_allclose(found.centre, expected.centre, atol=1e-3)


def _noise(images):
  noise = np.random.default_rng(0).normal(0, 8, images.shape)
  return np.clip(images + noise, 0, 255)


def _blur(images):
  return ndimage.gaussian_filter(images, 1.0, axes=(1, 2))


def _highlights(images):
  changed = images.copy()
  for image in changed:
    row, column = np.argwhere(image[8:27, 15:40, 0] < 60)[0] + (8, 15)
    image[row : row + 2, column : column + 2] = 255
  return changed


def _light_from_the_side(images):
  return images * np.linspace(0.6, 1.2, 55)[None, None, :, None]


@pytest.mark.parametrize(
    'change', [_noise, _blur, _highlights, _light_from_the_side]
)
def test_what_refining_may_add_moves_the_centre_little(drawn, change):
  images, centres, _ = drawn
  changed = np.uint8(change(images))
  assert np.abs(changed.astype(int) - images).max() > 20
  assert distances(iris.find_iris(changed), centres).mean() < 0.4


def test_a_mirrored_image_has_the_mirrored_centre(drawn):
  images, _, _ = drawn
  fit, mirrored = iris.find_iris(images), iris.find_iris(images[:, :, ::-1])
  expected = np.array([54, 0]) + fit.centre * np.array([-1, 1])
  assert distances(mirrored, expected).mean() < 0.1


def test_lengths_grow_with_the_width():
  centres, radii = random_irises(8, scale=2)
  fit = iris.find_iris(draw_eyes(centres, radii, height=70, width=110))
  assert distances(fit, centres).mean() < 0.4
  assert np.abs(fit.radius - radii).mean() < 1


def test_images_without_an_iris_are_not_clear():
  rng = np.random.default_rng(0)
  noise = ndimage.gaussian_filter(rng.normal(size=(8, 35, 55)), (0, 1, 1))
  flat = np.full((1, 35, 55), 7)
  fit = iris.find_iris(
      np.uint8(np.concatenate([noise * 90 + 128, flat]))[..., None]
  )
  assert np.isfinite(fit.centre).all()
  assert fit.is_clear.mean() < 0.2
  assert not fit.is_clear[-1]


def test_no_images_have_no_irises():
  fit = iris.find_iris(np.zeros((0, 35, 55, 1), np.uint8))
  assert fit.centre.shape == (0, 2)
  assert fit.is_clear.shape == (0,)


@pytest.mark.parametrize('size', [(8, 30), (16, 64), (64, 16)])
def test_sizes_that_hold_no_eye_are_refused(size):
  with pytest.raises(errors.InputError, match=f'{size[0]} x {size[1]} pixels'):
    iris.find_iris(np.zeros((1, *size, 1), np.uint8))


@pytest.mark.parametrize('size', [(16, 63), (36, 60)])
def test_other_sizes_can_be_searched(size):
  image = np.full((1, *size, 1), 150, np.uint8)
  assert np.isfinite(iris.find_iris(image).centre).all()


def test_error_on_the_built_in_simulator():
  images, labels, _ = eyes.generate(64, seed=3)
  error = distances(iris.find_iris(images), labels.iris_centre)
  assert np.median(error) < 0.4
  assert error.mean() < 0.7
