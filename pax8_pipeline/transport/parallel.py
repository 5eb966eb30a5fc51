"""Does one thing to many items at once; all or nothing. How many requests may be sent is decided in `rate_limit`."""

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
    """Apply `fn` to all items with this number of threads. Results have the order of the items.

    The first failure is raised, and items that had not started are not started any more. `progress(done, total)` is
    called in the caller's thread after each item.
    """
    all_items = list(items)
    failures: list[BaseException] = []

    def work(item: Item) -> Result:
        if failures:
            raise CancelledError
        try:
            return fn(item)
        except BaseException as failure:
            failures.append(failure)
            raise

    with ThreadPoolExecutor(max_workers=max(1, min(threads, len(all_items)))) as pool:
        futures = [pool.submit(work, item) for item in all_items]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                if failures:
                    raise failures[0]
                future.result()
                if progress is not None:
                    progress(done, len(all_items))
        except BaseException as stop:
            failures.append(stop)  # also when `progress` or Ctrl-C stopped it
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]
