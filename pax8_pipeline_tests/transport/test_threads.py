"""Many at once: in order, all or nothing."""

from __future__ import annotations

import threading

import pytest

from pax8_pipeline.transport.parallel import map_all


def test_results_come_in_the_order_of_the_items() -> None:
    second_done = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            assert second_done.wait(30)
        else:
            second_done.set()
        return item * 10

    assert map_all(work, [1, 2, 3], threads=2) == [10, 20, 30]


def test_the_first_failure_ends_it_and_what_had_not_begun_never_begins() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 0:
            raise RuntimeError("no")
        return item

    with pytest.raises(RuntimeError, match="no"):
        map_all(work, range(10_000), threads=1)
    assert begun == [0]


def test_progress_counts_every_item_once() -> None:
    error_sentence: list[tuple[int, int]] = []
    map_all(abs, [1, 2, 3], threads=2, progress=lambda done, total: error_sentence.append((done, total)))
    assert error_sentence == [(1, 3), (2, 3), (3, 3)]


def test_nothing_to_do_is_done() -> None:
    assert map_all(abs, [], threads=4) == []
