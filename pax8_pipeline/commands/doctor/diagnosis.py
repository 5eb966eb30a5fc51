"""One result of `doctor`: a level, the point, a sentence, and what to do. What is checked is in `local`, `mappings` and
`vendors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.console import Console

from pax8_pipeline.commands.common import print_wrapped, styled
from pax8_pipeline.transport.redact import redact

Level = Literal["ok", "warn", "bad"]
_STYLES: dict[Level, str] = {"ok": "green", "warn": "yellow", "bad": "bold red"}


@dataclass(frozen=True)
class Diagnosis:
    """One checked point. `advice` says what to do; empty when nothing is to be done."""

    level: Level
    point: str
    text: str
    advice: str = ""

    def __post_init__(self) -> None:
        # The texts may come from vendors' answers. They must not contain a secret.
        object.__setattr__(self, "text", redact(self.text))
        object.__setattr__(self, "advice", redact(self.advice))


def ok(point: str, text: str) -> Diagnosis:
    """Return a point that is in order."""
    return Diagnosis("ok", point, text)


def warn(point: str, text: str, advice: str = "") -> Diagnosis:
    """Return a point that works, but needs a person's attention."""
    return Diagnosis("warn", point, text, advice)


def bad(point: str, text: str, advice: str = "") -> Diagnosis:
    """Return a point that prevents the product from working."""
    return Diagnosis("bad", point, text, advice)


def worst(findings: Sequence[Diagnosis]) -> Level:
    """Return the worst level of the findings."""
    levels = {finding.level for finding in findings}
    return "bad" if "bad" in levels else "warn" if "warn" in levels else "ok"


def as_data(findings: Sequence[Diagnosis]) -> dict[str, Any]:
    """Return findings as data for --json."""
    return {
        "schema": "pax8-pipeline/doctor/1",
        "worst": worst(findings),
        "findings": [asdict(finding) for finding in findings],
    }


def show(console: Console, finding: Diagnosis) -> None:
    """Print one finding: a line, and its advice on the next."""
    label = f"[{finding.level}]"
    line = styled((f"{label:<7}", _STYLES[finding.level]), (f"{finding.point}: ", "bold"), finding.text)
    print_wrapped(console, line)
    if finding.advice:
        print_wrapped(console, f"       -> {finding.advice}")
