"""A page in a real browser, for the tests of the UI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline_tests.support.chromium import BROWSER, FLAGS, PATIENCE_MS


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
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    yield page
    folder = os.environ.get("PAX8_UI_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{request.node.name}.png"))
    page.close()
