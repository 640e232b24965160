"""What `eval/metrics.json` says, in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from simgan_jax.measures import units
from simgan_jax.report import rows as rows_lib
from simgan_jax.report import table

_PUBLISHED = {
    'mpiigaze': (
        'Published in Table 2 (MPIIGaze): synthetic 62.3, synthetic 4x 64.9,'
        ' refined 69.4, refined 4x 87.2;\nlabelled 7 degrees there, but the'
        " paper's Fig. 7 has these values at 13.",
        'Published in Table 3 (MPIIGaze): synthetic 11.2, refined 7.8.',
    ),
    'nyu_hand': (
        'Published in Table 4 (NYU, within 5 pixels): synthetic 69.7, refined'
        ' 72.4, real 74.5, synthetic 3x 77.7, refined 3x 83.3.',
    ),
}


def quote_paper(results: Mapping[str, Any]) -> list[str]:
  """Return the values that the paper has for this test set, if any."""
  name = results['test']['name'].lower()
  return [
      sentence
      for test_set, sentences in _PUBLISHED.items()
      if name.startswith(test_set)
      for sentence in sentences
  ]


def _conclude(
    results: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], kind: str
) -> str:
  """Return what refining did in rows of one kind, '' if nothing compares."""
  unit = rows_lib.unit_of(results)
  key = unit.headline.key if unit.headline else f'mean_{unit.name}'
  found = {(row['train_on'], row['scale']): row for row in rows}
  common = [
      scale
      for train_on, scale in found
      if train_on == 'synthetic' and ('refined', scale) in found
  ]
  if not common:
    return ''
  before, after = (
      found[train_on, max(common)][key] for train_on in ('synthetic', 'refined')
  )
  verb = 'lowered' if after['mean'] < before['mean'] else 'raised'
  seeds = max(len(row['seeds']) for row in rows)
  spread = (
      f'spread over {seeds} seeds: +-{before["std"]:.2f} and'
      f' +-{after["std"]:.2f}'
      if seeds > 1
      else 'one seed, spread unknown'
  )
  if unit.headline:
    what, words = unit.headline.words, unit.headline.unit
    change = f'{after["mean"] - before["mean"]:+.1f} points'
  else:
    what, words = 'mean error', unit.words
    relative = after['mean'] / max(before['mean'], 1e-9) - 1
    change = f'{100 * relative:+.1f} %'
  matched = found.get(('matched', max(common)))
  alone = (
      f'; matching histograms alone gives {matched[key]["mean"]:.2f}'
      if matched
      else ''
  )
  return (
      f'Refining {verb} the {what} from {before["mean"]:.2f} to'
      f' {after["mean"]:.2f} {words}{kind} ({change}; {spread}){alone}.'
  )


def conclude(results: Mapping[str, Any]) -> str:
  """Return what refining did to the mean error, in a sentence or two.

  Classes and masks have their headline, such as the accuracy, in its place. A
  sentence compares synthetic and refined images at the largest scale that both
  have. Rows with augmentation have a sentence of their own.
  """
  by_kind: dict[bool, list[Mapping[str, Any]]] = {}
  for row in table.network_rows(results):
    by_kind.setdefault(row['augmented'], []).append(row)
  found = []
  for augmented, rows in sorted(by_kind.items()):
    kind = f' {"with" if augmented else "without"} augmentation'
    found.append(_conclude(results, rows, kind if len(by_kind) > 1 else ''))
  return ' '.join(filter(None, found)) or (
      'There are no rows of synthetic and refined images of one scale.'
  )


def describe_constant(results: Mapping[str, Any]) -> str:
  """Return how well a predictor does that always gives the same answer."""
  unit, constant = rows_lib.unit_of(results), results['constant_predictor']
  always = 'A predictor that always gives the same answer'
  if unit.headline:
    value = constant[unit.headline.key]
    return f'{always} has a {unit.headline.words} of {value:.1f} %.'
  mean = constant[f'mean_{unit.name}']
  return f'{always} is off by {mean:.2f} {unit.words}.'


def describe_images(results: Mapping[str, Any]) -> list[str]:
  """Return which refiner it was, and what it did to realism and labels."""
  sentences = []
  if found := results.get('checkpoint'):
    sentences.append(
        f'Refiner: the checkpoint of round {found["round"]:,}, chosen without'
        f' real labels: {found["rule"]}.'
    )
  if found := results.get('realism'):
    synthetic, refined = found['synthetic'], found['refined']
    sentences.append(
        'Realism: a classifier tells refined images that it has not seen'
        f' from real ones in {refined["accuracy"]:.1f} %'
        f' +- {refined["standard_error"]:.1f} of the cases, synthetic ones in'
        f' {synthetic["accuracy"]:.1f} % +- {synthetic["standard_error"]:.1f}'
        ' (chance 50 %); kernel distance'
        f' {refined["kernel_distance"]["value"]:.2f} after'
        f' {synthetic["kernel_distance"]["value"]:.2f}.'
    )
  labels = results.get('label_preservation', {})
  if found := labels.get('iris_shift'):
    shift, own = found['all_pairs'], found['error_before']
    error = f", the fit's own error {own['mean_px']:.2f} px" if own else ''
    sentences.append(
        f'Labels: refining moves the iris by {shift["mean_px"]:.2f} px'
        f' +- {shift["std_px"]:.2f} ({shift["num"]:,} pairs{error}) and the'
        f' predicted gaze by {labels["gaze_shift_deg"]["mean"]:.1f} degrees.'
    )
  if found := labels.get('joint_shift_px'):
    sentences.append(
        'Labels: refining moves the predicted joints by'
        f' {found["mean"]:.1f} {units.HANDS.words}.'
    )
  if found := results.get('samples'):
    sentences.append(_describe_samples(results, found))
  return sentences


def _describe_samples(
    results: Mapping[str, Any], found: Mapping[str, Any]
) -> str:
  """Return how samples of one image differ."""
  unit = rows_lib.unit_of(results)
  real = iris = ''
  if 'real_pixels' in found:
    real = (
        f' (two real images of one person and label by'
        f' {found["real_pixels"]:.1f} and {found["real_patches"]:.2f})'
    )
  if 'iris_shift_px' in found:
    iris = f' and the iris by {found["iris_shift_px"]:.2f} px'
  distances = found['patch_distances']
  return (
      'Samples: two refined images of one synthetic image differ by'
      f' {found["pixels"]:.1f} grey levels a pixel and {found["patches"]:.2f}'
      f' in their patches{real}; the prediction moves by'
      f' {found[f"shift_{unit.name}"]:.2f} {unit.words}{iris} between them.'
      f' Patch distance from real images {min(distances):.2f} to'
      f' {max(distances):.2f}, of synthetic ones'
      f' {found["synthetic_patch_distance"]:.2f}.'
  )
