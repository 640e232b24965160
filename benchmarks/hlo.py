"""Facts about a compiled program, read from its HLO text."""

import math
import re

KINDS = 'all-reduce|all-gather|all-to-all|reduce-scatter|collective-\\w+'


def find_collectives(hlo: str) -> list[tuple[str, int]]:
  """Return kind and bytes of each exchange between devices, in order."""
  found = []
  for shapes, kind in re.findall(rf'= (.*?) ({KINDS})(?:-start)?\(', hlo):
    arrays = re.findall(r'[a-z](\d+)\[([\d,]*)\]', shapes)
    bits = sum(
        math.prod(map(int, [width, *filter(None, dims.split(','))]))
        for width, dims in arrays
    )
    found.append((kind, bits // 8))
  return found


def estimate_cycles(hlo: str) -> int:
  """Return the cycles that the compiler expects, with all loop iterations."""
  blocks: dict[str, list[str]] = {}
  entry = name = ''
  for line in hlo.splitlines():
    head = re.match(r'(ENTRY )?(%[\w.-]+) \(.*\{$', line)
    if head:
      name = head[2]
      entry = name if head[1] else entry
    blocks.setdefault(name, []).append(line)

  def count(name: str) -> int:
    lines = '\n'.join(blocks[name])
    cycles = sum(map(int, re.findall(r'"estimated_cycles":"(\d+)"', lines)))
    for condition, body in re.findall(
        r' while\(.*condition=(%[\w.-]+), body=(%[\w.-]+)', lines
    ):
      test = '\n'.join(blocks[condition])
      trips = re.findall(r's32\[\][^=]* constant\((\d+)\)', test)
      cycles += max(map(int, trips), default=1) * count(body)
    return cycles

  return count(entry)
