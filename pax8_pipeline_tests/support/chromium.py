"""The browser that the UI tests drive: where it is, how it is started, how long it may take."""

from __future__ import annotations

import shutil

import pytest

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000
IN_BROWSER = [
    pytest.mark.ui,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine"),
]
