"""What `eval/metrics.json` says, in sentences."""

from collections.abc import Mapping
from typing import Any

from simgan_jax.measures import units
from simgan_jax.report import rows as rows_lib

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


def _means(
    results: Mapping[str, Any], train_on: str, key: str
) -> dict[int, dict[str, float]]:
  """Return scale -> mean and std of the network trained on `train_on`.

  Rows with augmentation count only if there are no others.
  """
  rows = [row for row in results['rows'] if row['method'] == 'cnn']
  plain = [row for row in rows if not row['augmented']]
  return {
      row['scale']: row[key]
      for row in plain or rows
      if row['train_on'] == train_on
  }


def conclude(results: Mapping[str, Any]) -> str:
  """Return in one sentence what refining did to the mean error.

  Classes and masks have their headline, such as the accuracy, in its place. The
  sentence compares synthetic and refined images at the largest scale that both
  have, without augmentation if there are such rows.
  """
  unit = rows_lib.unit_of(results)
  key = unit.headline.key if unit.headline else f'mean_{unit.name}'
  synthetic = _means(results, 'synthetic', key)
  refined = _means(results, 'refined', key)
  common = synthetic.keys() & refined.keys()
  if not common:
    return 'There are no rows of synthetic and refined images of one scale.'
  before, after = synthetic[max(common)], refined[max(common)]
  verb = 'lowered' if after['mean'] < before['mean'] else 'raised'
  seeds = max(len(row['seeds']) for row in results['rows'])
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
  return (
      f'Refining {verb} the {what} from {before["mean"]:.2f} to'
      f' {after["mean"]:.2f} {words} ({change}; {spread}).'
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
  return sentences
