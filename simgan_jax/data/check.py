"""A look at the data before training: what is there, and what is odd."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from simgan_jax.data.labelled_images import LabelledImages

_LEVELS = 256
_FLAT = 2.0  # standard deviation in grey levels; below it an image is empty
_ODD = 6.0  # deviations of an image's mean from the median of the means
_LEAST_ODD = 16.0  # grey levels
_FEW = 32  # grey levels, without a thousandth of the pixels at either end


class Findings(NamedTuple):
  """What to tell the user, a sentence each."""

  facts: list[str]
  warnings: list[str]


def check_set(kind: str, data: LabelledImages) -> Findings:
  """Return counts, sizes and grey values of a data set, and what is odd.

  The sentences begin with `kind`; `data` has at least one image.
  """
  pixels = data.images.reshape(len(data.images), -1)
  means = pixels.mean(axis=1, dtype=np.float32)
  deviations = np.array([image.std(dtype=np.float32) for image in pixels])
  facts = [
      f'{kind}: {len(pixels):,} images{_describe_originals(data)}, grey values'
      f' {pixels.min()} to {pixels.max()}, mean {means.mean():.0f}, contrast'
      f' {deviations.mean():.0f}'
  ]
  warnings = []

  def warn(which: np.ndarray, what: str) -> None:
    if which.any():
      warnings.append(
          f'{kind}: {which.sum():,} of {len(which):,} images {what}, first'
          f' {data.names[which.argmax()]}.'
      )

  _, first, inverse = np.unique(
      _digest(pixels), return_index=True, return_inverse=True
  )
  warn(first[inverse] != np.arange(len(pixels)), 'copied from others')
  flat = deviations < _FLAT
  warn(flat, 'of one grey value, showing nothing')
  distance = np.abs(means - np.median(means))
  limit = max(_LEAST_ODD, _ODD * 1.4826 * float(np.median(distance)))
  odd = (distance > limit) & ~flat
  warn(odd, 'much darker or brighter than the others')
  least, greatest = np.searchsorted(_shares(data.images), (0.001, 0.999))
  if greatest - least < _FEW:
    warnings.append(
        f'{kind}: nearly all pixels are from {least} to {greatest} of 255 grey'
        f' levels, so little is left to see{_advise_depth(data)}.'
    )
  return Findings(facts, warnings)


def _digest(images: UInt8[np.ndarray, 'n *_']) -> list[int]:
  return [hash(image.tobytes()) for image in images]


def _describe_originals(data: LabelledImages) -> str:
  text, sizes = '', data.report.sizes
  if sizes:
    many = f'{len(sizes)} sizes, most ' if len(sizes) > 1 else ''
    text = f' from {many}{max(sizes, key=lambda size: sizes[size])} pixels'
  if data.report.sixteen_bit:
    number, least, greatest = data.report.sixteen_bit
    which = '' if number == len(data.images) else f'{number:,} with '
    text += (
        f', {which}16-bit values {least} to {greatest}, of which 8 bits stay'
    )
  return text


def _advise_depth(data: LabelledImages) -> str:
  _, _, greatest = data.report.sixteen_bit or (0, 0, 65_535)
  factor = 65_535 // max(1, greatest)
  if factor > 1:
    return (
        f': 16-bit values are divided by 256; multiply them by {factor} in the'
        ' files, and those of the other set if it has 16 bits too'
    )
  return '; stretch the grey values in the files'


def _shares(images: UInt8[np.ndarray, 'n h w c']) -> Float[np.ndarray, 'v']:
  """Return the share of the pixels that are at most 0, 1, ... 255."""
  counts = np.bincount(images.ravel(), minlength=_LEVELS)
  return np.cumsum(counts) / images.size


def compare_sets(
    synthetic: UInt8[np.ndarray, 'n h w c'],
    real: UInt8[np.ndarray, 'm _ _ _'],
    *,
    num_patches: int,
    weight: float,
) -> Findings:
  """Return how far grey values are apart, and what that means for lambda.

  The distance is the Wasserstein distance of the two histograms: the number of
  grey levels by which a pixel has to change on average.

  Args:
    synthetic: Images that the refiner gets, [n, h, w, c] uint8.
    real: Real images, [m, h, w, c] uint8.
    num_patches: Number of the discriminator's decisions on an image.
    weight: Weight lambda of the self-regularisation.
  """
  distance = float(np.abs(_shares(synthetic) - _shares(real)).sum())
  # Images in [-1, 1]: a grey level is 2 / 255.
  cost = math.prod(synthetic.shape[1:]) * distance * 2 / (_LEVELS - 1)
  gain = num_patches * math.log(2)
  fact = (
      f'grey values: the two sets are {distance:.0f} of 255 levels apart;'
      f' closing that costs {weight * cost:.0f} an image in'
      f' self-regularisation, a discriminator at chance {gain:.0f}'
  )
  if weight * cost <= gain:
    return Findings([fact], [])
  highest = gain / cost
  scale = 10.0 ** math.floor(math.log10(highest))
  advised = float(f'{math.floor(highest / scale) * scale:.1g}')  # one digit
  warning = (
      'the difference of grey values costs more than it can gain: the refiner'
      ' will hardly close it. Set --config.data.match_histograms=true to take'
      ' it out before, or --config.self_regularization_weight below'
      f' {advised}.'
  )
  return Findings([fact], [warning])


def check(
    synthetic: LabelledImages,
    matched: UInt8[np.ndarray, 'n h w c'],
    real: LabelledImages,
    *,
    num_patches: int,
    weight: float,
) -> Findings:
  """Return what `check_set` and `compare_sets` find, and images in both sets.

  `matched` are the synthetic images as the refiner gets them, [n, h, w, c]
  uint8; the other arguments are those of `compare_sets`.
  """
  facts, warnings = [], []
  for part in (
      check_set('synthetic', synthetic),
      check_set('real', real),
      compare_sets(
          matched, real.images, num_patches=num_patches, weight=weight
      ),
  ):
    facts += part.facts
    warnings += part.warnings
  common = np.isin(_digest(synthetic.images), _digest(real.images))
  if common.any():
    warnings.append(
        f'{common.sum():,} of {len(common):,} synthetic images are among the'
        f' real ones, first {synthetic.names[common.argmax()]}; give two sets'
        ' that share none.'
    )
  return Findings(facts, warnings)
