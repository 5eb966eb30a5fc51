"""Which tests share a worker, and in what order they go."""

from __future__ import annotations

import atexit
import gc
import os
import sys

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Where the shell forbids compiled files, each worker would rewrite all test modules again, and each of some 200 processes
# that tests start would compile the whole product: half of the time of collecting, a third of the start of a command.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A module's tests share its fixtures (a clean run, a Dagster with its UI) and what was loaded before, so they stay on
# one worker; those of these modules share little and take long, so each goes where there is room.
APART = ("e2e/test_daily_sync.py", "e2e/test_kill.py", "e2e/test_write_path.py", "e2e/test_usage_days.py")

# All browser tests share one Dagster with its UI.
BROWSER = "e2e/test_browser_"

# Rooms whose modules take a minute, in this order.
LONG = ("/e2e/", "/orchestration/assets/", "/cli/", "/billing/")


class _ByModule(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.split("::", 1)[0]
        if BROWSER in module:
            return BROWSER
        return nodeid if module.endswith(APART) else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Group tests as above, in the order of collection."""
    config.option.loadscopereorder = False
    return _ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long modules first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: next((n for n, room in enumerate(LONG) if room in item.nodeid), len(LONG)))


def pytest_collection_finish() -> None:
    """Leave out of every garbage collection what was imported and collected: it stays until the end.

    At the end it must go as ever, or DuckDB's library prints what it calls leaks.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)


@pytest.fixture(autouse=True)
def _no_width_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test prints does not depend on the terminal that started it, nor on what another test left."""
    monkeypatch.delenv("COLUMNS", raising=False)
