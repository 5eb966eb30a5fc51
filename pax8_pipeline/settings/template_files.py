"""The files that `pax8-pipeline init` starts from, as this version ships them.

They are copies of `.env.example` and of the files in `data/`, for an installation without the checkout. `make docs`
writes the copies again; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable

ENV, POLICY = "env.example", "policy.yaml"
_AUTO = "  default: auto # the mode of every client that `clients` does not name"
_OBSERVE = (
    "  # The mode of every client that `clients` does not name. A new installation observes: it reports, and writes nothing.\n"
    "  # `pax8-pipeline status --trust` shows what each client lacks before its mode can be raised.\n"
    "  default: observe"
)
_UTC = "\ntimezone: UTC #"


def template(name: str) -> str:
    """Return one shipped file as text."""
    return _folder().joinpath(name).read_text(encoding="utf-8")


def empty_tables() -> Iterator[tuple[str, str]]:
    """Yield path in the data folder and text of each CSV file, which has only its headings."""
    yield "acknowledged.csv", template("acknowledged.csv")
    for file in sorted(_folder().joinpath("mappings").iterdir(), key=lambda file: file.name):
        yield f"mappings/{file.name}", file.read_text(encoding="utf-8")


def first_policy(timezone: str) -> str:
    """Return policy.yaml for a new installation: every key with its comment, each client observed, no writes."""
    text = template(POLICY)
    if text.count(_AUTO) != 1 or text.count(_UTC) != 1:
        raise AssertionError("policy.yaml changed its shape; adapt template_files.py")
    return text.replace(_AUTO, _OBSERVE).replace(_UTC, f"\ntimezone: {timezone} #")


def _folder() -> Traversable:
    return resources.files("pax8_pipeline.settings").joinpath("templates")
