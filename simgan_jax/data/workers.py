"""Reading files with several threads; decoding images frees Python's lock."""

import collections
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

_Item = TypeVar('_Item')
_Result = TypeVar('_Result')


def map_in_order(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    num_workers: int = 0,
) -> Iterator[_Result]:
  """Yield `function(item)` of each item in order, computed a little ahead.

  If the function raises, no further item is begun; items may be endless. 0
  workers mean a thread for each core. 1 means this thread, which computes a
  result when it is asked for.
  """
  num_workers = num_workers or os.cpu_count() or 1
  if num_workers == 1:
    yield from map(function, items)
    return
  waiting: collections.deque[futures.Future[_Result]] = collections.deque()
  with futures.ThreadPoolExecutor(num_workers) as pool:
    try:
      for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > 4 * num_workers:
          yield waiting.popleft().result()
      while waiting:
        yield waiting.popleft().result()
    finally:
      for future in waiting:
        future.cancel()


def remember_last(
    function: Callable[[_Item], _Result],
) -> Callable[[_Item], _Result]:
  """Return the function with a memory of its results for two arguments.

  Threads that ask for the same argument compute it once. Two, because some
  threads may read the end of a part while others have begun the next.
  """
  remembered = functools.lru_cache(maxsize=2)(function)
  lock = threading.Lock()

  def locked(argument: _Item) -> _Result:
    with lock:
      return remembered(argument)

  return locked
