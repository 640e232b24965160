"""Histogram matching: the values are the reference's, the order the image's."""

import numpy as np
import pytest

from simgan_jax.data import histograms
from simgan_jax.machine import errors


def _images(num, seed=0, channels=1, high=256):
  generator = np.random.default_rng(seed)
  shape = (num, 35, 55, channels)
  return generator.integers(0, high, shape).astype(np.uint8)


def test_matched_images_have_the_reference_histogram():
  images, real = _images(20), _images(1, seed=1, high=90)
  matched = histograms.match(images, histograms.quantiles(real), seed=0)
  assert matched.shape == images.shape and matched.dtype == np.uint8
  for image in matched:
    np.testing.assert_allclose(
        np.quantile(image, [0.1, 0.5, 0.9]),
        np.quantile(real, [0.1, 0.5, 0.9]),
        atol=1.5,
    )


def test_the_order_of_grey_values_stays_and_an_image_matches_itself():
  image = _images(1)
  matched = histograms.match(image, histograms.quantiles(_images(5, 1)), seed=0)
  order = np.argsort(image.ravel(), kind='stable')
  assert (np.diff(matched.ravel()[order].astype(int)) >= 0).all()
  itself = histograms.match(image, histograms.quantiles(image), seed=0)
  assert np.abs(itself.astype(int) - image).max() <= 2


def test_references_are_drawn_for_each_image_and_channel():
  images = np.repeat(_images(1, channels=3), 200, axis=0)
  real = np.stack([np.full((35, 55, 3), (v, v + 1, v + 2)) for v in range(50)])
  references = histograms.quantiles(real.astype(np.uint8))
  matched = histograms.match(images, references, seed=3)
  values = matched[:, 0, 0]
  assert (values == values[:, :1] + np.arange(3)).all()
  assert len(np.unique(values[:, 0])) > 40
  # The first images choose the same references, however many follow.
  fewer = histograms.match(images[:10], references, seed=3)
  np.testing.assert_array_equal(fewer, matched[:10])
  some = np.array([7, 9])
  later = histograms.match(images[some], references, seed=3, numbers=some)
  np.testing.assert_array_equal(later, matched[some])
  other = histograms.match(images, references, seed=4)
  assert (other != matched).any()


def test_16_bits_are_matched_like_8_with_values_between():
  image = _images(1)
  references = histograms.quantiles(_images(5, 1))
  expected = histograms.match(image, references, seed=0)
  middles = image * np.uint16(256) + np.uint16(128)
  matched = histograms.match(middles, references, seed=0)
  assert matched.dtype == np.uint16
  np.testing.assert_array_equal(matched, expected * np.uint16(257))
  deep = image * np.uint16(256) + np.arange(55, dtype=np.uint16)[:, None] * 4
  matched = histograms.match(deep, references, seed=0)
  order = np.argsort(deep.ravel(), kind='stable')
  assert (np.diff(matched.ravel()[order].astype(int)) >= 0).all()
  assert len(np.unique(matched & 255)) > 100


def test_references_are_spread_over_many_images_and_few_are_all_kept():
  many = np.arange(2_500, dtype=np.float64)[:, None, None, None] / 10
  many = np.broadcast_to(many, (2_500, 4, 4, 1)).astype(np.uint8)
  found = histograms.quantiles(many)
  assert found.shape == (histograms.MAX_IMAGES, 256, 1)
  assert found[0, 0, 0] == 0 and found[-1, 0, 0] == 249
  assert len(histograms.quantiles(many[:7])) == 7


def test_references_survive_the_disk_and_a_damaged_file_is_named(tmp_path):
  references = histograms.quantiles(_images(3))
  histograms.write(str(tmp_path), references)
  np.testing.assert_array_equal(histograms.read(str(tmp_path)), references)
  path = tmp_path / histograms.FILE
  path.write_bytes(path.read_bytes()[:100])
  with pytest.raises(errors.InputError, match=r'histograms\.npy cannot be'):
    histograms.read(str(tmp_path))
  path.unlink()
  with pytest.raises(errors.InputError, match='train.py wrote'):
    histograms.read(str(tmp_path))
