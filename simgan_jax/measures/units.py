"""What an evaluation measures, by task, and how it is called."""

from typing import NamedTuple

HANDS_WIDTH = 224  # px, width of the paper's images of hands


class Measure(NamedTuple):
  """A number for a whole test set, besides the mean error."""

  key: str  # in `eval/metrics.json`
  words: str  # in a sentence and at the head of a column
  unit: str = ''  # such as '%', after the number


class ErrorUnit(NamedTuple):
  """The unit of a task's errors, and how they are counted.

  An error belongs to one test image, or one of its points, and is the smaller
  the better; the bootstrap and the curve use it.
  """

  task: str  # its name in `eval/metrics.json`
  name: str  # of the unit, in the fields of that file and in tables
  words: str  # the unit in a sentence
  axis_label: str
  counted: str  # what has one error each
  thresholds: tuple[int, ...] = ()  # errors are counted within these
  curve_end: float | None = 30  # largest error of a curve; None fits it
  measures: tuple[Measure, ...] = ()
  # The number that answers whether refining helped, where it is not the mean
  # error; more of it is better.
  headline: Measure | None = None


GAZE = ErrorUnit(
    task='gaze',
    name='deg',
    words='degrees',
    axis_label='angular error, degrees',
    counted='test images',
    thresholds=(5, 7, 10, 13),
)
# Pixels of images of any size count as in an image as wide as the paper's.
HANDS = ErrorUnit(
    task='hands',
    name='px',
    words=f'pixels (images {HANDS_WIDTH} wide)',
    axis_label=f'error of a joint, pixels of an image {HANDS_WIDTH} wide',
    counted='joints of test images',
    thresholds=(3, 5, 10, 20),
)
POINTS = ErrorUnit(
    task='points',
    name='px',
    words='pixels',
    axis_label='error of a point, pixels',
    counted='points of test images',
    thresholds=(1, 2, 4, 8),
    curve_end=None,
)
ACCURACY = Measure('accuracy', 'accuracy', '%')
CLASS = ErrorUnit(
    task='class',
    name='error_rate',
    words='% wrong',
    axis_label='',
    counted='test images',
    measures=(ACCURACY, Measure('balanced_accuracy', 'balanced', '%')),
    headline=ACCURACY,
)
REGRESSION = ErrorUnit(
    task='regression',
    name='absolute_error',
    words='units of the label',
    axis_label='absolute error',
    counted='test images',
    curve_end=None,
    measures=(Measure('r2', 'R2'),),
)
# Of several columns, whose units may differ.
REGRESSION_OF_SEVERAL = REGRESSION._replace(
    words='standard deviations of the labels',
    axis_label='absolute error, standard deviations of the labels',
    counted='labels of test images',
)
MEAN_IOU = Measure('mean_iou', 'mean IoU', '%')
MASK = ErrorUnit(
    task='mask',
    name='jaccard_distance',
    words='% (100 - IoU)',
    axis_label='100 - IoU of an image, %',
    counted='test images',
    curve_end=100,
    measures=(MEAN_IOU, Measure('pixel_accuracy', 'pixels right', '%')),
    headline=MEAN_IOU,
)
BY_TASK = {
    unit.task: unit for unit in (GAZE, HANDS, POINTS, CLASS, REGRESSION, MASK)
}
