"""Pictures are told from the files that belong to them."""

import pytest

from simgan_jax.data import companions
from simgan_jax.machine.errors import InputError

# Files, the pictures among them, their companions; the rest is of no picture.
KINDS = {
    'dots': (
        ['0.png', '0.cs.png', '0.depth.mm.16.png', '0.json', '0.boxes.json'],
        ['0.png'],
        {'0.png': 4},
    ),
    'capitals': (['0.PNG', '0.Depth.TIF'], ['0.PNG'], {'0.PNG': 1}),
    'a word after the name': (
        ['0.png', '0_mask.png', '1.png', '1_mask.png'],
        ['0.png', '1.png'],
        {'0.png': 1, '1.png': 1},
    ),
    'a word before the name': (
        ['depth_0.tif', 'rgb_0.jpg', 'semantic_0.png'],
        ['rgb_0.jpg'],
        {'rgb_0.jpg': 2},
    ),
    'folders': (
        ['images/a/0.png', 'labels/a/0.txt', 'masks/a/0.png'],
        ['images/a/0.png'],
        {'images/a/0.png': 2},
    ),
    'folders that are classes': (
        ['class_1/0.png', 'class_2/0.png'],
        ['class_1/0.png', 'class_2/0.png'],
        {},
    ),
    'only label images': (
        ['depth_0.png', 'depth_1.png'],
        ['depth_0.png', 'depth_1.png'],
        {},
    ),
    'numbers are no labels': (
        ['a.1.png', 'a.png', 'a (1).png', 'a_2.png', 'b-3.png', 'b.png'],
        ['a (1).png', 'a.1.png', 'a.png', 'a_2.png', 'b-3.png', 'b.png'],
        {},
    ),
    'one odd name': (
        ['a.png', 'a_edited.png', 'b.png', 'c.png'],
        ['a.png', 'a_edited.png', 'b.png', 'c.png'],
        {},
    ),
    'another format': (
        ['a.jpg', 'a.jpg.png', 'a.png', 'b.png'],
        ['a.jpg', 'a.jpg.png', 'a.png', 'b.png'],
        {},
    ),
    'more words about a kind': (
        ['forward_flow_00.png', 'object_coordinates_00.png', 'rgba_00.png'],
        ['rgba_00.png'],
        {'rgba_00.png': 2},
    ),
    'classes in names': (
        ['cat.0.jpg', 'cat.1.jpg', 'dog.0.jpg', 'dog.1.jpg'],
        ['cat.0.jpg', 'cat.1.jpg', 'dog.0.jpg', 'dog.1.jpg'],
        {},
    ),
    'no label word': (
        ['left/0.png', 'left/1.png', 'right/0.png', 'right/1.png'],
        ['left/0.png', 'left/1.png', 'right/0.png', 'right/1.png'],
        {},
    ),
    'of no picture': (
        ['0.png', '_camera_settings.json', 'notes.txt', 'x.gif'],
        ['0.png'],
        {},
    ),
    'whole names': (['0.jpg', '0.jpg.json'], ['0.jpg'], {'0.jpg': 1}),
}


@pytest.mark.parametrize('kind', KINDS)
def test_kinds(kind):
  names, pictures, counts = KINDS[kind]
  found = companions.sort_files(sorted(names))
  assert found.pictures == pictures
  assert {name: len(x) for name, x in found.companions.items()} == counts
  assert len(found.left) == len(names) - len(pictures) - sum(counts.values())


@pytest.mark.parametrize(
    ('first', 'second'),
    [
        ('{}.png', '{}_x.png'),
        ('{}.jpg', '{}.png'),
        ('{}.png', '{}-part b.png'),
        ('rgb_{}.png', 'xyz_{}.png'),
        ('images/{}.png', 'other/{}.png'),
    ],
)
def test_what_cannot_be_decided(first, second):
  names = sorted(x.format(i) for x in (first, second) for i in range(3))
  with pytest.raises(InputError) as error:
    companions.sort_files(names)
  for word in (first.format(0), second.format(0), '3 such pairs', 'pattern'):
    assert word in str(error.value)
  assert len(companions.sort_files(names, pattern='*').pictures) == 6
  chosen = companions.sort_files(names, pattern=second.format('[0-9]'))
  assert chosen.pictures == sorted(second.format(i) for i in range(3))
  named = companions.sort_files(names, named=names)
  assert named.pictures == names


def test_a_pattern_leaves_the_others_as_companions():
  names = ['a/0.rgb.png', 'a/0.rgb_x.png', 'a/1.nir.png', 'a/0.rgb.xml']
  found = companions.sort_files(sorted(names), pattern='*.rgb.png')
  assert found.pictures == ['a/0.rgb.png']
  assert found.companions['a/0.rgb.png'] == ['a/0.rgb.xml', 'a/0.rgb_x.png']
  assert found.left == ['a/1.nir.png']
