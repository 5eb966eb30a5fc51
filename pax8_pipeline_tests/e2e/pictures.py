"""Makes the pictures of the README from the sandbox, with a headless browser.

    python -m pax8_pipeline_tests.e2e.pictures

Runs the demo of a fixed day in a temporary folder, looks at the UI and at the report, and writes docs/pictures/*.png.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from pax8_pipeline.commands.sandbox_server import free_port
from pax8_pipeline_tests.support.chromium import BROWSER, FLAGS, PATIENCE_MS
from pax8_pipeline_tests.support.cli import clean_environment, cli

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
DAY = "2026-08-20"
_COLOURS = 64
_LIMIT = 120_000


@contextmanager
def user_interface(folder: Path) -> Iterator[str]:
    """Give the address of `pax8-pipeline dev` in `folder`, while the block lasts."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "pax8_pipeline.cli", "dev", "--port", str(port)],
        cwd=folder, env=clean_environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        if not any("Dagster is up" in line for line in process.stderr):
            sys.exit("the UI did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(90)


def save(name: str, picture: bytes, width: int) -> None:
    """Write one picture, made small: fewer pixels and colours. Exits when it is still too large for a repository."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    path = PICTURES / name
    image.quantize(_COLOURS).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path}: {size} bytes")
    if size > _LIMIT:
        sys.exit(f"{path} is larger than {_LIMIT} bytes")


def lineage(page: Any, address: str) -> bytes:
    """Take the picture of the lineage graph: from the vendors to billing."""
    page.goto(f"{address}/asset-groups")
    page.locator("svg foreignObject").get_by_text("billing", exact=True).first.wait_for()
    page.wait_for_load_state("networkidle")
    return bytes(page.screenshot(clip={"x": 0, "y": 0, "width": 1500, "height": 600}))


def check(page: Any, address: str) -> bytes:
    """Take the picture of a check that names rows and money."""
    page.goto(f"{address}/assets/reconciled/client_matches?view=checks")
    page.get_by_role("row").filter(has_text="Meridian Garden Centre").first.wait_for()
    page.wait_for_load_state("networkidle")
    return bytes(page.screenshot())


def report(page: Any, folder: Path) -> bytes:
    """Take the picture of the top of the report."""
    pages = sorted((folder / "data" / "sandbox" / "reports").glob("*.html"))
    page.goto(pages[-1].as_uri())
    return bytes(page.screenshot())


def main() -> None:
    """Make all pictures again."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        shown = cli(folder, "demo", "--date", DAY)
        if shown.returncode:
            sys.exit(shown.stderr)
        browser = driver.chromium.launch(executable_path=BROWSER, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        save("report.png", report(page, folder), 1100)
        with user_interface(folder) as address:
            save("lineage.png", lineage(page, address), 1100)
            save("check.png", check(page, address), 1100)
        browser.close()


if __name__ == "__main__":
    main()
