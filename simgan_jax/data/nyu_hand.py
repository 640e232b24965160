"""NYU hand pose: depth images by three cameras, and renderings of each.

Source: Tompson et al., "Real-time continuous pose recovery of human hands using
convolutional networks", ACM Transactions on Graphics 33, 2014.
"""

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io
from jaxtyping import Float

from simgan_jax.data import crops, decoding, folders, subjects
from simgan_jax.data.entries import Damaged, Entry, Sample
from simgan_jax.data.source import Source
from simgan_jax.machine import pixels
from simgan_jax.machine.errors import InputError
from simgan_jax.simulators import hand_images

FOCAL_PX = 588.036865, 587.075073  # of all three cameras
MIDDLE_PX = 320.0, 240.0
WIDTH, HEIGHT = 640, 480
# The data set's names of `hand_images.JOINTS`; F1 is the little finger, F4 the
# index finger.
JOINT_NAMES = (
    *('F1_KNU3_A', 'F1_KNU2_B', 'F2_KNU3_A', 'F2_KNU2_B'),
    *('F3_KNU3_A', 'F3_KNU2_B', 'F4_KNU3_A', 'F4_KNU2_B'),
    *('TH_KNU3_A', 'TH_KNU3_B', 'TH_KNU2_B', 'PALM_1', 'PALM_2', 'PALM_3'),
)

_LABELS = 'joint_data.mat'
_NUM_VIEWS = 3
_PREFIXES = {'real': 'depth', 'synthetic': 'synthdepth'}


@dataclasses.dataclass(kw_only=True)
class NyuHand(Source):
  """Hands by view and frame, `1_0000001`; the subject is unknown, 0.

  An image shows the cube of `hand_images` around the mean of the 14 labelled
  joints: hands count as localised, as in the papers that compare on this data
  set. The box is as wide as the cube at the centre's depth, and as high as the
  aspect ratio makes it.

  Each pixel is the nearest one of the depth image, because a mean across an
  edge or a hole would be a surface that is not there. Pixels outside of the
  depth image or of the cube, or not measured, are background.
  """

  name = 'nyu_hand'
  LABELS = {'joints': (len(hand_images.JOINTS), 3), 'intrinsics': (4,)}

  domain: str = 'real'  # or 'synthetic', the renderings of the same frames
  views: str = '1'  # ranges of cameras, 1 to 3

  def __post_init__(self) -> None:
    """Check the options."""
    super().__post_init__()
    try:
      views = sorted(subjects.parse(self.views))
    except InputError:
      views = []
    if not views or not 1 <= views[0] <= views[-1] <= _NUM_VIEWS:
      raise InputError(
          f'views={self.views!r} must be cameras from 1 to {_NUM_VIEWS}; write'
          " for example '1' or '1-3'."
      )
    # How the names of the wanted images begin, by view.
    self._prefixes = {v: f'{_PREFIXES[self.domain]}_{v}_' for v in views}

  def stamp(self) -> str:
    """Return the state of the labels and of the wanted images."""
    files = folders.list_files(self.path, ('.mat', '.png'))
    wanted = _LABELS, *self._prefixes.values()
    used = [file for file in files if file.name.startswith(wanted)]
    return folders.stamp(self.path, used)

  def list_entries(self) -> Iterator[Entry]:
    """Yield the frames by view and number."""
    joints = _read_joints(self.path / _LABELS)
    for view, prefix in self._prefixes.items():
      for frame, uvd in enumerate(joints[view - 1], start=1):
        file = self.path / f'{prefix}{frame:07d}.png'
        read = functools.partial(self._read, file, uvd)
        yield Entry(f'{view}_{frame:07d}', 0, read, file=file)

  def _read(self, file: Path, uvd: Float[np.ndarray, 'k 3']) -> Sample:
    size = {'height': self.height, 'width': self.width}
    depth_mm = _read_depth(file)
    if not (np.isfinite(uvd).all() and uvd[:, 2].min() > 0):
      raise Damaged(f'{file}: {_LABELS} puts a joint nowhere before the camera')
    u, v, centre_mm = (float(mean) for mean in uvd.mean(axis=0))
    if not (0 <= u < WIDTH and 0 <= v < HEIGHT):
      raise Damaged(
          f"{file}: the hand is out of the frame, its joints' mean at"
          f' ({u:.0f}, {v:.0f}) px'
      )
    # Joints are measured from the first pixel's centre, boxes from its edge.
    box_width = hand_images.CUBE_MM * FOCAL_PX[0] / centre_mm
    box = crops.box_around(u + 0.5, v + 0.5, box_width, **size)
    nearest_mm = _nearest(depth_mm, box, **size)
    values = hand_images.encode_depth(nearest_mm, centre_mm)
    if (values == hand_images.BACKGROUND).all():
      raise Damaged(
          f'{file}: shows no hand, as nothing is within'
          f' {hand_images.CUBE_MM / 2:.0f} mm of its depth, {centre_mm:.0f} mm'
      )
    grey = pixels.to_integers(values)[..., None]
    intrinsics = hand_images.crop_intrinsics(FOCAL_PX, MIDDLE_PX, box, **size)
    points_mm = hand_images.to_millimetres(
        uvd, np.array([*FOCAL_PX, *MIDDLE_PX])
    )
    return Sample(
        np.repeat(grey, self.channels, axis=-1),
        joints=hand_images.to_pixels(points_mm, intrinsics),
        intrinsics=intrinsics,
    )


