"""The report of a night as its readers have it: on a large screen and a telephone, light and dark, and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from pax8_pipeline_tests.support.chromium import IN_BROWSER, PATIENCE_MS
from pax8_pipeline_tests.support.dagster_ui import DagsterUi
from pax8_pipeline_tests.support.pictures import picture_path, save_picture, take_picture

pytestmark = IN_BROWSER

WIDTHS = {390: 844, 1600: 1000}
_TALL_TABLE = 30  # rows; on paper it goes over several pages


@pytest.fixture(scope="module")
def report(ui: DagsterUi) -> Path:
    """The page of the first run."""
    return min((ui.operator.folder / "reports").glob("plan-*.html"))


def opened(browser: Any, report: Path, **options: Any) -> tuple[Any, list[str]]:
    """Open a report; return its page and everything that its console says."""
    page, messages = browser.new_context(**options).new_page(), []
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(report.as_uri())
    page.locator("thead button").first.wait_for()
    return page, messages


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_screen_of_any_size_and_scheme_shows_a_page_that_everybody_can_use(
    browser: Any, report: Path, width: int, scheme: str
) -> None:
    size = {"width": width, "height": WIDTHS[width]}
    page, messages = opened(browser, report, viewport=size, color_scheme=scheme)
    page.get_by_role("heading", name="Billing report").wait_for()
    assert page.locator(".warning code").first.inner_text().startswith("pax8-pipeline plan approve ")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response
    assert [(v["id"], v["impact"], v["nodes"][0]["html"]) for v in found["violations"]] == []
    assert len(found["passes"]) > 20
    assert messages == []
    if scheme == "light" and width > 1000:
        take_picture(page, "report")
    if scheme == "dark" and width < 1000:
        take_picture(page, "report-telephone")


def test_on_paper_no_page_is_empty_and_every_page_of_a_table_has_its_headings(browser: Any, report: Path) -> None:
    page, messages = opened(browser, report, viewport={"width": 1600, "height": 1000})
    if path := picture_path("report-printed"):
        pages = printed(page)
        save_picture(path, side_by_side([pages[n].render(scale=1.2).to_pil() for n in (0, 4)]))
    table = page.locator("table").filter(has=page.get_by_text("Changes (")).first
    page.evaluate(_LENGTHEN, [table.element_handle(), _TALL_TABLE])
    paper = printed(page)
    # Without blanks: where letters are far apart, a reader of PDF files sees blanks between them.
    texts = ["".join(paper[n].get_textpage().get_text_range().split()) for n in range(len(paper))]
    assert messages == []
    assert 8 <= len(texts) <= 20
    assert [n for n, text in enumerate(texts) if len(text) < 40] == []
    rows = [n for n, text in enumerate(texts) if "repeatedrow" in text]
    assert len(rows) >= 2
    assert [n for n in rows if "ClientAmountCurrency" not in texts[n]] == []


def printed(page: Any) -> pypdfium2.PdfDocument:
    """Print a page on paper."""
    return pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True, print_background=True))


# Repeats the last row of a table until it has so many.
_LENGTHEN = """([table, rows]) => {
  const body = table.tBodies[0];
  while (body.rows.length < rows) {
    const row = body.appendChild(body.lastElementChild.cloneNode(true));
    row.cells[5].textContent = "repeated row " + body.rows.length;
  }
}"""


def side_by_side(images: list[Image.Image]) -> Image.Image:
    """Return pages of paper beside each other, with a thin frame each."""
    width, height = images[0].size
    both = Image.new("RGB", (len(images) * (width + 12) + 12, height + 24), "#9aa5b1")
    for number, image in enumerate(images):
        both.paste(image, (12 + number * (width + 12), 12))
    return both
