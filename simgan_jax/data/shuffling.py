"""Shuffled orders, computed from numbers alone.

The block cipher Simon (Beaulieu et al., https://eprint.iacr.org/2013/404),
shortened to four rounds, permutes the numbers of so many bits: enough to
shuffle, nothing to keep secrets with. Followed until it is back among the first
n, it permutes those (Black and Rogaway, "Ciphers with arbitrary finite
domains", CT-RSA 2002). TensorFlow's op RandomIndexShuffle does the same.
"""

import numpy as np
from jaxtyping import Int64

_MIN_WORD_SIZE = 8  # bits, half a block
# Simon's constant c, with the first bit of its sequence z.
_CONSTANT = 0xFFFFFFFC ^ 1


def permutation(
    num: int, *, key: tuple[int, int, int]
) -> Int64[np.ndarray, 'n']:
  """Return 0..num-1 shuffled, as RandomIndexShuffle does.

  Args:
    num: how many.
    key: three numbers, of which as many bits count as half a block has, at
      least 8.
  """
  word_size = max(_MIN_WORD_SIZE, ((num - 1).bit_length() + 1) // 2)
  following = _encrypt(np.arange(4**word_size), key, word_size)
  while (following[:num] >= num).any():
    # From two numbers outside, one after the other, in twice as large strides.
    following = np.where(following < num, following, following[following])
  return following[:num]


def _encrypt(
    blocks: Int64[np.ndarray, 'n'], key: tuple[int, int, int], word_size: int
) -> Int64[np.ndarray, 'n']:
  """Return blocks of two words, encrypted by four rounds of Simon."""
  mask = (1 << word_size) - 1

  def rotate_left(word, bits):
    return ((word << bits) | (word >> (word_size - bits))) & mask

  def mix(word):
    return rotate_left(word, 1) & rotate_left(word, 8) ^ rotate_left(word, 2)

  first, second, third = (number & mask for number in key)
  fourth = first ^ _CONSTANT & mask
  for bits in (3, 4):
    fourth ^= rotate_left(third, word_size - bits)
  left, right = blocks >> word_size, blocks & mask
  for even, odd in ((first, second), (third, fourth)):
    left = left ^ mix(right) ^ even
    right = right ^ mix(left) ^ odd
  return left << word_size | right