def _read_joints(file: Path) -> Float[np.ndarray, 'view n k 3']:
  """Return the 14 joints as u px, v px (0 is a pixel's centre), z mm.

  `joint_xyz`, the same in mm with y up, must be there but is not used.
  """
  remedy = "restore it from the data set's archive."
  try:
    with file.open('rb') as opened:
      content = scipy.io.loadmat(opened)
    names = [str(np.squeeze(name)) for name in content['joint_names'].ravel()]
    joints = content['joint_uvd'].astype(np.float32, casting='same_kind')
    points = content['joint_xyz']
  except FileNotFoundError:
    raise InputError(
        f'{file} is missing; set path to the train or test folder with it.'
    ) from None
  except KeyError as error:
    raise InputError(f'{file}: lacks the variable {error}; {remedy}') from error
  except NotImplementedError as error:
    raise InputError(
        f'{file}: cannot be read if saved by MATLAB with -v7.3; save with -v7.'
    ) from error
  # Damaged files raise almost anything.
  except Exception as error:
    raise InputError(
        f"{file}: is not NYU's {_LABELS} ({error}); {remedy}"
    ) from error
  missing = [name for name in JOINT_NAMES if name not in names]
  if missing:
    raise InputError(f'{file}: joint_names lacks {missing}; {remedy}')
  shape = _NUM_VIEWS, *joints.shape[1:2], len(names), 3
  if not joints.shape == points.shape == shape or not joints.size:
    raise InputError(
        f'{file}: joint_uvd and joint_xyz have the shapes {joints.shape} and'
        f' {points.shape}, not ({_NUM_VIEWS}, frames, {len(names)}, 3);'
        f' {remedy}'
    )
  return joints[:, :, [names.index(name) for name in JOINT_NAMES]]


def _read_depth(file: Path) -> Float[np.ndarray, 'h w']:
  """Return the distances from the camera's plane in mm, 0 if not measured."""
  image, notes = decoding.read_image(file)
  if notes:
    raise Damaged(f'{file}: is not a depth image ({notes[0]})')
  if (image.shape, image.dtype) != ((HEIGHT, WIDTH, 3), np.uint8):
    height, width, channels = image.shape
    raise Damaged(
        f'{file}: is not a depth image of {WIDTH}x{HEIGHT} RGB pixels of 8 bits'
        f' but {width}x{height} {"RGB" if channels == 3 else "grey"} of'
        f' {8 * image.itemsize}'
    )
  _, high, low = np.moveaxis(image.astype(np.float32), -1, 0)
  return high * 256 + low


def _nearest(
    depth_mm: Float[np.ndarray, 'h w'],
    box: crops.Box,
    *,
    height: int,
    width: int,
) -> Float[np.ndarray, 'height width']:
  """Return a box of an image by its nearest pixels, 0 outside."""
  left, upper, right, lower = box
  x = left + (np.arange(width) + 0.5) * (right - left) / width
  y = upper + (np.arange(height) + 0.5) * (lower - upper) / height
  inside = ((0 <= y) & (y < HEIGHT))[:, None] & ((0 <= x) & (x < WIDTH))
  rows = y.clip(0, HEIGHT - 1).astype(int)
  columns = x.clip(0, WIDTH - 1).astype(int)
  return depth_mm[np.ix_(rows, columns)] * inside
