"""Render speed-limit signs, plainly: a simulator in one file.

    python examples/signs/render.py --output=data/signs_rendered

writes 8,000 images and their `labels.csv` in half a minute. The shapes are
those of the German signs, whose digits are even strokes with straight sides and
round ends. The looks are as plain as can be: three flat colours, no dirt, no
blur, no glare. Looks are what the refiner adds; shapes it must not touch.

Signs and backgrounds are lit by chance, each on its own, and there are spots
behind the sign. `--scene=lights` leaves out the spots, `--scene=plain` both.
"""

import argparse
import csv
import pathlib

import numpy as np
from PIL import Image, ImageDraw

LIMITS = (20, 30, 50, 60, 70, 80, 100, 120)  # km/h
SCENES = 'plain', 'lights', 'spots'
OVERSAMPLING = 4  # pixels drawn for each pixel written, against jagged edges


def arc(x, y, across, down, start, end):
  """Return points [16, 2] of an ellipse's arc, degrees from right downwards."""
  angle = np.radians(np.linspace(start, end, 16))
  return np.stack([x + across * np.cos(angle), y + down * np.sin(angle)], 1)


def strokes(digit, w):
  """Return a digit's centre lines, lists of [n, 2]; x 0 to w, y 0 to 1 down."""
  r = w / 2  # of round ends
  ring = [arc(r, 1 - r, r, r, 0, 180), arc(r, r, r, r, 180, 360)]
  return {
      '0': [np.concatenate([*ring, ring[0][:1]])],
      '1': [[(0, 0.22), (0.55 * w, 0), (0.55 * w, 1.07)]],
      '2': [[*arc(r, r, r, r, 190, 400), (0.02 * w, 1), (1.1 * w, 1)]],
      '3': [
          [*arc(r, 0.24, 0.92 * r, 0.24, 195, 450), (0.35 * w, 0.48)],
          [(0.35 * w, 0.48), *arc(r, 0.74, r, 0.26, -90, 165)],
      ],
      '5': [
          [
              *[(w, 0), (0.1 * w, 0), (0.05 * w, 0.47)],
              *arc(r, 0.7, r, 0.3, 215, 505),
          ]
      ],
      '6': [
          arc(r, 0.7, r, 0.3, 0, 360),
          [(0.72 * w, -0.07), (0.06 * w, 0.58)],
      ],
      '7': [[(-0.1 * w, 0), (w, 0), (0.3 * w, 1.07)]],
      '8': [
          arc(r, 0.235, 0.88 * r, 0.235, 0, 360),
          arc(r, 0.735, r, 0.265, 0, 360),
      ],
  }[digit]


def draw_background(scene, rng, canvas):
  """Return an RGB image of one colour, or of spots."""
  level = rng.uniform(30, 226)
  if scene != 'plain':
    level = 255 * rng.uniform(0.05, 1) ** 1.5
  spots = np.full((1, 1, 3), level) + rng.integers(-20, 21, 3)
  if scene == 'spots':
    side, contrast = rng.integers(3, 16), rng.uniform(0, 0.8)
    spots = level * np.exp(
        rng.normal(0, contrast, (side, side, 1))
        + rng.normal(0, 0.1, (side, side, 3))
    )
  image = Image.fromarray(spots.clip(0, 255).astype(np.uint8))
  return image.resize((canvas, canvas), Image.Resampling.BICUBIC)


def draw_sign(limit, rng, size, *, scene='spots'):
  """Return a sign as an RGB image, size x size pixels."""
  canvas = size * OVERSAMPLING
  image = draw_background(scene, rng, canvas)
  light = 1 if scene == 'plain' else np.exp(rng.uniform(np.log(0.12), 0))
  draw = ImageDraw.Draw(image)
  radius = rng.uniform(0.31, 0.42) * canvas
  turn, squeeze = np.radians(rng.normal(0, 3)), rng.uniform(0.88, 1)
  rotation = [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
  matrix = radius * np.diag([squeeze, 1]) @ rotation
  centre = canvas * (0.5 + rng.normal(0, 0.015, 2))

  def place(points):
    return [tuple(point) for point in np.asarray(points) @ matrix + centre]

  def shade(colour):
    return tuple(int(light * value) for value in colour)

  for part, colour in (
      (1, (235, 235, 235)),
      (rng.uniform(0.94, 0.97), (190, 30, 40)),
      (rng.uniform(0.68, 0.73), (235, 235, 235)),
  ):
    circle = [arc(0, 0, part, part, 90 * k, 90 * k + 90) for k in range(4)]
    draw.polygon(place(np.concatenate(circle)), shade(colour))

  # In heights of a digit, as in the signs' own design.
  height = rng.uniform(0.78, 0.88)
  stroke = rng.uniform(0.13, 0.165)
  gap = rng.uniform(0.06, 0.11)
  width = rng.uniform(0.42, 0.46) if limit >= 100 else rng.uniform(0.56, 0.62)
  digits, black = str(limit), shade((25, 25, 25))
  widths = [0.7 * width if digit == '1' else width for digit in digits]
  left = -(sum(widths) + gap * (len(digits) - 1)) / 2
  thick = round(stroke * height * radius * (1 + squeeze) / 2)
  for digit, advance in zip(digits, widths, strict=True):
    for line in strokes(digit, width - stroke):
      # The centre lines end half a stroke before the digit's edges.
      corner = left + stroke / 2, stroke / 2 - 0.5
      points = np.asarray(line) * (1, 1 - stroke) + corner
      draw.line(place(points * height), black, thick, joint='curve')
    left += advance + gap
  return image.reduce(OVERSAMPLING)


def main():
  """Write images and labels."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--output', type=pathlib.Path, required=True)
  parser.add_argument('--images', type=int, default=8_000)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--size', type=int, default=48, help='pixels')
  parser.add_argument('--scene', choices=SCENES, default='spots')
  flags = parser.parse_args()
  flags.output.mkdir(parents=True, exist_ok=True)
  rng = np.random.default_rng(flags.seed)
  with (flags.output / 'labels.csv').open('w', newline='') as file:
    table = csv.writer(file)
    table.writerow(['file', 'limit'])
    for number in range(flags.images):
      limit = LIMITS[number % len(LIMITS)]
      name = f'{number:05d}.png'
      image = draw_sign(limit, rng, flags.size, scene=flags.scene)
      image.save(flags.output / name)
      table.writerow([name, limit])


if __name__ == '__main__':
  main()
