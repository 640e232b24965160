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
    """alpha albedo annotation annotations class classes coordinates cs depth
    depths disparity flow gt gtfine id ids instance instances label labelids
    labels mask masks matte matting normal normals objectid panoptic parsing
    seg segs segmap segmentation segmentations semantic semantics stencil
    trimap uv
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
    index = _Index(pictures)
    pictures -= {
        name
        for name in pictures.difference(named)
        if any(owner != name for owner in index.find_owners(name))
    }
    _check_decided(pictures.difference(named), pictures)
  index, left = _Index(pictures), []
  companions = collections.defaultdict(list)
  for name in names:
    if name not in pictures:
      owners = list(index.find_owners(name))
      owners = owners or (index.find_tagged(name) if pattern else [])
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


class _Key(NamedTuple):
  """What the words of a path say; where they stand does not matter."""

  words: tuple[str, ...]  # without those that tell kinds
  numbers: tuple[str, ...]
  is_label: bool  # a word such as mask is among them
  is_picture: bool  # a word such as rgb is, and none such as mask


def _make_key(name: str) -> _Key:
  words = re.findall(r'leftimg8bit|\d+|[^\W\d_]+', _stem(name).lower())
  is_label = not _LABEL_WORDS.isdisjoint(words)
  is_picture = not is_label and not _PICTURE_WORDS.isdisjoint(words)
  rest = tuple(x for x in words if x not in _LABEL_WORDS | _PICTURE_WORDS)
  numbers = tuple(word for word in rest if word.isdecimal())
  return _Key(rest, numbers, is_label, is_picture)


class _Index:
  """Pictures by what other files may share with them."""

  def __init__(self, pictures: Collection[str]):
    self.by_stem: dict[str, list[str]] = collections.defaultdict(list)
    self.by_words: dict[tuple, list[str]] = collections.defaultdict(list)
    self.by_numbers: dict[tuple, list[str]] = collections.defaultdict(list)
    for name in sorted(pictures):
      key = _make_key(name)
      self.by_stem[_stem(name)].append(name)
      if not key.is_label:
        self.by_words[key.words].append(name)
      if key.is_picture:
        self.by_numbers[key.numbers].append(name)

  def find_owners(self, name: str) -> Iterator[str]:
    """Yield the pictures that a file belongs to, itself not among them."""
    folder, _, file = name.rpartition('/')
    parts = file.split('.')
    for end in range(len(parts) - 1, 0, -1):
      stem = f'{folder}/' * bool(folder) + '.'.join(parts[:end])
      same = self.by_stem.get(stem, ())
      owners = [owner for owner in same if owner != name]
      # Of 0.png and 0.jpg neither is a label of the other, nor is 0.jpg.png.
      is_last = end == len(parts) - 1
      if owners and not (is_last and name in same):
        exact = f'{stem}.{parts[end]}'
        is_ending = f'.{parts[end].lower()}' in IMAGES
        if exact in owners and not is_last:  # 0.jpg.json
          owners = [exact]
          is_ending = f'.{parts[-1].lower()}' in IMAGES
        if parts[end][:1].isalpha() and (is_last or not is_ending):
          yield from owners
        return
    key = _make_key(name)
    if key.is_label:
      # Further words may say more about the kind, as in forward_flow_0.
      yield from self.by_words.get(key.words) or (
          self.by_words.get(key.numbers, ()) if key.numbers else ()
      )

  def find_tagged(self, name: str) -> list[str]:
    """Return the pictures whose name begins this one, before -, _ or blank."""
    stem = _stem(name)
    for match in reversed(list(re.finditer(r'[-_ ]', stem))):
      if stem[: match.start()] in self.by_stem:
        return self.by_stem[stem[: match.start()]]
    return []

  def find_partner(self, name: str) -> tuple[str, str]:
    """Return a picture that may own this one, and what tells the two apart.

    Both are empty if there is none.
    """
    stem = _stem(name)
    ending = name.removeprefix(stem)
    twins = [twin for twin in self.by_stem[stem] if twin < name]
    for owner in (twins or self.find_tagged(name))[:1]:
      tag = stem.removeprefix(_stem(owner))
      if twins or re.search(r'[^\W\d_]', tag):
        return owner, tag + ending
    key = _make_key(name)
    owners = self.by_numbers.get(key.numbers, ()) if key.numbers else ()
    letters = ' '.join(word for word in key.words if not word.isdecimal())
    if len(owners) == 1 and letters and not key.is_picture:
      return owners[0], letters
    return '', ''


def _stem(name: str) -> str:
  return os.path.splitext(name)[0]


def _check_decided(
    doubtful: Collection[str], pictures: Collection[str]
) -> None:
  """Raise an InputError if pictures have partners of one unknown kind.

  Examples are 0.png and 0_x.png, 1.png and 1_x.png; 0.jpg and 0.png, 1.jpg and
  1.png; rgb_0.png and x_0.png, rgb_1.png and x_1.png. One such pair among many
  images is taken for two pictures, as is 0_1.png beside 0.png.
  """
  index, pairs = _Index(pictures), collections.defaultdict(list)
  for name in sorted(doubtful):
    owner, tag = index.find_partner(name)
    if owner:
      pairs[tag].append((owner, name))
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
