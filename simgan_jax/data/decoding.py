"""Reading image files."""

from pathlib import Path

from simgan_jax.data import crops


def read_image(file: Path, page: int | None = None) -> crops.Pixels:
  """Return the decoded image."""
  del page
  return crops.read_image(file)


def count_pages(file: Path) -> int:
  """Return the number of pages."""
  del file
  return 1
