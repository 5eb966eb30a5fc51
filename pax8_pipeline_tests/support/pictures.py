"""The documents' pictures: small PNG files that browser tests take of what they saw. `make pictures` makes all of them.

A test takes its picture only when PAX8_PICTURES names the folder for it.
"""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

WIDTH = 1100
# In bytes. A repository keeps every version of a picture.
LIMIT = 60_000
_COLOURS = 96


def take_picture(page: Any, name: str, *, height: int | None = None, left: int = 0) -> None:
    """Save what a page shows, or its upper `height` pixels without the first `left` ones of each line, as
    docs/pictures/`name`.png; nothing in an ordinary test.
    """
    if path := picture_path(name):
        size = page.viewport_size
        clip = {"x": left, "y": 0, "width": size["width"] - left, "height": height or size["height"]}
        save_picture(path, Image.open(BytesIO(page.screenshot(clip=clip))))


def picture_path(name: str) -> Path | None:
    """Return where the picture belongs, None in an ordinary test."""
    folder = os.environ.get("PAX8_PICTURES")
    return Path(folder) / f"{name}.png" if folder else None


def save_picture(path: Path, image: Image.Image) -> None:
    """Write an image with few pixels and colours. Raises AssertionError when it is still too large for a repository."""
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    path.parent.mkdir(parents=True, exist_ok=True)
    few = image.convert("RGB").quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    assert path.stat().st_size <= LIMIT, f"{path} has {path.stat().st_size} bytes, allowed are {LIMIT}"
