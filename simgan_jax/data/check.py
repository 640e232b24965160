"""A look at the data before training: what is there, and what is odd."""

import math
from collections.abc import Mapping, Sequence
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
  digests: Sequence[int] = ()  # of the images, if they were compared


def check_set(kind: str, data: LabelledImages) -> Findings:
  """Return counts, sizes and grey values of a data set, and what is odd.

  Args:
    kind: 'synthetic' or 'real', to begin the sentences with.
    data: At least one image.
  """
  pixels = data.images.reshape(len(data.images), -1)
  means = pixels.mean(axis=1, dtype=np.float32)
  deviations = np.array([image.std(dtype=np.float32) for image in pixels])
  facts = [
      f'{kind}: {len(pixels):,} images'
      + _describe_sizes(data.report.sizes)
      + _describe_depth(data)
      + f', grey values {pixels.min()} to {pixels.max()}, mean'
      f' {means.mean():.0f}, contrast {deviations.mean():.0f}'
  ]
  warnings = []

  def warn(places: np.ndarray, what: str) -> None:
    if len(places):
      warnings.append(
          f'{kind}: {len(places):,} of {len(pixels):,} images {what}, first'
          f' {data.names[places[0]]}.'
      )

  digests = [hash(image.tobytes()) for image in pixels]
  _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
  copies = np.flatnonzero(first[inverse] != np.arange(len(pixels)))
  warn(copies, 'copied from others')
  flat = deviations < _FLAT
  warn(np.flatnonzero(flat), 'of one grey value, showing nothing')
  distance = np.abs(means - np.median(means))
  limit = max(_LEAST_ODD, _ODD * 1.4826 * float(np.median(distance)))
  warn(
      np.flatnonzero((distance > limit) & ~flat),
      'much darker or brighter than the others',
  )
  least, greatest = np.searchsorted(_shares(data.images), (0.001, 0.999))
  if greatest - least < _FEW:
    warnings.append(
        f'{kind}: nearly all pixels are from {least} to {greatest} of 255 grey'
        f' levels, so little is left to see{_advise_depth(data)}.'
    )
  return Findings(facts, warnings, digests)


def _describe_depth(data: LabelledImages) -> str:
  if not data.report.sixteen_bit:
    return ''
  number, least, greatest = data.report.sixteen_bit
  which = '' if number == len(data.images) else f'{number:,} with '
  return f', {which}16-bit values {least} to {greatest}, of which 8 bits stay'


def _advise_depth(data: LabelledImages) -> str:
  found = data.report.sixteen_bit
  factor = 65_535 // max(1, found[2]) if found else 0
  if factor > 1:
    return (
        ': 16-bit values are divided by 256; multiply them by'
        f' {factor} in the files, and those of the other set if it has 16 bits'
        ' too'
    )
  return '; stretch the grey values in the files'


def _find_common(
    names: np.ndarray, synthetic: Sequence[int], real: Sequence[int]
) -> list[str]:
  """Return a warning if digests of images are in both sets, or nothing."""
  both = np.flatnonzero(np.isin(synthetic, real))
  if not len(both):
    return []
  return [
      f'{len(both):,} of {len(names):,} synthetic images are among the real'
      f' ones, first {names[both[0]]}; give two sets that share none.'
  ]


def _describe_sizes(sizes: Mapping[str, int] | None) -> str:
  if not sizes:
    return ''
  common = max(sizes, key=lambda size: sizes[size])
  if len(sizes) == 1:
    return f' from {common} pixels'
  return f' from {len(sizes)} sizes, most {common} pixels'


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
  warning = (
      'the difference of grey values costs more than it can gain: the refiner'
      ' will hardly close it. Set --config.data.match_histograms=true to take'
      ' it out before, or --config.self_regularization_weight below'
      f' {_round_down(gain / cost)}.'
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

  Args:
    synthetic: The simulator's images.
    matched: The same images as the refiner gets them, [n, h, w, c] uint8.
    real: The real images.
    num_patches: Number of the discriminator's decisions on an image.
    weight: Weight lambda of the self-regularisation.
  """
  found = (
      check_set('synthetic', synthetic),
      check_set('real', real),
      compare_sets(
          matched, real.images, num_patches=num_patches, weight=weight
      ),
  )
  return Findings(
      [fact for part in found for fact in part.facts],
      [sentence for part in found for sentence in part.warnings]
      + _find_common(synthetic.names, found[0].digests, found[1].digests),
  )


def _round_down(value: float) -> float:
  """Return the largest number of one digit that is at most `value` > 0."""
  scale = 10.0 ** math.floor(math.log10(value))
  return float(f'{math.floor(value / scale) * scale:.1g}')
