"""Doing one thing to many items at once, all or nothing.

Here belongs: the concurrent map. Not here: how many requests may leave (`rate_limit`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_all(
    fn: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """Apply `fn` to all items with so many threads; results in the order of the items.

    The first failure is raised, and nothing that had not begun is begun any more. `progress(done, total)` is
    called in the caller's thread after each.
    """
    wanted = list(items)
    failures: list[BaseException] = []

    def work(item: Item) -> Result:
        if failures:
            raise CancelledError
        try:
            return fn(item)
        except BaseException as failure:
            failures.append(failure)
            raise

    with ThreadPoolExecutor(max_workers=max(1, min(threads, len(wanted)))) as pool:
        futures = [pool.submit(work, item) for item in wanted]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                if failures:
                    raise failures[0]
                future.result()
                if progress is not None:
                    progress(done, len(wanted))
        except BaseException as stop:
            failures.append(stop)  # also when `progress` or Ctrl-C stopped it
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]
