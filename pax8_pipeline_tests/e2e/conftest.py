"""A page in a real browser and the Dagster UI that all browser tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline_tests.conftest import BROWSER as BROWSER_TESTS
from pax8_pipeline_tests.support.chromium import BROWSER, FLAGS, PATIENCE_MS
from pax8_pipeline_tests.support.dagster_ui import DagsterUi, served_ui

_SERVED = ExitStack()


@pytest.fixture(scope="session")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterUi]:
    """One web server with its daemon for all browser tests: starting them takes longer than most tests."""
    with _SERVED:
        yield _SERVED.enter_context(served_ui(tmp_path_factory.mktemp("ui")))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End that Dagster behind the last browser test: idle, its processes ask each other for news until the end."""
    if BROWSER_TESTS in item.nodeid and (nextitem is None or BROWSER_TESTS not in nextitem.nodeid):
        _SERVED.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for a module's tests; they are skipped where nothing can drive it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # What a test expects of a page is waited for; nothing is looked at before it is there.
    playwright.expect.set_options(timeout=PATIENCE_MS)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A new page; its picture goes to the folder that PAX8_UI_SCREENSHOTS names."""
    page = browser.new_page(viewport={"width": 1500, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    yield page
    folder = os.environ.get("PAX8_UI_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{request.node.name}.png"))
    page.close()
