"""The report's page in a browser: sorting, search, narrow and wide, light and dark, and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from pax8_pipeline_tests.support import pages
from pax8_pipeline_tests.support.chromium import BROWSER, FLAGS, IN_BROWSER, PATIENCE_MS
from pax8_pipeline_tests.support.pages import Made

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("page")
    return pages.write_page(pages.hostile_names(folder), folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=BROWSER, args=list(FLAGS))
        yield started
        started.close()


def opened(browser: Browser, made: Made, **options: Any) -> tuple[Page, list[str]]:
    """Open the page; the list gets every message of its console, and every request that is not the page itself."""
    context = browser.new_context(**{"viewport": {"width": 1600, "height": 1000}, **options})
    shown, complaints = context.new_page(), []
    shown.set_default_timeout(PATIENCE_MS)
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("request", lambda request: None if request.url == made.page.as_uri() else complaints.append(request.url))
    shown.goto(made.page.as_uri())
    shown.locator("thead button").first.wait_for()
    return shown, complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1600, 1920])
def test_it_fits_the_width_in_both_colour_schemes_without_complaints(
    browser: Browser, made: Made, width: int, scheme: str
) -> None:
    page, complaints = opened(browser, made, viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(17, 24, 31)") is (scheme == "dark")
    if width != 1920:
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["impact"], v["nodes"][0]["html"]) for v in found] == []
    assert complaints == []


def test_a_heading_sorts_and_says_how(browser: Browser, made: Made) -> None:
    page, _ = opened(browser, made)
    table = page.locator("#losses-1 table")
    amounts = table.locator("tbody td.n")
    head = table.locator("thead th", has_text="Amount")
    button = head.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert amounts.all_inner_texts() == ["24,690.00", "30.00", "25.00"]
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    assert amounts.all_inner_texts() == ["25.00", "30.00", "24,690.00"]
    table.locator("thead th", has_text="Client").get_by_role("button").click()
    assert table.locator("[aria-sort]").count() == 1


def test_search_hides_rows_and_tells_how_many_are_left(browser: Browser, made: Made) -> None:
    page, _ = opened(browser, made)
    block = page.locator("#losses-1")
    block.get_by_label("Search").fill("30.00 ASSIGNED")
    assert block.locator("tbody tr:visible").count() == 1
    assert block.get_by_role("status").inner_text() == "1 of 3 rows"
    block.get_by_label("Search").fill("")
    assert block.locator("tbody tr:visible").count() == 3


def test_headings_stay_in_view(browser: Browser, made: Made) -> None:
    page, _ = opened(browser, made)
    assert page.locator("thead th").first.evaluate("th => getComputedStyle(th).position") == "sticky"


def test_on_paper_everything_is_shown_and_the_tools_are_not(browser: Browser, made: Made, tmp_path: Path) -> None:
    page, complaints = opened(browser, made)
    page.emulate_media(media="print")
    assert page.locator(".scroll").first.evaluate("e => getComputedStyle(e).overflowY") == "visible"
    assert page.locator("thead").first.evaluate("e => getComputedStyle(e).display") == "table-header-group"
    assert not page.locator(".tools").first.is_visible()
    assert page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True).startswith(b"%PDF")
    assert complaints == []


def test_without_scripts_the_same_tables_are_there(browser: Browser, made: Made) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(made.page.as_uri())
    assert page.locator("#losses-1 tbody tr").count() == 3
    assert not page.locator(".tools").first.is_visible()
