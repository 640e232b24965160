"""SimGAN on two folders of images: one of a simulator, one of real images.

    python train.py --config=configs/folders.py
        --config.data.synthetic.path=DIR --config.data.real.path=DIR
    python refine.py --workdir=runs/folders --output=refined
    python eval.py --workdir=runs/folders --test_path=DIR

Images are PNG, JPEG, TIFF, BMP, WebP, PGM, PPM or NPY, grey or colour, of 8 or
16 bits and of any size. docs/formats.md says how folders and labels are read,
and prepare.py --check what is read from yours. Set at least:

    --config.data.width --config.data.height    the size of all images
    --config.data.channels=3                    for colour
    --config.data.fit=pad                       to pad images, not to crop them

The networks are the paper's for eyes, for images of up to about 100 pixels. For
larger images copy those of configs/hands.py:paper.
"""

from simgan_jax.machine import errors
from simgan_jax.settings import config as config_lib
from simgan_jax.settings import presets


def get_config(preset: str = '') -> config_lib.Config:
  """Return the settings; there are no presets."""
  if preset:
    raise errors.InputError(
        f'configs/folders.py has no preset {preset!r}: leave out the colon.'
    )
  return presets.folders()
