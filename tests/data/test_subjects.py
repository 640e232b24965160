"""Subject ranges."""

import pytest

from simgan_jax.data import subjects
from simgan_jax.machine.errors import InputError


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('1-3', {1, 2, 3}),
        ('7', {7}),
        ('0,2', {0, 2}),
        ('1-3,7, 9-10', {1, 2, 3, 7, 9, 10}),
    ],
)
def test_ranges(text, expected):
  assert subjects.parse(text) == expected


@pytest.mark.parametrize('text', ['a', '1-', '-3', '1,,2', '1-2-3', '1.5'])
def test_no_ranges(text):
  with pytest.raises(InputError, match=f"'{text}'.*1-3,7,9-12"):
    subjects.parse(text)


def test_describing_is_the_inverse():
  assert subjects.describe([12, 1, 2, 3, 7, 9, 10, 11, 2]) == '1-3,7,9-12'
