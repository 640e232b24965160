"""Telling pictures from the files beside them that belong to them.

A renderer writes 0.png, and beside it 0.json, 0.depth.png or masks/0.png. Only
0.png is a picture; the others are its companions. Files that belong to no
picture are left.
"""

import collections
import fnmatch
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from simgan_jax.machine.errors import InputError

# Endings of the images that are read.
IMAGES = '.bmp .jpeg .jpg .npy .pgm .png .ppm .tif .tiff .webp'.split()
# Words in names of label images, and in names of pictures.
_LABEL_WORDS = frozenset(
    """alpha albedo annotation annotations class classes cs depth depths
    disparity flow gt gtfine id ids instance instances label labelids labels
    mask masks matte matting normal normals objectid panoptic parsing seg segs
    segmap segmentation segmentations semantic semantics stencil trimap uv
    """.split()
)
_PICTURE_WORDS = frozenset(
    """camera color colour image images img imgs input inputs leftimg8bit photo
    photos picture pictures render renders rgb rgba
    """.split()
)


class Sorted(NamedTuple):
  """The files of a folder by their roles; names are relative, with '/'."""

  pictures: list[str]
  companions: Mapping[str, Sequence[str]]  # by the picture they belong to
  left: list[str]  # of no picture


def sort_files(
    names: Sequence[str],
    *,
    pattern: str = '',
    named: Collection[str] = (),
    suffixes: Collection[str] = IMAGES,
) -> Sorted:
  """Return pictures, their companions and other files.

  A file belongs to a picture if it has the picture's name up to its ending and
  further parts that begin with a letter (0.json and 0.depth.16.png to 0.png),
  or if a word such as mask or depth is all that tells the two paths apart
  (0_mask.png, mask_0.png, masks/0.png to 0.png or images/0.png).

  Args:
    names: Files of the folder, sorted.
    pattern: Glob that the names or paths of all pictures match, and of no other
      image; empty if there is none.
    named: Files that are pictures for certain.
    suffixes: Endings of images, in lower case.

  Raises:
    InputError: If it cannot be decided whether images are pictures.
  """
  pictures = {
      name
      for name in names
      if os.path.splitext(name)[1].lower() in suffixes
      and (not pattern or _matches(name, pattern))
  } | set(named)
  if not pattern:
    by_stem, by_key = _index(pictures)
    beside = {
        name
        for name in pictures - set(named)
        if any(owner != name for owner in _find_owners(name, by_stem, by_key))
    }
    pictures -= beside
    _check_decided(pictures - set(named), pictures)
  by_stem, by_key = _index(pictures)
  companions, left = collections.defaultdict(list), []
  for name in names:
    if name not in pictures:
      owners = list(_find_owners(name, by_stem, by_key))
      owners = owners or (_find_tagged(name, by_stem) if pattern else [])
      for owner in owners:
        companions[owner].append(name)
      if not owners:
        left.append(name)
  ordered = [name for name in names if name in pictures]
  ordered += sorted(pictures.difference(names))
  return Sorted(ordered, companions, left)


def _matches(name: str, pattern: str) -> bool:
  return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(
      name.rpartition('/')[2], pattern
  )


_Index = Mapping[object, list[str]]


def _index(pictures: Collection[str]) -> tuple[_Index, _Index]:
  """Return pictures by path without ending, and by the key of the path."""
  by_stem, by_key = collections.defaultdict(list), collections.defaultdict(list)
  for name in sorted(pictures):
    by_stem[_stem(name)].append(name)
    key, is_label = _make_key(name)
    if not is_label:
      by_key[key].append(name)
  return by_stem, by_key


def _stem(name: str) -> str:
  return os.path.splitext(name)[0]


def _make_key(name: str) -> tuple[tuple[str, ...], bool]:
  """Return the words of a path without those of kinds; whether it is a label.

  Where the words of a kind stand in the path does not matter.
  """
  words = re.findall(r'leftimg8bit|\d+|[^\W\d_]+', _stem(name).lower())
  kinds = _LABEL_WORDS | _PICTURE_WORDS
  key = tuple(word for word in words if word not in kinds)
  return key, not _LABEL_WORDS.isdisjoint(words)


def _find_owners(name: str, by_stem: _Index, by_key: _Index) -> Iterator[str]:
  """Yield the pictures that a file belongs to, itself not among them."""
  folder, _, file = name.rpartition('/')
  parts = file.split('.')
  for end in range(len(parts) - 1, 0, -1):
    stem = f'{folder}/' * bool(folder) + '.'.join(parts[:end])
    owners = [owner for owner in by_stem.get(stem, ()) if owner != name]
    # Of 0.png and 0.jpg neither is a label of the other, nor is 0.jpg.png.
    is_twin = end == len(parts) - 1 and name in by_stem.get(stem, ())
    if owners and not is_twin:
      exact = f'{stem}.{parts[end]}'
      is_ending = f'.{parts[end].lower()}' in IMAGES
      if exact in owners and end < len(parts) - 1:  # 0.jpg.json
        owners = [exact]
        is_ending = f'.{parts[-1].lower()}' in IMAGES
      if parts[end][:1].isalpha() and not (is_ending and end < len(parts) - 1):
        yield from owners
      return
  key, is_label = _make_key(name)
  if is_label:
    yield from by_key.get(key, ())


def _find_tagged(name: str, by_stem: _Index) -> list[str]:
  """Return the pictures whose name begins this one, before - or _ or blank."""
  stem = _stem(name)
  for match in reversed(list(re.finditer(r'[-_ ]', stem))):
    if stem[: match.start()] in by_stem:
      return by_stem[stem[: match.start()]]
  return []


def _check_decided(
    doubtful: Collection[str], pictures: Collection[str]
) -> None:
  """Raise an InputError if pictures have partners of one unknown kind.

  Examples are 0.png and 0_x.png, 1.png and 1_x.png, or 0.jpg and 0.png, 1.jpg
  and 1.png. One such pair among many images is taken for two pictures, as is
  0_1.png beside 0.png.
  """
  by_stem, _ = _index(pictures)
  pairs = collections.defaultdict(list)
  for name in sorted(doubtful):
    twins = [twin for twin in by_stem[_stem(name)] if twin < name]
    for owner in (twins or _find_tagged(name, by_stem))[:1]:
      tag = _stem(name).removeprefix(_stem(owner))
      if twins or re.search(r'[^\W\d_]', tag):
        pairs[tag, name.removeprefix(_stem(name))].append((owner, name))
  num_tagged = sum(map(len, pairs.values()))
  for found in pairs.values():
    if len(found) > 1 and 2 * len(found) >= len(pictures) - num_tagged:
      owner, name = found[0]
      raise InputError(
          f'{name} may be a picture or belong to {owner}, as in {len(found)}'
          ' such pairs; set pattern to a glob that all pictures match and no'
          " other image, or to '*'."
      )


def list_beside(folder: Path) -> Mapping[str, list[Path]]:
  """Return the files of a folder that are no images, by name without ending."""
  found: dict[str, list[Path]] = {}
  for file in sorted(folder.iterdir()) if folder.is_dir() else ():
    if file.suffix.lower() not in IMAGES and file.is_file():
      found.setdefault(file.stem, []).append(file)
  return found
